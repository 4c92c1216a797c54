//! nix-darwin's own Linux builder, a launchd job: stopping, starting, and deleting its disk.
//!
//! Every word of every command is a constant here, but for the port, a number that is read from the ssh alias that
//! nix-darwin writes. What the job runs is nix-darwin's definition of it, which is only looked at.

use crate::daemon::{DaemonControl, Ended};
use crate::folder::Folder;
use crate::look;
use crate::root::{Platform, Root, file_path};
use igloo_protocol::plan::{ManagedFile, ServiceAction, StepState};
use igloo_protocol::{Code, Problem};
use std::num::NonZeroU16;
use std::time::Duration;

/// The job, in launchd's words.
const TARGET: &str = "system/org.nixos.linux-builder";

const LAUNCHCTL: &str = "/bin/launchctl";

/// The working directories that nix-darwin has given its builder: now, and before.
const FOLDERS: [&str; 2] = ["/var/lib/linux-builder", "/var/lib/darwin-builder"];

/// The disk's name there: that of nixpkgs' `run-nixos-vm`.
const DISK: &str = "nixos.qcow2";

/// The ssh alias that nix-darwin writes for it.
const ALIAS: &str = "/etc/ssh/ssh_config.d/100-linux-builder.conf";

/// nixpkgs' `virtualisation.darwin-builder.hostPort`, unless it is set.
const PORT: u16 = 31022;

/// launchctl's exit code for a job that launchd does not know.
const NO_SUCH_JOB: i32 = 113;

/// How often launchd is looked at while something is waited for.
const EVERY: Duration = Duration::from_millis(250);

/// How long a guest that was told to power off may take, and one of which it is not known whether it was told.
const POWER_OFF: Duration = Duration::from_secs(60);
const MAYBE_OFF: Duration = Duration::from_secs(5);

/// How long launchd may take to end the job: it gives the process 20 s unless told otherwise (launchd.plist(5)).
const BOOT_OUT: Duration = Duration::from_secs(40);

/// How long a command may take.
const COMMAND: Duration = Duration::from_secs(60);

/// Refuses where there is no such job, or where its disk would have to be looked for.
pub(crate) fn check(root: &Root, action: ServiceAction) -> Result<(), Problem> {
    let path = file_path(root.platform(), ManagedFile::LinuxBuilderJob);
    if root.platform() != Platform::MacOs || !look::there(root, &path) {
        return Err(Problem::new(
            Code::MissingTool,
            format!("nix-darwin's Linux builder is not installed here: {path} is not there"),
            "Turn `nix.linux-builder.enable` on in the nix-darwin configuration, or use Igloo's own builder",
        ));
    }
    if action == ServiceAction::Wipe { folder(root).map(|_| ()) } else { Ok(()) }
}

/// Does it.
pub(crate) fn run(
    root: &Root,
    action: ServiceAction,
    control: &dyn DaemonControl,
) -> Result<StepState, Problem> {
    match action {
        ServiceAction::Stop => stop(root, control),
        ServiceAction::Wipe => wipe(root, control),
        ServiceAction::Start => start(root, control),
    }
}

/// Takes it back, because something after it failed: what was stopped is started. A deleted disk stays deleted.
pub(crate) fn take_back(
    root: &Root,
    action: ServiceAction,
    control: &dyn DaemonControl,
) -> Result<StepState, Problem> {
    match action {
        ServiceAction::Stop => start(root, control).map(|_| StepState::RolledBack),
        ServiceAction::Wipe | ServiceAction::Start => Ok(StepState::Done),
    }
}

/// In plain words.
pub(crate) fn describe(action: ServiceAction) -> &'static str {
    match action {
        ServiceAction::Stop => {
            "Stop nix-darwin's Linux builder (org.nixos.linux-builder): its guest is powered off first, and builds that run \
             there are lost; it is back at the next start of the Mac"
        }
        ServiceAction::Wipe => {
            "Delete the disk of nix-darwin's Linux builder (nixos.qcow2) with all that was built on it; the next start makes \
             a clean one, and no undo brings this one back"
        }
        ServiceAction::Start => "Start nix-darwin's Linux builder (org.nixos.linux-builder)",
    }
}

/// The folder of the job's disk, where it is one of the known.
pub(crate) fn folder(root: &Root) -> Result<&'static str, Problem> {
    let path = file_path(root.platform(), ManagedFile::LinuxBuilderJob);
    let job = look::text(root, &path).unwrap_or_default();
    working_directory(&job).ok_or_else(|| {
        Problem::new(
            Code::NotManaged,
            format!(
                "{path} does not name one of the folders that nix-darwin uses, so its disk is left alone"
            ),
            format!("Stop the service, then delete {DISK} in its WorkingDirectory by hand"),
        )
    })
}

/// Which of the known folders a job's definition names. Whatever the text is, the answer is one of two constants.
fn working_directory(job: &str) -> Option<&'static str> {
    let (_, rest) = job.split_once("<key>WorkingDirectory</key>")?;
    let (value, _) = rest.trim_start().strip_prefix("<string>")?.split_once("</string>")?;
    FOLDERS.into_iter().find(|folder| *folder == value.trim_end_matches('/'))
}

