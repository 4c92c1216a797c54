//! macOS.

use std::process::{Command, Stdio};

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

/// There is no KVM on macOS.
pub fn kvm_opens() -> bool {
    false
}
