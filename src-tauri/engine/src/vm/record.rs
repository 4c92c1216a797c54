//! The folder of a machine that runs, and what is written down about it so that it can be adopted.

use super::Console;
use crate::{files, host::paths::check_socket_length};
use igloo_protocol::{Accel, Code, Problem};
use serde::{Deserialize, Serialize};
use std::{
    fs, io,
    path::{Path, PathBuf},
};
use uuid::Uuid;

/// The folder that holds what belongs to one run of a builder's machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunDir(PathBuf);

impl RunDir {
    /// The folder at `path`.
    pub fn new(path: impl Into<PathBuf>) -> RunDir {
        RunDir(files::absolute(path.into()))
    }

    /// The folder.
    pub fn path(&self) -> &Path {
        &self.0
    }

    /// QEMU's control socket.
    pub fn socket(&self) -> PathBuf {
        self.0.join("qmp.sock")
    }

    /// The ssh-agent with the user's key.
    pub fn agent(&self) -> PathBuf {
        self.0.join("agent.sock")
    }

    /// The guest's console.
    pub fn console(&self) -> PathBuf {
        self.0.join("console.log")
    }

    /// What QEMU itself printed.
    pub fn qemu_log(&self) -> PathBuf {
        self.0.join("qemu.log")
    }

    fn record(&self) -> PathBuf {
        self.0.join("vm.json")
    }

    /// Makes the folder, for this user only.
    ///
    /// # Errors
    /// [`Code::Usage`] when its path is too long for a socket in it; [`Code::VmFailed`].
    pub fn create(&self) -> Result<(), Problem> {
        check_socket_length(&self.socket())?;
        use std::os::unix::fs::DirBuilderExt;
        let made = fs::DirBuilder::new().recursive(true).mode(0o700).create(&self.0);
        made.map_err(|e| self.cannot_write(&e))
    }

    /// Writes the record, whole or not at all.
    ///
    /// # Errors
    /// [`Code::DiskFull`], [`Code::VmFailed`].
    pub fn write(&self, record: &Record) -> Result<(), Problem> {
        files::write_json(&self.record(), record).map_err(|e| self.cannot_write(&e))
    }

    /// The record, if there is one that can be read.
    pub fn read(&self) -> Option<Record> {
        serde_json::from_slice(&fs::read(self.record()).ok()?).ok()
    }

    /// Removes the record and the socket. The logs stay.
    pub fn clear(&self) {
        remove(&self.record());
        remove(&self.socket());
    }

    /// Removes the record and the socket, if they are still those of the machine `uuid`.
    pub(super) fn forget(&self, uuid: &Uuid) {
        if self.read().is_some_and(|record| record.uuid == *uuid) {
            self.clear();
        }
    }

    /// Removes the record alone: the socket is somebody else's.
    pub(super) fn remove_record(&self) {
        remove(&self.record());
    }

    pub(super) fn cannot_write(&self, e: &io::Error) -> Problem {
        if e.kind() == io::ErrorKind::StorageFull {
            let message = format!("There is no room left in {}", self.0.display());
            return Problem::new(Code::DiskFull, message, "Free some room on that disk");
        }
        let message = format!("The folder {} can't be written: {e}", self.0.display());
        Problem::new(Code::VmFailed, message, "Make the folder writable for this user")
    }

    /// The last lines of QEMU's own log and of the console.
    pub(super) fn tails(&self) -> (String, String) {
        const LINES: usize = 40;
        let tail = |path: PathBuf| Console::new(path).tail(LINES).unwrap_or_default();
        (tail(self.qemu_log()), tail(self.console()))
    }
}

fn remove(file: &Path) {
    if let Err(e) = files::remove(file) {
        tracing::warn!("can't remove {}: {e}", file.display());
    }
}

/// What runs in a [`RunDir`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    /// QEMU's process id.
    pub pid: u32,
    /// The machine's identity: in QEMU's arguments, and told by its control socket.
    pub uuid: Uuid,
    /// The loopback port that leads to the guest's port 22.
    pub ssh_port: u16,
    /// How the guest's processor is run.
    pub accel: Accel,
    /// Virtual processors.
    pub cores: u32,
    /// Memory in MiB.
    pub memory_mib: u64,
    /// Whether it writes to a throwaway disk.
    pub ephemeral: bool,
    /// The disk.
    pub disk: PathBuf,
    /// [`crate::image::Image::identity`]
    pub image: String,
    /// The image's manifest.
    pub manifest: PathBuf,
    /// When it was started: milliseconds since the Unix epoch.
    pub started_ms: u64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_too_long_for_a_socket_is_refused_before_anything_is_made() {
        let dir = tempfile::tempdir().unwrap();
        let run = RunDir::new(dir.path().join("x".repeat(crate::host::SOCKET_PATH_MAX)));
        let problem = run.create().unwrap_err();
        assert_eq!(problem.code, Code::Usage);
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0);
    }

    #[test]
    fn a_damaged_record_is_none() {
        let dir = tempfile::tempdir().unwrap();
        let run = RunDir::new(dir.path());
        assert_eq!(run.read(), None);
        let record = Record {
            pid: 7,
            uuid: Uuid::from_u128(7),
            ssh_port: 1,
            accel: Accel::Tcg,
            cores: 1,
            memory_mib: 1,
            ephemeral: true,
            disk: "/d".into(),
            image: "i".into(),
            manifest: "m".into(),
            started_ms: 3,
        };
        run.write(&record).unwrap();
        assert_eq!(run.read(), Some(record));
        fs::write(run.record(), "{").unwrap();
        assert_eq!(run.read(), None);
        run.clear();
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0);
    }
}
