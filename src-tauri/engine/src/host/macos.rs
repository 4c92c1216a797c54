//! macOS.

use super::paths::Layout;

/// Where macOS keeps a user's files: `~/Library`.
pub const LAYOUT: Layout = Layout::Library;

/// All the memory of this host, in bytes.
pub fn memory_bytes() -> Option<u64> {
    let out = std::process::Command::new("/usr/sbin/sysctl").args(["-n", "hw.memsize"]).output().ok()?;
    String::from_utf8(out.stdout).ok()?.trim().parse().ok()
}
