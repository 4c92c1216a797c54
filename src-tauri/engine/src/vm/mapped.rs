//! Whose a shared file is in the guest. QEMU's `security_model=mapped-xattr` takes owner and mode from extended attributes, where
//! a file has them. Source of their names and form: QEMU's `hw/9pfs/9p-local.c`.

use rustix::{
    fs::{XattrFlags, fsetxattr},
    io::Errno,
};
use std::{fs::File, io};

/// Bits of a mode that say what a file is.
const FOLDER: u32 = 0o040_000;
const REGULAR: u32 = 0o100_000;

/// Lets a file of a share, or the share's folder, be root's in the guest, with these permissions. On the host nothing changes. A
/// host file system without such attributes is no error: the file has its host owner in the guest then.
///
/// # Errors
/// Any but that the file system has no such attributes.
pub fn to_root(file: &File, permissions: u32) -> io::Result<()> {
    let kind = if file.metadata()?.is_dir() { FOLDER } else { REGULAR };
    let values = [("user.virtfs.uid", 0), ("user.virtfs.gid", 0), ("user.virtfs.mode", kind | permissions)];
    for (name, value) in values {
        match fsetxattr(file, name, &u32::to_le_bytes(value), XattrFlags::empty()) {
            Err(Errno::NOTSUP) => return Ok(()),
            other => other?,
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_roots_with_its_kind_and_mode() {
        let dir = tempfile::tempdir_in(".").unwrap();
        let path = dir.path().join("f");
        std::fs::write(&path, "").unwrap();
        to_root(&File::open(dir.path()).unwrap(), 0o755).unwrap();
        to_root(&File::open(&path).unwrap(), 0o644).unwrap();
        let mode = |path: &std::path::Path| {
            let mut value = [0; 4];
            let got = rustix::fs::getxattr(path, "user.virtfs.mode", &mut value);
            got.map(|_| u32::from_le_bytes(value))
        };
        // as where there are no such attributes
        if let Ok(folder) = mode(dir.path()) {
            assert_eq!((folder, mode(&path).unwrap()), (0o040_755, 0o100_644));
        }
    }
}
