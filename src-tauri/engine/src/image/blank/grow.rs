//! Growing a disk with the file system on it, for guests that don't do that themselves.

use super::failed;
use crate::image::{
    Image, beside,
    qemu_img::QemuImg,
    tool::{self, Ended},
};
use igloo_protocol::Problem;
use std::{fs, path::Path};

/// Makes `to` what the qcow2 `disk` is, grown to `bytes` with its ext4; `raw` is a file for what is in between, and is as large
/// as what the guest has written. `disk` is only read.
///
/// # Errors
/// [`igloo_protocol::Code::MissingTool`], [`igloo_protocol::Code::DiskFull`],
/// [`igloo_protocol::Code::BadImage`] where the file system is damaged.
pub(in crate::image) async fn grow(
    image: &Image,
    qemu_img: &QemuImg,
    disk: &Path,
    (raw, to): (&Path, &Path),
    bytes: u64,
) -> Result<(), Problem> {
    qemu_img.convert((disk, "qcow2"), (raw, "raw")).await.map_err(|f| failed(disk, f))?;
    let longer = fs::OpenOptions::new().write(true).open(raw).and_then(|file| file.set_len(bytes));
    longer.map_err(|e| crate::host::paths::cannot("grow", disk, &e))?;
    // both are of e2fsprogs, as mkfs.ext4 is
    let tool = |name| beside(&image.mkfs_ext4(), name);
    // resize2fs wants one that was checked; 1: it mended something, such as the journal of a machine that was killed
    run(&tool("e2fsck"), &["-f", "-p"], raw, disk, &[0, 1]).await?;
    run(&tool("resize2fs"), &[], raw, disk, &[0]).await?;
    qemu_img.convert((raw, "raw"), (to, "qcow2")).await.map_err(|f| failed(disk, f))
}

/// Runs a program on `raw`; `disk` is what a failure names.
async fn run(program: &Path, options: &[&str], raw: &Path, disk: &Path, good: &[i32]) -> Result<(), Problem> {
    let mut command = tool::command(program, options);
    let child = tool::spawn(program, command.arg(raw))?;
    Ended::of(child).await?.check_for(program, disk, good)
}
