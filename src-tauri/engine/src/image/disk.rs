//! The disks that a guest writes to: one that stays, and a throwaway one for ephemeral starts.

use super::{
    Image, Root, bad_image,
    qemu_img::{Failure, Info, QemuImg, Refusal, locked},
};
use crate::files;
use igloo_protocol::{BuilderId, Code, Problem};
use serde::{Deserialize, Serialize};
use std::{
    fs, io,
    path::{Path, PathBuf},
};

/// Bytes in a GiB.
const GIB: u64 = 1 << 30;

/// Room that the host must have left before a start, in bytes: a guest that writes to a full disk is
/// stopped by QEMU in the middle of it.
pub const MIN_FREE: u64 = GIB;

/// How temporary files begin, so that those of a killed engine can be told from others.
const TEMP_PREFIX: &str = ".igloo-";

/// The disks of one builder, in one folder.
#[derive(Clone, Debug)]
pub struct Disks {
    folder: PathBuf,
    id: BuilderId,
    min_free: u64,
}

/// A disk that is ready for a start.
#[derive(Clone, Debug, PartialEq)]
pub struct Disk {
    /// The qcow2 file.
    pub path: PathBuf,
    /// Whether it is thrown away at the stop.
    pub ephemeral: bool,
    /// Its size as the guest sees it, in bytes.
    pub bytes: u64,
    /// What the user should know, though it does not stop the start.
    pub warning: Option<Problem>,
}

/// What lies beside each disk: Igloo made it, over which base.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Origin {
    /// [`Image::base_identity`]
    base: String,
    /// The image's name, for messages.
    image: String,
}

impl Disks {
    /// The disks of `id` in `folder`, which is made when it is needed.
    pub fn new(folder: impl Into<PathBuf>, id: BuilderId) -> Disks {
        Disks { folder: files::absolute(folder.into()), id, min_free: MIN_FREE }
    }

    /// Asks for another amount of free room than [`MIN_FREE`], in bytes.
    pub fn with_min_free(self, bytes: u64) -> Disks {
        Disks { min_free: bytes, ..self }
    }

    /// The disk that stays.
    pub fn persistent(&self) -> PathBuf {
        self.folder.join("disk.qcow2")
    }

    /// The throwaway one.
    pub fn ephemeral(&self) -> PathBuf {
        self.folder.join("ephemeral.qcow2")
    }

    /// Makes ready the disk for a start: the persistent one (made if it is missing, made anew for
    /// `reset`, grown to `gib` GiB, never shrunk), or for an ephemeral start a new throwaway one, which
    /// leaves the persistent one untouched. Only while no machine of this builder runs.
    ///
    /// # Errors
    /// [`Code::MissingTool`], [`Code::DiskFull`], [`Code::BadDisk`] (damaged, of another base, or not
    /// made by Igloo), [`Code::BadImage`], [`Code::VmFailed`] when another process has it open.
    pub async fn prepare(
        &self,
        image: &Image,
        gib: u64,
        ephemeral: bool,
        reset: bool,
    ) -> Result<Disk, Problem> {
        let Root::Base { path: base, format } = &image.manifest.root else {
            return Err(unsupported(image, "its root disk is to be made blank"));
        };
        if image.manifest.store.is_some() {
            return Err(unsupported(image, "it needs a store image"));
        }
        fs::create_dir_all(&self.folder).map_err(|e| self.cannot_write(&e))?;
        self.sweep();
        self.check_room()?;

        let tool = QemuImg(image.qemu_img());
        let work = Work { disks: self, tool, base, format: format.as_str(), image };
        if reset {
            self.delete(&self.persistent())?;
        }
        if ephemeral {
            self.discard_ephemeral()?;
            work.make(&self.ephemeral(), gib * GIB, true).await
        } else if self.persistent().exists() {
            work.reuse(&self.persistent(), gib * GIB).await
        } else {
            work.make(&self.persistent(), gib * GIB, false).await
        }
    }

