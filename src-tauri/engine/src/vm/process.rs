//! QEMU's process: known by its machine's uuid, never by a number alone.

use super::diagnose::Ended;
use std::{
    fs,
    os::unix::process::ExitStatusExt,
    process::{ExitStatus, Stdio},
    time::Duration,
};
use tokio::{process::Command, time::timeout};
use uuid::Uuid;

/// How long a look at one process may take.
const LOOK: Duration = Duration::from_secs(5);

/// Whether process `pid` is the QEMU of the machine `uuid`: its arguments say so.
pub(super) async fn is_machine(pid: u32, uuid: &Uuid) -> bool {
    arguments(pid).await.is_some_and(|args| args.contains(&uuid.to_string()))
}

/// The arguments of a process, from `/proc` where there is one, else from `ps`. `None`: no such
/// process, or one that has ended and not been waited for.
async fn arguments(pid: u32) -> Option<String> {
    if fs::exists("/proc/self/cmdline").unwrap_or(false) {
        let bytes = fs::read(format!("/proc/{pid}/cmdline")).ok()?;
        return Some(String::from_utf8_lossy(&bytes).replace('\0', " "));
    }
    let ps = Command::new("/bin/ps")
        .args(["-ww", "-o", "args=", "-p", &pid.to_string()])
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .output();
    let out = timeout(LOOK, ps).await.ok()?.ok()?;
    Some(String::from_utf8_lossy(&out.stdout).into_owned())
}

/// Sends SIGKILL to `pid`. The caller has made sure whose it is.
pub(super) fn kill(pid: u32) {
    let pid = i32::try_from(pid).ok().and_then(rustix::process::Pid::from_raw);
    if let Some(Err(e)) = pid.map(|pid| rustix::process::kill_process(pid, rustix::process::Signal::KILL)) {
        tracing::warn!("can't kill QEMU: {e}");
    }
}

impl From<ExitStatus> for Ended {
    fn from(status: ExitStatus) -> Ended {
        Ended { status: status.code(), signal: status.signal() }
    }
}
