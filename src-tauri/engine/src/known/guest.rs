//! The guest's own words, on its console.

use super::{Known, known};
use igloo_protocol::Code;

const IMAGE_AGAIN: &str = "Look at the log with `igloo log`, then make the image again";

const DISK_AGAIN: &str =
    "Make the disk clean with `igloo reset`; if that is not enough, make the image again";

/// The guest's own words.
pub(crate) const GUEST: &[Known] = &[
    known("Unable to mount root fs", Code::BadImage, "the guest found no root file system", IMAGE_AGAIN),
    known("cannot mount /dev/vda", Code::BadDisk, "the guest can't mount its root file system", DISK_AGAIN),
    known(
        "Can't find ext4 filesystem",
        Code::BadDisk,
        "the guest can't mount its root file system",
        DISK_AGAIN,
    ),
    known("Attempted to kill init", Code::BadImage, "the guest's first process ended", IMAGE_AGAIN),
    known("No working init found", Code::BadImage, "the guest has no first process", IMAGE_AGAIN),
    known(
        "Out of memory and no killable",
        Code::VmCrashed,
        "the guest ran out of memory",
        "Give the builder more memory",
    ),
    known(
        "Kernel panic - not syncing",
        Code::VmCrashed,
        "the guest's kernel gave up",
        "Look at the log with `igloo log`, then start it again",
    ),
];
