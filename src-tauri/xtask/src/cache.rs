//! What is slow to make, kept in the user's cache folder under a key of what it is made from.
//!
//! Everything in it can be deleted at any time. Makers of the same thing wait for one another,
//! and nothing half-made ever has its final name.

use anyhow::{Context, Result, bail};
use sha2::{Digest, Sha256};
use std::{
    fs::{self, File, TryLockError},
    path::{Path, PathBuf},
};

/// `$XDG_CACHE_HOME/igloo`, or `~/.cache/igloo`.
pub fn root() -> Result<PathBuf> {
    let absolute = |name: &str| std::env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let Some(cache) = absolute("XDG_CACHE_HOME").or_else(|| Some(absolute("HOME")?.join(".cache"))) else {
        bail!("neither XDG_CACHE_HOME nor HOME names a folder: there is no place for the cache");
    };
    Ok(cache.join("igloo"))
}

/// A key over the inputs, in order: 32 hex digits.
pub fn key(inputs: &[&str]) -> String {
    let mut hash = Sha256::new();
    for input in inputs {
        // the length keeps ["ab", "c"] and ["a", "bc"] apart
        hash.update((input.len() as u64).to_le_bytes());
        hash.update(input);
    }
    hash.finalize().iter().take(16).map(|byte| format!("{byte:02x}")).collect()
}

/// Hold the lock of this file until the value is dropped.
pub fn lock(file: &Path) -> Result<File> {
    let dir = file.parent().context("a lock file is in a folder")?;
    fs::create_dir_all(dir).with_context(|| format!("making {}", dir.display()))?;
    let lock = File::create(file).with_context(|| format!("opening {}", file.display()))?;
    match lock.try_lock() {
        Ok(()) => return Ok(lock),
        Err(TryLockError::WouldBlock) => eprintln!("waiting for another run, which holds {}", file.display()),
        Err(TryLockError::Error(error)) => return Err(error).context("locking a file"),
    }
    lock.lock().context("locking a file")?;
    Ok(lock)
}

/// Make the folder `path` unless it is there. `make` gets the folder to fill, which has another
/// name until it is whole.
pub fn made(path: &Path, make: impl FnOnce(&Path) -> Result<()>) -> Result<()> {
    if path.is_dir() {
        return Ok(());
    }
    let _lock = lock(&beside(path, "lock"))?;
    if path.is_dir() {
        return Ok(());
    }
    let partial = beside(path, "partial");
    // we hold the lock, so this is of a maker that was killed
    remove(&partial)?;
    fs::create_dir(&partial).with_context(|| format!("making {}", partial.display()))?;
    let done = make(&partial).and_then(|()| Ok(fs::rename(&partial, path)?));
    if done.is_err() {
        remove(&partial)?;
    }
    done.with_context(|| format!("making {}", path.display()))
}

/// Remove a folder with all in it; one that is not there is no error.
pub fn remove(dir: &Path) -> Result<()> {
    match fs::remove_dir_all(dir) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(error).with_context(|| format!("removing {}", dir.display()))
        }
        _ => Ok(()),
    }
}

fn beside(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".");
    name.push(ending);
    name.into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{sync::atomic::AtomicU32, sync::atomic::Ordering, thread};

    #[test]
    fn the_key_keeps_inputs_apart() {
        assert_ne!(key(&["ab", "c"]), key(&["a", "bc"]));
        assert_eq!(key(&["ab", "c"]).len(), 32);
    }

    #[test]
    fn a_failed_making_leaves_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("thing");
        let failed = made(&path, |partial| {
            fs::write(partial.join("half"), "x")?;
            bail!("no")
        });
        assert!(failed.is_err());
        assert!(!path.exists() && !dir.path().join("thing.partial").exists());
        made(&path, |partial| Ok(fs::write(partial.join("whole"), "x")?)).unwrap();
        assert!(path.join("whole").exists());
    }

    #[test]
    fn makers_at_once_make_it_once() {
        let dir = tempfile::tempdir().unwrap();
        let (path, count) = (dir.path().join("thing"), AtomicU32::new(0));
        thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    made(&path, |_| {
                        count.fetch_add(1, Ordering::SeqCst);
                        Ok(())
                    })
                    .unwrap();
                });
            }
        });
        assert_eq!(count.into_inner(), 1);
    }
}