    /// Deletes the persistent disk, if Igloo made it. One that is not there is fine.
    ///
    /// # Errors
    /// [`Code::BadDisk`] when Igloo did not make it, or when it can't be deleted.
    pub fn delete_persistent(&self) -> Result<(), Problem> {
        self.delete(&self.persistent())
    }

    /// Deletes the throwaway disk, if there is one: at the stop after an ephemeral start.
    ///
    /// # Errors
    /// As [`Disks::delete_persistent`].
    pub fn discard_ephemeral(&self) -> Result<(), Problem> {
        self.delete(&self.ephemeral())
    }

    fn delete(&self, disk: &Path) -> Result<(), Problem> {
        if disk.symlink_metadata().is_err() {
            return Ok(());
        }
        self.origin(disk)?;
        let delete = || files::remove(disk).and_then(|()| files::remove(&origin_file(disk)));
        delete().map_err(|e| {
            let message = format!("The disk {} can't be deleted: {e}", disk.display());
            Problem::new(Code::BadDisk, message, "Delete it by hand")
        })
    }

    /// Where a disk came from. Without that, it is somebody else's.
    fn origin(&self, disk: &Path) -> Result<Origin, Problem> {
        let regular = disk.symlink_metadata().is_ok_and(|m| m.is_file());
        let origin = fs::read(origin_file(disk)).ok().and_then(|b| serde_json::from_slice(&b).ok());
        origin.filter(|_| regular).ok_or_else(|| {
            Problem::new(
                Code::BadDisk,
                format!("Igloo did not make {}: the record beside it is missing or damaged", disk.display()),
                "Move that file away, then start again",
            )
        })
    }

    /// Removes what an engine that was killed left half-made.
    fn sweep(&self) {
        let entries = fs::read_dir(&self.folder).into_iter().flatten().flatten();
        for entry in entries.filter(|e| e.file_name().to_string_lossy().starts_with(TEMP_PREFIX)) {
            if let Err(e) = fs::remove_file(entry.path()) {
                tracing::warn!("can't remove {}: {e}", entry.path().display());
            }
        }
    }

    fn check_room(&self) -> Result<(), Problem> {
        let room = rustix::fs::statvfs(&self.folder).map_err(|e| self.cannot_write(&e.into()))?;
        let free = room.f_bavail.saturating_mul(room.f_frsize);
        if free >= self.min_free {
            return Ok(());
        }
        let (free, need) = (free >> 20, self.min_free >> 20);
        Err(self.full(&format!("{free} MiB are free, a start needs {need} MiB")))
    }

    fn full(&self, why: &str) -> Problem {
        Problem::new(
            Code::DiskFull,
            format!("There is not enough room in {}: {why}", self.folder.display()),
            format!(
                "Free some room on that disk, or make the builder's own small with `igloo reset {}`",
                self.id
            ),
        )
    }

    fn damaged(&self, disk: &Path, why: &str) -> Problem {
        Problem::new(
            Code::BadDisk,
            format!("The builder's disk {} can't be used: {why}", disk.display()),
            format!("Make it clean with `igloo reset {}`; what was built on it is lost", self.id),
        )
    }

    fn cannot_write(&self, e: &io::Error) -> Problem {
        if e.kind() == io::ErrorKind::StorageFull {
            return self.full(&e.to_string());
        }
        Problem::new(
            Code::BadDisk,
            format!("The disks' folder {} can't be written: {e}", self.folder.display()),
            "Make the folder writable for this user",
        )
    }
}

/// What making and reusing a disk have in common.
struct Work<'a> {
    disks: &'a Disks,
    tool: QemuImg,
    base: &'a Path,
    format: &'a str,
    image: &'a Image,
}

