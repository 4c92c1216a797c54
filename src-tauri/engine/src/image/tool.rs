//! Programs of others that make disks, and what their failures mean.

use super::bad_image;
use crate::vm::{diagnose::says_disk_full, tools};
use igloo_protocol::{Code, Problem};
use std::{
    ffi::OsStr,
    path::Path,
    process::{ExitStatus, Stdio},
};
use tokio::process::{Child, Command};

/// How a program ended that was run for `file`.
pub(super) struct Ended {
    status: ExitStatus,
    stderr: String,
}

/// A command whose words are those of the C locale, that reads nothing and prints only what is wrong.
pub(super) fn command<S: AsRef<OsStr>>(program: &Path, args: impl IntoIterator<Item = S>) -> Command {
    let mut command = Command::new(program);
    command.args(args).env("LC_ALL", "C").stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
    command.kill_on_drop(true);
    command
}

/// Starts it.
///
/// # Errors
/// [`Code::MissingTool`]
pub(super) fn spawn(program: &Path, command: &mut Command) -> Result<Child, Problem> {
    command.spawn().map_err(|e| tools::cannot_run(program, &e))
}

impl Ended {
    /// Waits for it.
    ///
    /// # Errors
    /// [`Code::Internal`] where the system does not tell.
    pub async fn of(child: Child) -> Result<Ended, Problem> {
        let out = child.wait_with_output().await.map_err(|e| {
            Problem::new(Code::Internal, format!("a program can't be waited for: {e}"), "try again")
        })?;
        Ok(Ended { status: out.status, stderr: String::from_utf8_lossy(&out.stderr).into_owned() })
    }

    /// Whether it found the disk full.
    pub fn found_disk_full(&self) -> bool {
        says_disk_full(&self.stderr)
    }

    /// Whether it was cut off because the next one in the pipe had ended.
    pub fn lost_its_reader(&self) -> bool {
        const SIGPIPE: i32 = 13;
        use std::os::unix::process::ExitStatusExt;
        self.status.signal() == Some(SIGPIPE) || self.stderr.contains("Broken pipe")
    }

    /// # Errors
    /// [`Code::DiskFull`], or [`Code::BadImage`] with the program's last words; `file` is what it was to make.
    pub fn check(&self, program: &Path, file: &Path) -> Result<(), Problem> {
        self.check_for(program, file, &[0])
    }

    /// As [`Ended::check`], where other exit codes than 0 are `good` too.
    pub fn check_for(&self, program: &Path, file: &Path, good: &[i32]) -> Result<(), Problem> {
        if self.status.code().is_some_and(|code| good.contains(&code)) {
            return Ok(());
        }
        if self.found_disk_full() {
            return Err(full(file));
        }
        let name = program.file_name().unwrap_or_default().to_string_lossy();
        let words = self.stderr.trim().lines().last().unwrap_or("it gave no reason");
        Err(bad_image(file, &format!("{name} could not make it ({}): {words}", self.status)))
    }
}

/// The problem of a file that found no room.
pub(super) fn full(file: &Path) -> Problem {
    let folder = file.parent().unwrap_or(file);
    Problem::new(
        Code::DiskFull,
        format!("There is not enough room in {} for {}", folder.display(), file.display()),
        "Free some room on that disk, or remove what no builder uses with `igloo image gc`",
    )
}
