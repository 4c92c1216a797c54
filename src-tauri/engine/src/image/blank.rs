//! Blank roots: disks with an empty file system, formatted once for each size and label and kept as templates.

mod grow;

pub(super) use grow::grow;

use super::{
    Image, bad_image,
    cache::{Cache, Making},
    qemu_img::{Failure, QemuImg, Refusal},
    tool::{self, Ended},
};
use crate::host::paths::cannot;
use igloo_protocol::Problem;
use std::{
    ffi::OsStr,
    fs,
    path::{Path, PathBuf},
};

/// The templates in one folder.
#[derive(Clone, Debug)]
pub(super) struct Templates(Cache);

impl Templates {
    /// The templates in `folder`.
    pub fn new(folder: PathBuf) -> Templates {
        Templates(Cache::new(folder))
    }

    /// A qcow2 of `bytes` with an empty ext4 of this label: made unless it is there. Only to be read.
    ///
    /// # Errors
    /// [`igloo_protocol::Code::MissingTool`], [`igloo_protocol::Code::DiskFull`],
    /// [`igloo_protocol::Code::BadImage`]. Nothing half-made is left then.
    pub async fn ensure(&self, image: &Image, label: &str, bytes: u64) -> Result<PathBuf, Problem> {
        let file = self.0.folder().join(format!("ext4-{label}-{bytes}.qcow2"));
        let qemu_img = QemuImg(image.qemu_img());
        if is_good(&qemu_img, &file, bytes).await? {
            return Ok(file);
        }
        let making = self.0.lock().await?;
        // whoever had the lock before may have made it
        if !is_good(&qemu_img, &file, bytes).await? {
            make(&making, image, &qemu_img, (label, bytes), &file).await?;
        }
        Ok(file)
    }
}

async fn is_good(qemu_img: &QemuImg, file: &Path, bytes: u64) -> Result<bool, Problem> {
    if !file.exists() {
        return Ok(false);
    }
    match qemu_img.info(file, "qcow2").await {
        Ok(info) => Ok(info.virtual_size == bytes && !info.is_marked_corrupt()),
        Err(Failure::Problem(problem)) => Err(problem),
        Err(Failure::Refused(_)) => Ok(false),
    }
}

async fn make(
    making: &Making<'_>,
    image: &Image,
    qemu_img: &QemuImg,
    (label, bytes): (&str, u64),
    file: &Path,
) -> Result<(), Problem> {
    tracing::info!(file = %file.display(), "formatting a blank disk");
    let (raw, disk) = (making.temp()?, making.temp()?);
    let sized = fs::OpenOptions::new().write(true).open(&raw).and_then(|file| file.set_len(bytes));
    sized.map_err(|e| cannot("make", file, &e))?;
    let mkfs = image.mkfs_ext4();
    let child = tool::spawn(&mkfs, &mut tool::command(&mkfs, mkfs_args(label, &raw)))?;
    Ended::of(child).await?.check(&mkfs, file)?;
    qemu_img.convert((&raw, "raw"), (&disk, "qcow2")).await.map_err(|f| failed(file, f))?;
    making.keep(disk, file)
}

/// The problem of a conversion that made no `file`.
fn failed(file: &Path, failure: Failure) -> Problem {
    match failure {
        Failure::Problem(problem) => problem,
        Failure::Refused(Refusal::Full) => tool::full(file),
        Failure::Refused(Refusal::Other(why)) => bad_image(file, &why),
        Failure::Refused(Refusal::Locked) => bad_image(file, "another process has it open"),
    }
}

/// The file is all zeros, so neither the tables nor the journal need zeroing, now or in the guest's background.
fn mkfs_args<'a>(label: &'a str, disk: &'a Path) -> [&'a OsStr; 7] {
    let lazy = "nodiscard,lazy_itable_init=1,lazy_journal_init=1";
    let [quiet, force, extended, lazy, name, label] = ["-q", "-F", "-E", lazy, "-L", label].map(OsStr::new);
    [quiet, force, extended, lazy, name, label, disk.as_os_str()]
}
