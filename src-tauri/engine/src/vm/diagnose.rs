//! Why a machine ended: from its exit status, QEMU's last words and the guest's. Pure.

use crate::known::{GUEST, Known, QEMU, TRY_TCG};
use igloo_protocol::{Accel, Code, Problem};

/// How far the machine had come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// QEMU had not yet said that the guest runs.
    Start,
    /// The guest ran.
    Running,
}

/// How QEMU's process ended, as far as it is known.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Ended {
    /// Its exit status.
    pub status: Option<i32>,
    /// The signal that ended it.
    pub signal: Option<i32>,
}

/// SIGABRT; shells and nixpkgs' wrappers turn it into exit status 134.
const ABORT: i32 = 6;
const KILL: i32 = 9;

impl Ended {
    /// Whether QEMU gave up on itself.
    pub fn aborted(self) -> bool {
        self.signal == Some(ABORT) || self.status == Some(128 + ABORT)
    }
}

/// Whether a program says that the host's disk is full, in the C locale's words.
pub fn says_disk_full(text: &str) -> bool {
    text.contains("No space left on device") || text.contains("Disk quota exceeded")
}

/// Whether a start failed for a reason that another loopback port mends.
pub fn says_port_taken(stderr: &str) -> bool {
    stderr.contains("Could not set up host forwarding rule")
}

/// Whether a start failed because this QEMU has no, or another, seccomp sandbox.
pub fn says_no_sandbox(stderr: &str) -> bool {
    stderr.contains("-sandbox") || stderr.contains("seccomp")
}

/// Why a machine ended that was not asked to. `stderr` and `console` are the last lines of QEMU's and
/// of the guest's output.
pub fn diagnose(stage: Stage, ended: Ended, accel: Accel, stderr: &str, console: &str) -> Problem {
    if says_disk_full(stderr) {
        return Problem::new(
            Code::DiskFull,
            format!(
                "The virtual machine stopped because the host's disk is full{}",
                quoted(last_line(stderr))
            ),
            "Free some room on the disk, then start it again",
        );
    }
    if let Some(known) = QEMU.iter().find(|k| stderr.contains(k.text)) {
        return problem(known, stage, line_with(stderr, known.text));
    }
    if let Some(missing) = missing_file(stderr) {
        let message = format!("The virtual machine did not start: a file is missing{}", quoted(missing));
        return Problem::new(
            Code::BadImage,
            message,
            "Start it again; if the file stays missing, make the image again",
        );
    }
    if ended.signal == Some(KILL) {
        return Problem::new(
            Code::VmCrashed,
            "The virtual machine's process was killed: by someone, or by the system for lack of memory",
            "Start it again; if it happens again, give the builder less memory",
        );
    }
    if ended.aborted() && accel != Accel::Tcg {
        let message = format!("QEMU aborted while it set up {accel}{}", quoted(last_line(stderr)));
        return Problem::new(Code::VmFailed, message, TRY_TCG);
    }
    if let Some(known) = GUEST.iter().find(|k| console.contains(k.text)) {
        return problem(known, stage, line_with(console, known.text));
    }
    unknown(stage, ended, last_line(stderr))
}

fn problem(known: &Known, stage: Stage, line: &str) -> Problem {
    let what = what(stage);
    Problem::new(known.code, format!("{what}: {}{}", known.cause, quoted(line)), known.remedy)
}

fn unknown(stage: Stage, ended: Ended, line: &str) -> Problem {
    let how = match (ended.status, ended.signal) {
        (_, Some(signal)) => format!("signal {signal}"),
        (Some(status), _) => format!("exit status {status}"),
        (None, None) => "its process is gone".to_owned(),
    };
    let code = if stage == Stage::Start { Code::VmFailed } else { Code::VmCrashed };
    let message = format!("{} ({how}){}", what(stage), quoted(line));
    Problem::new(code, message, "Look at the log with `igloo log`, then start it again")
}

fn what(stage: Stage) -> &'static str {
    match stage {
        Stage::Start => "The virtual machine did not start",
        Stage::Running => "The virtual machine ended without being asked to",
    }
}

/// The line about a file that QEMU did not find.
fn missing_file(stderr: &str) -> Option<&str> {
    let mut lines = stderr.lines();
    lines.find(|l| {
        l.contains("No such file or directory")
            && ["Could not open", "could not load", "could not open", "failed to open"]
                .iter()
                .any(|t| l.contains(t))
    })
}

fn line_with<'a>(text: &'a str, part: &str) -> &'a str {
    text.lines().rev().find(|l| l.contains(part)).unwrap_or_default()
}

fn last_line(text: &str) -> &str {
    text.lines().rev().find(|l| !l.trim().is_empty()).unwrap_or_default()
}

/// A line as the end of a message, without QEMU's name before it and cut to a readable length.
fn quoted(line: &str) -> String {
    const MAX: usize = 200;
    let line = line.trim();
    let line = match line.split_once(": ") {
        Some((program, rest)) if program.contains("qemu-system-") => rest,
        _ => line,
    };
    if line.is_empty() {
        return String::new();
    }
    let cut: String = line.chars().take(MAX).filter(|c| !c.is_control()).collect();
    format!(": {cut}")
}

#[cfg(test)]
mod tests;
