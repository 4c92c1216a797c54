//! Linux.

use super::paths::Layout;
use crate::vm::accel::cpuinfo_has_virtualization;
use std::process::Output;

/// Where Linux keeps a user's files: the XDG base directories.
pub const LAYOUT: Layout = Layout::Xdg;

/// There is no launchd on Linux.
pub const HAS_LAUNCHD: bool = false;

/// There is no launchd on Linux.
pub fn launchctl(_: &[&str]) -> Option<Output> {
    None
}

/// All the memory of this host, in bytes.
pub fn memory_bytes() -> Option<u64> {
    parse_memtotal(&std::fs::read_to_string("/proc/meminfo").ok()?)
}

/// Who listens on a loopback TCP port: name and process id, where this user may know.
pub fn listener_on(port: u16) -> Option<String> {
    let inode = ["/proc/net/tcp", "/proc/net/tcp6"].iter().find_map(|table| {
        super::listener::inode_in_proc_net_tcp(&std::fs::read_to_string(table).ok()?, port)
    })?;
    let socket = format!("socket:[{inode}]");
    let pid = std::fs::read_dir("/proc").ok()?.flatten().find_map(|entry| {
        let pid = entry.file_name().to_str()?.parse::<u32>().ok()?;
        let mut open = std::fs::read_dir(entry.path().join("fd")).ok()?.flatten();
        open.any(|fd| std::fs::read_link(fd.path()).is_ok_and(|to| to.as_os_str() == socket.as_str()))
            .then_some(pid)
    })?;
    let name = std::fs::read_to_string(format!("/proc/{pid}/comm")).ok()?;
    Some(format!("{} (process {pid})", name.trim()))
}

/// Whether this machine runs on its battery; `None` where it has none.
pub fn on_battery() -> Option<bool> {
    let supplies = std::fs::read_dir("/sys/class/power_supply").ok()?.flatten();
    let read = |dir: &std::path::Path, name: &str| {
        std::fs::read_to_string(dir.join(name)).map(|text| text.trim().to_owned()).unwrap_or_default()
    };
    super::power::of_supplies(supplies.map(|entry| entry.path()).map(|dir| super::power::Supply {
        kind: read(&dir, "type"),
        scope: read(&dir, "scope"),
        online: read(&dir, "online"),
        status: read(&dir, "status"),
    }))
}

fn parse_memtotal(meminfo: &str) -> Option<u64> {
    let line = meminfo.lines().find_map(|l| l.strip_prefix("MemTotal:"))?;
    Some(line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok()? << 10)
}

/// Whether the processor can run a guest itself. Without the flag, `/dev/kvm` may open and still
/// never run one: a kernel that is itself a paravirtual guest does that.
pub fn cpu_has_virtualization() -> bool {
    // arm64 has no flag for it; there the device alone says enough
    cfg!(target_arch = "aarch64")
        || std::fs::read_to_string("/proc/cpuinfo").is_ok_and(|text| cpuinfo_has_virtualization(&text))
}

/// Whether this user may use KVM.
pub fn kvm_opens() -> bool {
    std::fs::OpenOptions::new().read(true).write(true).open("/dev/kvm").is_ok()
}

#[cfg(test)]
mod tests {
    #[test]
    fn memory_is_read_from_meminfo() {
        assert_eq!(super::parse_memtotal("MemTotal:       16384 kB\nMemFree: 1 kB\n"), Some(16 << 20));
        assert_eq!(super::parse_memtotal("nothing"), None);
    }
}
