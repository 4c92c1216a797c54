//! macOS.

use super::paths::Layout;

/// Where macOS keeps a user's files: `~/Library`.
pub const LAYOUT: Layout = Layout::Library;

/// All the memory of this host, in bytes.
pub fn memory_bytes() -> Option<u64> {
    let out = std::process::Command::new("/usr/sbin/sysctl").args(["-n", "hw.memsize"]).output().ok()?;
    String::from_utf8(out.stdout).ok()?.trim().parse().ok()
}

/// Who listens on a loopback TCP port: name and process id.
pub fn listener_on(port: u16) -> Option<String> {
    let out = std::process::Command::new("/usr/sbin/lsof")
        .args(["-nP", &format!("-iTCP:{port}"), "-sTCP:LISTEN", "-Fpc"])
        .output()
        .ok()?;
    super::listener::from_lsof(&String::from_utf8_lossy(&out.stdout))
}
