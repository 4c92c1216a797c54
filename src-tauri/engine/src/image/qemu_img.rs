//! `qemu-img`, and what its complaints mean.

use crate::vm::tools;
use igloo_protocol::{Code, Problem};
use serde::Deserialize;
use std::{
    ffi::OsStr,
    path::{Path, PathBuf},
    process::{Output, Stdio},
    time::Duration,
};
use tokio::process::Command;

/// No call but a conversion copies data, so none takes long on a disk that works.
const DEADLINE: Duration = Duration::from_secs(60);

/// For a conversion: a full disk of hundreds of gigabytes.
const COPY_DEADLINE: Duration = Duration::from_secs(60 * 60);

/// The program, by name or path.
pub(super) struct QemuImg(pub PathBuf);

/// What `qemu-img info` says of a disk, as far as it matters here.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) struct Info {
    /// The guest's view of its size, in bytes.
    pub virtual_size: u64,
    /// The base that the overlay's header names.
    #[serde(default)]
    pub backing_filename: Option<PathBuf>,
    #[serde(default)]
    format_specific: Option<FormatSpecific>,
}

#[derive(Clone, Debug, PartialEq, Deserialize)]
struct FormatSpecific {
    #[serde(default)]
    data: Data,
}

#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
struct Data {
    #[serde(default)]
    corrupt: bool,
}

impl Info {
    /// Whether QEMU itself has marked the disk as corrupt.
    pub fn is_marked_corrupt(&self) -> bool {
        self.format_specific.as_ref().is_some_and(|f| f.data.corrupt)
    }
}

/// A call that failed.
#[derive(Debug)]
pub(super) enum Failure {
    /// It could not be run.
    Problem(Problem),
    /// It ran and refused.
    Refused(Refusal),
}

/// Why `qemu-img` refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Refusal {
    /// The host's disk is full.
    Full,
    /// Another process has the disk open.
    Locked,
    /// Anything else, in its own words.
    Other(String),
}

impl QemuImg {
    /// Makes `disk` an empty overlay of `bytes` over `base`.
    pub async fn create(&self, disk: &Path, base: &Path, format: &str, bytes: u64) -> Result<(), Failure> {
        let size = bytes.to_string();
        let args = ["create", "-q", "-f", "qcow2", "-F", format, "-b"].map(OsStr::new);
        let rest = [base.as_os_str(), disk.as_os_str(), OsStr::new(&size)];
        self.run(args.into_iter().chain(rest)).await.map(drop)
    }

    /// Makes `to` a disk in its format with the contents of `from`, without zeros.
    pub async fn convert(
        &self,
        (from, format): (&Path, &str),
        (to, new_format): (&Path, &str),
    ) -> Result<(), Failure> {
        let args = ["convert", "-q", "-f", format, "-O", new_format].map(OsStr::new);
        let args = args.into_iter().chain([from.as_os_str(), to.as_os_str()]);
        succeeded(self.output_within(COPY_DEADLINE, args).await?).map(drop)
    }

    /// Looks at the header of `disk`.
    pub async fn info(&self, disk: &Path, format: &str) -> Result<Info, Failure> {
        let args = ["info", "--output=json", "-f", format].map(OsStr::new);
        let out = self.run(args.into_iter().chain([disk.as_os_str()])).await?;
        serde_json::from_slice(&out).map_err(|e| Failure::Refused(Refusal::Other(e.to_string())))
    }

    /// Grows `disk` to `bytes`.
    pub async fn grow(&self, disk: &Path, bytes: u64) -> Result<(), Failure> {
        let size = bytes.to_string();
        let args = ["resize", "-q", "-f", "qcow2"].map(OsStr::new);
        self.run(args.into_iter().chain([disk.as_os_str(), OsStr::new(&size)])).await.map(drop)
    }

    /// Lets the header of `disk` name `base`, which holds the same bytes at another place.
    pub async fn rebase(&self, disk: &Path, base: &Path, format: &str) -> Result<(), Failure> {
        let args = ["rebase", "-q", "-u", "-f", "qcow2", "-F", format, "-b"].map(OsStr::new);
        self.run(args.into_iter().chain([base.as_os_str(), disk.as_os_str()])).await.map(drop)
    }

