//! A folder of large files that can be made again: each is whole or not there, and is made once however many want it.

use crate::{files, host::paths::cannot};
use igloo_protocol::Problem;
use rustix::fs::{FlockOperation, flock};
use std::{
    fs::{self, File},
    path::{Path, PathBuf},
    time::Duration,
};

/// How temporary files begin, so that those of a killed engine can be told from others.
pub(super) const TEMP_PREFIX: &str = ".igloo-";

/// How often a lock that another holds is tried again.
const PATIENCE: Duration = Duration::from_millis(100);

/// The folder.
#[derive(Clone, Debug)]
pub(super) struct Cache(PathBuf);

/// Held while something is made in a [`Cache`]: by this process alone, until it is dropped or the process ends.
pub(super) struct Making<'a> {
    folder: &'a Path,
    _lock: File,
}

impl Cache {
    /// The cache in `folder`, which is made when it is needed.
    pub fn new(folder: PathBuf) -> Cache {
        Cache(files::absolute(folder))
    }

    /// The folder.
    pub fn folder(&self) -> &Path {
        &self.0
    }

    /// Waits until nobody else makes anything here, and removes what a maker that was killed has left.
    ///
    /// # Errors
    /// A folder that can't be made or locked.
    pub async fn lock(&self) -> Result<Making<'_>, Problem> {
        fs::create_dir_all(&self.0).map_err(|e| cannot("make", &self.0, &e))?;
        let file = self.0.join(".lock");
        let lock = File::create(&file).map_err(|e| cannot("open", &file, &e))?;
        while let Err(e) = flock(&lock, FlockOperation::NonBlockingLockExclusive) {
            if e != rustix::io::Errno::WOULDBLOCK {
                return Err(cannot("lock", &file, &e.into()));
            }
            tokio::time::sleep(PATIENCE).await;
        }
        sweep(&self.0);
        Ok(Making { folder: &self.0, _lock: lock })
    }
}

impl Making<'_> {
    /// An empty file under a temporary name, removed unless it is kept.
    ///
    /// # Errors
    /// A folder that can't be written.
    pub fn temp(&self) -> Result<tempfile::TempPath, Problem> {
        let file = tempfile::Builder::new().prefix(TEMP_PREFIX).tempfile_in(self.folder);
        Ok(file.map_err(|e| cannot("write to", self.folder, &e))?.into_temp_path())
    }

    /// Gives a file that is whole its name, once the disk has it.
    ///
    /// # Errors
    /// A file that can't be written or renamed.
    pub fn keep(&self, temp: tempfile::TempPath, name: &Path) -> Result<(), Problem> {
        let synced = File::open(&temp).and_then(|file| file.sync_all());
        synced.map_err(|e| cannot("write", name, &e))?;
        temp.persist(name).map_err(|e| cannot("write", name, &e.error))?;
        let folder = File::open(self.folder).and_then(|folder| folder.sync_all());
        folder.map_err(|e| cannot("write to", self.folder, &e))
    }
}

/// Removes the temporary files of a folder that nobody works in.
pub(super) fn sweep(folder: &Path) {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    for entry in entries.filter(|e| e.file_name().to_string_lossy().starts_with(TEMP_PREFIX)) {
        if let Err(e) = fs::remove_file(entry.path()) {
            tracing::warn!("can't remove {}: {e}", entry.path().display());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_maker_waits_for_the_one_before_and_sweeps_up_what_it_left() {
        let dir = tempfile::tempdir().unwrap();
        let cache = Cache::new(dir.path().join("c"));
        let first = cache.lock().await.unwrap();
        fs::write(first.temp().unwrap().keep().unwrap(), "half").unwrap();
        let waits = tokio::time::timeout(PATIENCE * 3, cache.lock());
        assert!(waits.await.is_err(), "two make at once");

        drop(first);
        let second = cache.lock().await.unwrap();
        let names =
            |()| fs::read_dir(cache.folder()).unwrap().map(|e| e.unwrap().file_name()).collect::<Vec<_>>();
        assert_eq!(names(()), [".lock"]);
        second.keep(second.temp().unwrap(), &cache.folder().join("whole")).unwrap();
        assert_eq!(names(()).len(), 2);
    }
}
