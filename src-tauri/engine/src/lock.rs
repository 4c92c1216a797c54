//! One engine on one state.

use crate::host::paths::cannot;
use igloo_protocol::{Code, Problem};
use rustix::fs::{FlockOperation, flock};
use std::{
    fs::{File, OpenOptions},
    io::{Read, Seek, Write},
    path::Path,
};

/// Held while an engine works on a state folder. The kernel lets go of it when the engine ends, however it ends.
#[derive(Debug)]
pub struct Lock(#[allow(dead_code, reason = "held, not read")] File);

impl Lock {
    /// Takes the lock, and writes this process' id into it for whoever comes next.
    ///
    /// # Errors
    /// [`Code::EngineRunning`], naming the process that has it.
    pub fn take(path: &Path) -> Result<Lock, Problem> {
        let failed = |e: std::io::Error| cannot("lock", path, &e);
        let mut file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(path)
            .map_err(failed)?;
        if flock(&file, FlockOperation::NonBlockingLockExclusive).is_err() {
            return Err(taken(&mut file));
        }
        file.set_len(0).and_then(|()| file.rewind()).map_err(failed)?;
        writeln!(file, "{}", std::process::id()).map_err(failed)?;
        Ok(Lock(file))
    }
}

fn taken(file: &mut File) -> Problem {
    let mut pid = String::new();
    let _ = file.read_to_string(&mut pid);
    let who = if pid.trim().is_empty() { String::new() } else { format!(" (process {})", pid.trim()) };
    Problem::new(
        Code::EngineRunning,
        format!("another engine runs on the same state{who}"),
        "use that one, end it first, or give this one a state of its own with IGLOO_HOME",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_second_is_refused_until_the_first_is_gone() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("engine.lock");
        let first = Lock::take(&path).unwrap();
        let refused = Lock::take(&path).unwrap_err();
        assert_eq!(refused.code, Code::EngineRunning);
        assert!(refused.message.contains(&std::process::id().to_string()));
        drop(first);
        Lock::take(&path).unwrap();
    }
}