fn stop(root: &Root, control: &dyn DaemonControl) -> Result<StepState, Problem> {
    let Some(job) = loaded(control)? else { return Ok(StepState::Unchanged) };
    let told = control.ask(&power_off_command(port(root)), COMMAND).is_ok_and(|ended| ended.code == Some(0));
    if job.pid.is_some() {
        // launchd starts it again when it ends, so the job has to go in that moment: a machine that has only
        // just been started has not touched its disk yet
        let most = if told { POWER_OFF } else { MAYBE_OFF };
        wait(control, most, |now| now.is_none_or(|now| now.pid != job.pid))?;
    }
    let ended = control.ask(&boot_out_command(), COMMAND);
    // it may say that it is still at it, and it may be done already: what counts is whether the job is gone
    if wait(control, BOOT_OUT, |now| now.is_none())? {
        return Ok(StepState::Done);
    }
    Err(failed(&boot_out_command(), &said(ended)))
}

fn start(_: &Root, control: &dyn DaemonControl) -> Result<StepState, Problem> {
    if loaded(control)?.is_some() {
        return Ok(StepState::Unchanged);
    }
    for command in start_commands() {
        match control.ask(&command, COMMAND) {
            Ok(Ended { code: Some(0), .. }) => {}
            other => return Err(failed(&command, &said(other))),
        }
    }
    Ok(StepState::Done)
}

fn wipe(root: &Root, control: &dyn DaemonControl) -> Result<StepState, Problem> {
    if loaded(control)?.is_some() {
        return Err(Problem::new(
            Code::WrongPhase,
            "nix-darwin's Linux builder runs, and its disk is only deleted while it does not",
            "Stop it first: `igloo service stop`",
        ));
    }
    let Some(folder) = Folder::open(root, folder(root)?)? else { return Ok(StepState::Unchanged) };
    if !folder.has_plain(DISK)? {
        return Ok(StepState::Unchanged);
    }
    folder.remove(DISK).map(|()| StepState::Done)
}

/// A job that launchd has loaded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Loaded {
    pid: Option<u32>,
}

/// Whether launchd has the job.
fn loaded(control: &dyn DaemonControl) -> Result<Option<Loaded>, Problem> {
    match control.ask(&print_command(), COMMAND) {
        Ok(Ended { code: Some(0), stdout, .. }) => Ok(Some(Loaded { pid: pid(&stdout) })),
        Ok(Ended { code: Some(NO_SUCH_JOB), .. }) => Ok(None),
        other => Err(failed(&print_command(), &said(other))),
    }
}

/// The process in what `launchctl print` says; those of inner blocks have more tabs before them.
fn pid(printed: &str) -> Option<u32> {
    printed.lines().find_map(|line| line.strip_prefix("\tpid = ")?.trim().parse().ok())
}

/// Looks until it is so; says whether it came to be.
fn wait(
    control: &dyn DaemonControl,
    most: Duration,
    is_so: impl Fn(Option<Loaded>) -> bool,
) -> Result<bool, Problem> {
    for _ in 0..=most.as_millis() / EVERY.as_millis() {
        if is_so(loaded(control)?) {
            return Ok(true);
        }
        control.pause(EVERY);
    }
    Ok(false)
}

/// The port of the builder's own alias.
fn port(root: &Root) -> u16 {
    let alias = look::text(root, ALIAS).unwrap_or_default();
    let port = alias.lines().find_map(|line| line.trim().strip_prefix("Port "));
    port.and_then(|port| port.trim().parse().ok()).map_or(PORT, NonZeroU16::get)
}

fn print_command() -> Vec<String> {
    words(&[LAUNCHCTL, "print", TARGET])
}

fn boot_out_command() -> Vec<String> {
    words(&[LAUNCHCTL, "bootout", TARGET])
}

/// `enable` first: a job that was disabled by hand can't be loaded.
fn start_commands() -> [Vec<String>; 2] {
    let job = "/Library/LaunchDaemons/org.nixos.linux-builder.plist";
    [words(&[LAUNCHCTL, "enable", TARGET]), words(&[LAUNCHCTL, "bootstrap", "system", job])]
}

/// The guest lets `builder` do one thing as root: power off. Its host key is public (nixpkgs has one for all of these
/// guests), so checking it would prove nothing; whoever listens there instead gets a signature for this one connection
/// and the words `shutdown now`.
fn power_off_command(port: u16) -> Vec<String> {
    let port = port.to_string();
    let mut command = words(&["/usr/bin/ssh", "-F", "/dev/null", "-T", "-a", "-x"]);
    command.extend(words(&["-i", "/etc/nix/builder_ed25519", "-l", "builder", "-p", &port]));
    for option in [
        "BatchMode=yes",
        "IdentitiesOnly=yes",
        "IdentityAgent=none",
        "PreferredAuthentications=publickey",
        "StrictHostKeyChecking=no",
        "UserKnownHostsFile=/dev/null",
        "GlobalKnownHostsFile=/dev/null",
        "ConnectTimeout=5",
        "ServerAliveInterval=5",
        "LogLevel=ERROR",
    ] {
        command.extend(words(&["-o", option]));
    }
    command.extend(words(&["--", "127.0.0.1", "shutdown", "now"]));
    command
}

fn words(words: &[&str]) -> Vec<String> {
    words.iter().map(|w| (*w).to_owned()).collect()
}

fn said(ended: Result<Ended, String>) -> String {
    match ended {
        Ok(ended) => ended.stderr.trim().to_owned(),
        Err(why) => why,
    }
}

fn failed(command: &[String], why: &str) -> Problem {
    let command = command.join(" ");
    Problem::new(
        Code::AdminFailed,
        format!("`{command}` did not do what it should: {why}"),
        format!("Run `sudo {command}` by hand to see more"),
    )
}

#[cfg(test)]
#[path = "service_tests.rs"]
mod tests;
