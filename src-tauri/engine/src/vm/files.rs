//! Small files that are whole or not there, and their paths.

use serde::Serialize;
use std::{
    fs, io,
    path::{Path, PathBuf},
};

/// Writes `value` to `file` by a temporary name in the same folder and a rename.
///
/// # Errors
/// Those of making, writing and renaming the file; nothing is left of it then.
pub fn write_json(file: &Path, value: &impl Serialize) -> io::Result<()> {
    let folder = file.parent().unwrap_or(Path::new("."));
    let mut temp = tempfile::NamedTempFile::new_in(folder)?;
    serde_json::to_writer_pretty(&mut temp, value)?;
    temp.as_file().sync_all()?;
    temp.persist(file).map_err(|e| e.error)?;
    Ok(())
}

/// Removes a file; that it is not there is fine.
///
/// # Errors
/// Any but that it is not there.
pub fn remove(file: &Path) -> io::Result<()> {
    match fs::remove_file(file) {
        Err(e) if e.kind() != io::ErrorKind::NotFound => Err(e),
        _ => Ok(()),
    }
}

/// The path as QEMU can take it, which runs in another folder.
pub fn absolute(path: PathBuf) -> PathBuf {
    std::path::absolute(&path).unwrap_or(path)
}
