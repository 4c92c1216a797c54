//! Linux.

use super::paths::Layout;

/// Where Linux keeps a user's files: the XDG base directories.
pub const LAYOUT: Layout = Layout::Xdg;

/// All the memory of this host, in bytes.
pub fn memory_bytes() -> Option<u64> {
    parse_memtotal(&std::fs::read_to_string("/proc/meminfo").ok()?)
}

fn parse_memtotal(meminfo: &str) -> Option<u64> {
    let line = meminfo.lines().find_map(|l| l.strip_prefix("MemTotal:"))?;
    Some(line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok()? << 10)
}

#[cfg(test)]
mod tests {
    #[test]
    fn memory_is_read_from_meminfo() {
        assert_eq!(super::parse_memtotal("MemTotal:       16384 kB\nMemFree: 1 kB\n"), Some(16 << 20));
        assert_eq!(super::parse_memtotal("nothing"), None);
    }
}
