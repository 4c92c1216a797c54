//! Making a disk, and using one again.

use super::{Disk, Disks, GIB, Origin, origin_file};
use crate::{
    files,
    image::{
        Image, Root, bad_image,
        blank::{self, Templates},
        cache::TEMP_PREFIX,
        qemu_img::{Failure, Info, QemuImg, Refusal, locked},
    },
};
use igloo_protocol::{Code, Problem};
use std::{
    fs,
    path::{Path, PathBuf},
};

/// What making and reusing a disk have in common.
pub(super) struct Work<'a> {
    pub disks: &'a Disks,
    pub tool: QemuImg,
    pub image: &'a Image,
}

impl Work<'_> {
    /// Makes a disk under a temporary name, then its origin, then gives it its name. Whatever ends
    /// this on the way, no disk without an origin and no half-made one is left under the name.
    pub async fn make(&self, disk: &Path, bytes: u64, ephemeral: bool) -> Result<Disk, Problem> {
        let temp = self.temp()?;
        let bytes = match &self.image.manifest.root {
            Root::Base { path, format } => self.overlay(disk, &temp, (path, format.as_str()), bytes).await?,
            Root::Blank { label, .. } => {
                let clean = self.clean(label, bytes).await?;
                if ephemeral {
                    self.overlay(disk, &temp, (&clean, "qcow2"), bytes).await?
                } else {
                    // a few megabytes; the cache may go, and what stays must not need it
                    fs::copy(&clean, &temp).map_err(|e| self.disks.cannot_write(&e))?;
                    bytes
                }
            }
        };
        let origin = Origin { base: self.base_identity(), image: self.image.manifest.name.clone() };
        files::write_json(&origin_file(disk), &origin).map_err(|e| self.disks.cannot_write(&e))?;
        temp.persist(disk).map_err(|e| self.disks.cannot_write(&e.error))?;
        Ok(Disk { path: disk.to_owned(), ephemeral, bytes, warning: None })
    }

    fn temp(&self) -> Result<tempfile::TempPath, Problem> {
        let made = tempfile::Builder::new().prefix(TEMP_PREFIX).tempfile_in(&self.disks.folder);
        Ok(made.map_err(|e| self.disks.cannot_write(&e))?.into_temp_path())
    }

    /// Makes `temp`, which is to be `disk`, an overlay over `base`; its size.
    async fn overlay(
        &self,
        disk: &Path,
        temp: &Path,
        (base, format): (&Path, &str),
        bytes: u64,
    ) -> Result<u64, Problem> {
        let info = self.tool.info(base, format).await.map_err(|f| self.base_problem(base, f))?;
        // smaller than its base, an overlay would cut off the end of the file system
        let bytes = bytes.max(info.virtual_size);
        let made = self.tool.create(temp, base, format, bytes).await;
        made.map_err(|f| self.disk_problem(disk, f))?;
        Ok(bytes)
    }

    /// The clean disk of this size with an empty file system.
    async fn clean(&self, label: &str, bytes: u64) -> Result<PathBuf, Problem> {
        Templates::new(self.disks.blanks.clone()).ensure(self.image, label, bytes).await
    }

    pub async fn reuse(&self, disk: &Path, bytes: u64) -> Result<Disk, Problem> {
        let origin = self.disks.origin(disk)?;
        if origin.base != self.base_identity() {
            let why = format!("it was made over another image ({})", origin.image);
            return Err(self.disks.damaged(disk, &why));
        }
        let info = self.tool.info(disk, "qcow2").await.map_err(|f| self.disk_problem(disk, f))?;
        if info.is_marked_corrupt() {
            return Err(self.disks.damaged(disk, "QEMU has marked it as corrupt"));
        }
        if let Root::Base { path, format } = &self.image.manifest.root
            && info.backing_filename.as_deref() != Some(path)
        {
            let moved = self.tool.rebase(disk, path, format.as_str()).await;
            moved.map_err(|f| self.disk_problem(disk, f))?;
        }
        self.tool.check(disk).await.map_err(|f| self.disk_problem(disk, f))?;
        let mut reused = Disk {
            path: disk.to_owned(),
            ephemeral: false,
            bytes: info.virtual_size,
            warning: self.cannot_shrink(&info, bytes),
        };
        if bytes > info.virtual_size {
            match self.grow(disk, bytes).await {
                Ok(()) => reused.bytes = bytes,
                // it works as it is
                Err(problem) if self.is_blank() => reused.warning = Some(self.cannot_grow(&info, &problem)),
                Err(problem) => return Err(problem),
            }
        }
        Ok(reused)
    }

    fn is_blank(&self) -> bool {
        matches!(self.image.manifest.root, Root::Blank { .. })
    }

    /// A guest over a base grows its file system itself; one on a blank root, as nixpkgs', does not.
    async fn grow(&self, disk: &Path, bytes: u64) -> Result<(), Problem> {
        if !self.is_blank() {
            return self.tool.grow(disk, bytes).await.map_err(|f| self.disk_problem(disk, f));
        }
        tracing::info!(disk = %disk.display(), bytes, "growing the disk with its file system");
        let (raw, grown) = (self.temp()?, self.temp()?);
        blank::grow(self.image, &self.tool, disk, (&raw, &grown), bytes).await?;
        let synced = fs::File::open(&grown).and_then(|file| file.sync_all());
        synced.map_err(|e| self.disks.cannot_write(&e))?;
        grown.persist(disk).map_err(|e| self.disks.cannot_write(&e.error))
    }

    fn cannot_grow(&self, info: &Info, why: &Problem) -> Problem {
        let has = info.virtual_size.div_ceil(GIB);
        Problem::new(
            why.code,
            format!("The disk could not be grown and has {has} GiB as before: {}", why.message),
            why.remedy.clone(),
        )
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

    /// Which disks fit the image: overlays over its base, or those that were blank in its way.
    fn base_identity(&self) -> String {
        match &self.image.manifest.root {
            Root::Base { .. } => self.image.base_identity().unwrap_or_default().to_owned(),
            Root::Blank { label, fs } => format!("blank {fs} {label}"),
        }
    }

    fn disk_problem(&self, disk: &Path, failure: Failure) -> Problem {
        match failure {
            Failure::Problem(p) => p,
            Failure::Refused(Refusal::Full) => self.disks.full("qemu-img found the disk full"),
            Failure::Refused(Refusal::Locked) => locked(disk),
            Failure::Refused(Refusal::Other(why)) => self.disks.damaged(disk, &why),
        }
    }

    fn base_problem(&self, base: &Path, failure: Failure) -> Problem {
        match failure {
            Failure::Refused(Refusal::Other(why)) => bad_image(base, &why),
            other => self.disk_problem(base, other),
        }
    }
}
