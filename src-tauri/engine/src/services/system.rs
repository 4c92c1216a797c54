//! The Mac that this program runs on.

use super::{Answer, Launchd};
use crate::host;
use std::{fs::File, io::Read, os::unix::fs::MetadataExt, sync::Arc};

/// The most of a file that is read, in bytes.
const MOST: u64 = 1 << 20;

/// launchd's exit code for a job that it does not know: its error "Could not find service".
const NO_SUCH_JOB: i32 = 113;

/// This host's launchd; `None` where there is none.
pub fn launchd() -> Option<Arc<dyn Launchd>> {
    host::HAS_LAUNCHD.then(|| Arc::new(System) as Arc<dyn Launchd>)
}

/// The Mac that this program runs on.
#[derive(Clone, Copy, Debug)]
pub struct System;

impl Launchd for System {
    fn file(&self, path: &str) -> Option<Vec<u8>> {
        let meta = std::fs::metadata(path).ok()?;
        if !meta.is_file() || meta.len() > MOST {
            return None;
        }
        let mut bytes = Vec::new();
        File::open(path).ok()?.take(MOST).read_to_end(&mut bytes).ok()?;
        Some(bytes)
    }

    fn disk_use(&self, path: &str) -> Option<u64> {
        let meta = std::fs::symlink_metadata(path).ok()?;
        // blocks of 512 bytes, whatever the file system's own are: stat(2)
        meta.is_file().then(|| meta.blocks() * 512)
    }

    fn launchctl(&self, words: &[&str]) -> Answer {
        match host::launchctl(words) {
            Some(out) => answer(out.status.code(), &out.stdout, &out.stderr),
            None => Answer::Failed,
        }
    }
}

/// What an end of `launchctl` means.
fn answer(code: Option<i32>, stdout: &[u8], stderr: &[u8]) -> Answer {
    match code {
        Some(0) => Answer::Said(String::from_utf8_lossy(stdout).into_owned()),
        Some(NO_SUCH_JOB) => Answer::NotFound,
        _ if String::from_utf8_lossy(stderr).contains("Could not find service") => Answer::NotFound,
        _ => Answer::Failed,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_job_that_is_not_there_is_no_failure() {
        assert_eq!(answer(Some(0), b"x = {\n}\n", b""), Answer::Said("x = {\n}\n".into()));
        let unknown = b"Bad request.\nCould not find service \"org.nixos.virbyd\" in domain for system\n";
        assert_eq!(answer(Some(113), b"", unknown), Answer::NotFound);
        assert_eq!(answer(Some(64), b"", unknown), Answer::NotFound);
        assert_eq!(answer(Some(1), b"", b"Could not print domain: 5: Input/output error"), Answer::Failed);
        assert_eq!(answer(None, b"", b""), Answer::Failed);
    }

    #[test]
    fn files_are_read_within_bounds_and_disks_are_measured_where_they_are() {
        let dir = tempfile::tempdir().unwrap();
        let at = |name: &str| dir.path().join(name).to_str().unwrap().to_owned();
        std::fs::write(at("small"), "text").unwrap();
        let sparse = File::create(at("sparse")).unwrap();
        sparse.set_len(2 * MOST).unwrap();
        std::os::unix::fs::symlink("small", at("link")).unwrap();
        assert_eq!(System.file(&at("link")).unwrap(), b"text");
        assert_eq!((System.file(&at("sparse")), System.file(&at("none"))), (None, None));
        assert_eq!(System.file(dir.path().to_str().unwrap()), None);
        assert!(System.disk_use(&at("sparse")).unwrap() < MOST, "what it takes up, not how long it is");
        assert_eq!((System.disk_use(&at("link")), System.disk_use(&at("none"))), (None, None));
    }
}
