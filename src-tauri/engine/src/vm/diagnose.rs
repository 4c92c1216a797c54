//! Why a machine ended: from its exit status, QEMU's last words and the guest's. Pure.

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

/// A text that tells a cause: what it is in words, what to do. The text itself is quoted.
struct Known {
    text: &'static str,
    code: Code,
    cause: &'static str,
    remedy: &'static str,
}

const TRY_TCG: &str = "Set the acceleration to `tcg`, or use another version of QEMU";
const IMAGE_AGAIN: &str = "Look at the log with `igloo log`, then make the image again";

const DISK_AGAIN: &str =
    "Make the disk clean with `igloo reset`; if that is not enough, make the image again";

/// QEMU's own words, the telling ones first. Those about HVF are from nixpkgs' and nix-darwin's
/// issues (nixpkgs#528299, #532038, #555928; nix-darwin#1292).
const QEMU: &[Known] = &[
    known(
        "HVF does not support GICv2",
        Code::VmFailed,
        "this QEMU can't give a guest the interrupt controller it was asked for",
        TRY_TCG,
    ),
    known(
        "max-arm-cpu.sme' not found",
        Code::VmFailed,
        "this QEMU is too old for the Mac's processor",
        "Use a newer QEMU",
    ),
    known("hvf_arch_init_vcpu", Code::VmFailed, "QEMU could not set up Apple's hypervisor", TRY_TCG),
    known("HV_UNSUPPORTED", Code::VmFailed, "this Mac's hypervisor refuses what QEMU asks for", TRY_TCG),
    known(
        "HV_DENIED",
        Code::VmFailed,
        "QEMU may not use Apple's hypervisor: it is not signed for it",
        "Use nixpkgs' or Homebrew's QEMU, or set the acceleration to `tcg`",
    ),
    known(
        "Could not set up host forwarding rule",
        Code::PortTaken,
        "the port to the guest is in use",
        "Start it again",
    ),
    known(
        "\" lock",
        Code::VmFailed,
        "another process has its disk open",
        "Stop the other virtual machine, or wait until it has ended",
    ),
    known(
        "Image is not in qcow2 format",
        Code::BadDisk,
        "its disk is damaged",
        "Make it clean with `igloo reset`; what was built on it is lost",
    ),
    known(
        "qcow2: Image is corrupt",
        Code::BadDisk,
        "its disk is damaged",
        "Make it clean with `igloo reset`; what was built on it is lost",
    ),
    known(
        "cannot set up guest memory",
        Code::VmFailed,
        "the host has not that much memory",
        "Give the builder less memory",
    ),
    known(
        "Cannot allocate memory",
        Code::VmFailed,
        "the host has not that much memory",
        "Give the builder less memory",
    ),
    known("could not load kernel", Code::BadImage, "its kernel can't be read", "Make the image again"),
    known(
        "could not load initrd",
        Code::BadImage,
        "its initial RAM disk can't be read",
        "Make the image again",
    ),
    known(
        "There is no option group 'fsdev'",
        Code::MissingTool,
        "this QEMU has no 9p shares",
        "Use a QEMU that is built with virtfs",
    ),
    known(
        "Could not access KVM kernel module",
        Code::VmFailed,
        "/dev/kvm can't be used",
        "Set the acceleration to `auto`",
    ),
    known(
        "failed to initialize kvm",
        Code::VmFailed,
        "/dev/kvm can't be used",
        "Set the acceleration to `auto`",
    ),
    known("invalid accelerator", Code::VmFailed, "this QEMU has not that acceleration", "Set it to `auto`"),
    known("internal error", Code::VmFailed, "the host can't run the guest's processor", TRY_TCG),
];

/// The guest's own words.
const GUEST: &[Known] = &[
    known("Unable to mount root fs", Code::BadImage, "the guest found no root file system", IMAGE_AGAIN),
    known("cannot mount /dev/vda", Code::BadDisk, "the guest can't mount its root file system", DISK_AGAIN),
    known(
        "Can't find ext4 filesystem",
        Code::BadDisk,
        "the guest can't mount its root file system",
        DISK_AGAIN,
    ),
    known("Attempted to kill init", Code::BadImage, "the guest's first process ended", IMAGE_AGAIN),
    known("No working init found", Code::BadImage, "the guest has no first process", IMAGE_AGAIN),
    known(
        "Out of memory and no killable",
        Code::VmCrashed,
        "the guest ran out of memory",
        "Give the builder more memory",
    ),
    known(
        "Kernel panic - not syncing",
        Code::VmCrashed,
        "the guest's kernel gave up",
        "Look at the log with `igloo log`, then start it again",
    ),
];

const fn known(text: &'static str, code: Code, cause: &'static str, remedy: &'static str) -> Known {
    Known { text, code, cause, remedy }
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
