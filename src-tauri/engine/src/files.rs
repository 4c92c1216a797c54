//! Small files that are whole or not there, and their paths.

use serde::Serialize;
use std::{
    fs,
    io::{self, Write},
    path::{Path, PathBuf},
};

/// Writes a file by a temporary name in the same folder and a rename: a reader, or a crash, sees the old
/// file or the new one whole. Mode 0600.
///
/// # Errors
/// Those of making, writing and renaming the file; nothing is left of it then.
pub fn write(file: &Path, bytes: &[u8]) -> io::Result<()> {
    write_prepared(file, bytes, |_| Ok(()))
}

/// As [`write`], and lets `prepare` do what it will with the file before it has its name.
///
/// # Errors
/// As [`write`], and those of `prepare`.
pub fn write_prepared(
    file: &Path,
    bytes: &[u8],
    prepare: impl FnOnce(&fs::File) -> io::Result<()>,
) -> io::Result<()> {
    let folder = file.parent().unwrap_or(Path::new("."));
    let mut temp = tempfile::NamedTempFile::new_in(folder)?;
    temp.write_all(bytes)?;
    prepare(temp.as_file())?;
    temp.as_file().sync_all()?;
    temp.persist(file)?;
    Ok(())
}

/// The file that a path means: links are followed, be there something at their end or not.
pub fn target(path: &Path) -> PathBuf {
    let mut file = path.to_owned();
    // as many as Linux follows
    for _ in 0..40 {
        let Ok(link) = fs::read_link(&file) else { break };
        file = file.parent().unwrap_or(Path::new("/")).join(link);
    }
    file
}

/// Writes a value as JSON, as [`write`] does.
///
/// # Errors
/// As [`write`].
pub fn write_json(file: &Path, value: &impl Serialize) -> io::Result<()> {
    write(file, &serde_json::to_vec_pretty(value)?)
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
