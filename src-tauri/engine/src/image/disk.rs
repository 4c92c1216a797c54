//! The disks that a guest writes to: one that stays, and a throwaway one for ephemeral starts.

mod work;

use super::{Image, cache::sweep, qemu_img::QemuImg};
use crate::files;
use igloo_protocol::{BuilderId, Code, Problem};
use serde::{Deserialize, Serialize};
use std::{
    fs, io,
    path::{Path, PathBuf},
};
use work::Work;

/// Bytes in a GiB.
const GIB: u64 = 1 << 30;

/// Room that the host must have left before a start, in bytes: a guest that writes to a full disk is
/// stopped by QEMU in the middle of it.
pub const MIN_FREE: u64 = GIB;

/// The disks of one builder, in one folder.
#[derive(Clone, Debug)]
pub struct Disks {
    folder: PathBuf,
    blanks: PathBuf,
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
    /// The disks of `id` in `folder`, and the clean ones that they are made from, for every builder, below `cache_dir`.
    /// Both are made when they are needed.
    pub fn new(folder: impl Into<PathBuf>, cache_dir: &Path, id: BuilderId) -> Disks {
        let folder = files::absolute(folder.into());
        Disks { folder, blanks: cache_dir.join("blank"), id, min_free: MIN_FREE }
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
        fs::create_dir_all(&self.folder).map_err(|e| self.cannot_write(&e))?;
        sweep(&self.folder);
        self.check_room()?;

        let work = Work { disks: self, tool: QemuImg(image.qemu_img()), image };
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

/// The record beside a disk.
fn origin_file(disk: &Path) -> PathBuf {
    disk.with_extension("json")
}
