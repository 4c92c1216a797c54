//! macOS.

use super::paths::Layout;
use std::process::{Command, Output, Stdio};

/// Where macOS keeps a user's files: `~/Library`.
pub const LAYOUT: Layout = Layout::Library;

/// launchd runs this host's services.
pub const HAS_LAUNCHD: bool = true;

/// What `launchctl` says to these words. It needs no privilege to print.
pub fn launchctl(words: &[&str]) -> Option<Output> {
    Command::new("/bin/launchctl").args(words).stdin(Stdio::null()).output().ok()
}

/// All the memory of this host, in bytes.
pub fn memory_bytes() -> Option<u64> {
    let out = Command::new("/usr/sbin/sysctl").args(["-n", "hw.memsize"]).output().ok()?;
    String::from_utf8(out.stdout).ok()?.trim().parse().ok()
}

/// Who listens on a loopback TCP port: name and process id.
pub fn listener_on(port: u16) -> Option<String> {
    let out = Command::new("/usr/sbin/lsof")
        .args(["-nP", &format!("-iTCP:{port}"), "-sTCP:LISTEN", "-Fpc"])
        .output()
        .ok()?;
    super::listener::from_lsof(&String::from_utf8_lossy(&out.stdout))
}

/// Whether Hypervisor.framework can run a guest (`kern.hv_support` is 1). Not so inside most
/// virtual machines, GitHub's runners among them.
pub fn cpu_has_virtualization() -> bool {
    Command::new("/usr/sbin/sysctl")
        .args(["-n", "kern.hv_support"])
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .output()
        .is_ok_and(|out| out.stdout.trim_ascii() == b"1")
}

/// Whether this machine runs on its battery; `None` where it can't tell.
pub fn on_battery() -> Option<bool> {
    let out = Command::new("/usr/bin/pmset").args(["-g", "ps"]).stdin(Stdio::null()).output().ok()?;
    super::power::of_pmset(&String::from_utf8_lossy(&out.stdout))
}

/// There is no KVM on macOS.
pub fn kvm_opens() -> bool {
    false
}