impl Work<'_> {
    /// Makes a disk under a temporary name, then its origin, then gives it its name. Whatever ends
    /// this on the way, no disk without an origin and no half-made one is left under the name.
    async fn make(&self, disk: &Path, bytes: u64, ephemeral: bool) -> Result<Disk, Problem> {
        let base = self.tool.info(self.base, self.format).await.map_err(|f| self.base_problem(f))?;
        // smaller than its base, an overlay would cut off the end of the file system
        let bytes = bytes.max(base.virtual_size);
        let temp = tempfile::Builder::new()
            .prefix(TEMP_PREFIX)
            .tempfile_in(&self.disks.folder)
            .map_err(|e| self.disks.cannot_write(&e))?
            .into_temp_path();
        let made = self.tool.create(&temp, self.base, self.format, bytes).await;
        made.map_err(|f| self.disk_problem(disk, f))?;
        let origin = Origin { base: self.base_identity(), image: self.image.manifest.name.clone() };
        files::write_json(&origin_file(disk), &origin).map_err(|e| self.disks.cannot_write(&e))?;
        temp.persist(disk).map_err(|e| self.disks.cannot_write(&e.error))?;
        Ok(Disk { path: disk.to_owned(), ephemeral, bytes, warning: None })
    }

    async fn reuse(&self, disk: &Path, bytes: u64) -> Result<Disk, Problem> {
        let origin = self.disks.origin(disk)?;
        if origin.base != self.base_identity() {
            let why = format!("it was made over another image ({})", origin.image);
            return Err(self.disks.damaged(disk, &why));
        }
        let info = self.tool.info(disk, "qcow2").await.map_err(|f| self.disk_problem(disk, f))?;
        if info.is_marked_corrupt() {
            return Err(self.disks.damaged(disk, "QEMU has marked it as corrupt"));
        }
        if info.backing_filename.as_deref() != Some(self.base) {
            let moved = self.tool.rebase(disk, self.base, self.format).await;
            moved.map_err(|f| self.disk_problem(disk, f))?;
        }
        self.tool.check(disk).await.map_err(|f| self.disk_problem(disk, f))?;
        if bytes > info.virtual_size {
            self.tool.grow(disk, bytes).await.map_err(|f| self.disk_problem(disk, f))?;
        }
        Ok(Disk {
            path: disk.to_owned(),
            ephemeral: false,
            bytes: bytes.max(info.virtual_size),
            warning: self.cannot_shrink(&info, bytes),
        })
    }

    fn cannot_shrink(&self, info: &Info, bytes: u64) -> Option<Problem> {
        (bytes < info.virtual_size).then(|| {
            let (has, asked) = (info.virtual_size.div_ceil(GIB), bytes.div_ceil(GIB));
            Problem::new(
                Code::BadSettings,
                format!("The disk has {has} GiB and can't shrink to the {asked} GiB of the settings"),
                format!("Set it to {has} GiB, or make it anew with `igloo reset {}`", self.disks.id),
            )
        })
    }

    fn base_identity(&self) -> String {
        self.image.base_identity().unwrap_or_default().to_owned()
    }

    fn disk_problem(&self, disk: &Path, failure: Failure) -> Problem {
        match failure {
            Failure::Problem(p) => p,
            Failure::Refused(Refusal::Full) => self.disks.full("qemu-img found the disk full"),
            Failure::Refused(Refusal::Locked) => locked(disk),
            Failure::Refused(Refusal::Other(why)) => self.disks.damaged(disk, &why),
        }
    }

    fn base_problem(&self, failure: Failure) -> Problem {
        match failure {
            Failure::Refused(Refusal::Other(why)) => bad_image(self.base, &why),
            other => self.disk_problem(self.base, other),
        }
    }
}

/// The record beside a disk.
fn origin_file(disk: &Path) -> PathBuf {
    disk.with_extension("json")
}

fn unsupported(image: &Image, why: &str) -> Problem {
    Problem::new(
        Code::BadImage,
        format!("The image {} can't be started yet: {why}", image.manifest.name),
        "Use an image that brings its root disk",
    )
}