    /// Looks at the tables of `disk`: some megabytes, whatever its size. Clusters that nothing uses
    /// are fine, and what every killed QEMU leaves behind.
    pub async fn check(&self, disk: &Path) -> Result<(), Failure> {
        const LEAKS_ONLY: i32 = 3; // qemu-img(1)
        let args = ["check", "-q", "-f", "qcow2"].map(OsStr::new);
        let out = self.output(args.into_iter().chain([disk.as_os_str()])).await?;
        match out.status.code() {
            Some(0 | LEAKS_ONLY) => Ok(()),
            Some(2) => Err(Failure::Refused(Refusal::Other("its tables are damaged".into()))),
            _ => Err(Failure::Refused(refusal(&String::from_utf8_lossy(&out.stderr)))),
        }
    }

    async fn run(&self, args: impl Iterator<Item = &OsStr>) -> Result<Vec<u8>, Failure> {
        succeeded(self.output(args).await?)
    }

    async fn output(&self, args: impl Iterator<Item = &OsStr>) -> Result<Output, Failure> {
        self.output_within(DEADLINE, args).await
    }

    async fn output_within(
        &self,
        deadline: Duration,
        args: impl Iterator<Item = &OsStr>,
    ) -> Result<Output, Failure> {
        let child = Command::new(&self.0)
            .args(args)
            .env("LC_ALL", "C")
            .stdin(Stdio::null())
            .kill_on_drop(true)
            .output();
        let late = || format!("qemu-img did not end within {} min", deadline.as_secs() / 60);
        tokio::time::timeout(deadline, child)
            .await
            .map_err(|_| Failure::Refused(Refusal::Other(late())))?
            .map_err(|e| Failure::Problem(tools::cannot_run(&self.0, &e)))
    }
}

/// What a call printed, if it succeeded.
fn succeeded(out: Output) -> Result<Vec<u8>, Failure> {
    if out.status.success() {
        return Ok(out.stdout);
    }
    Err(Failure::Refused(refusal(&String::from_utf8_lossy(&out.stderr))))
}

/// What `qemu-img` means by its last words.
pub(super) fn refusal(stderr: &str) -> Refusal {
    if crate::vm::diagnose::says_disk_full(stderr) {
        Refusal::Full
    } else if stderr.contains("\" lock") {
        Refusal::Locked
    } else {
        Refusal::Other(stderr.trim().lines().last().unwrap_or("it gave no reason").to_owned())
    }
}

/// The problem of a disk that another process has open.
pub(super) fn locked(disk: &Path) -> Problem {
    Problem::new(
        Code::VmFailed,
        format!("Another process has the disk {} open", disk.display()),
        "Stop the other virtual machine, or wait until it has ended",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn complaints_are_told_apart() {
        let locked = "qemu-img: Could not open 'd.qcow2': Failed to get shared \"write\" lock\n\
                      Is another process using the image [d.qcow2]?";
        assert_eq!(refusal(locked), Refusal::Locked);
        assert_eq!(refusal("qemu-img: d: Could not create: No space left on device"), Refusal::Full);
        let other = "qemu-img: Could not open 'd': Image is not in qcow2 format\n";
        assert_eq!(refusal(other), Refusal::Other(other.trim().into()));
        assert_eq!(refusal(""), Refusal::Other("it gave no reason".into()));
    }

    #[test]
    fn info_is_read() {
        let text = r#"{"virtual-size": 5, "filename": "d", "format": "qcow2", "backing-filename": "/b",
            "format-specific": {"type": "qcow2", "data": {"compat": "1.1", "corrupt": true}}}"#;
        let info: Info = serde_json::from_str(text).unwrap();
        assert_eq!(info.backing_filename.as_deref(), Some(Path::new("/b")));
        assert!(info.is_marked_corrupt());
        let raw: Info = serde_json::from_str(r#"{"virtual-size": 5, "format": "raw"}"#).unwrap();
        assert!(!raw.is_marked_corrupt());
    }
}
