//! Who listens on a port: what the hosts' sources say, parsed.

/// The process of `lsof -Fpc`: one field a line, `p` the process id, `c` the command.
#[cfg_attr(not(target_os = "macos"), allow(dead_code))]
pub(super) fn from_lsof(fields: &str) -> Option<String> {
    let field = |tag: char| fields.lines().find_map(|l| l.strip_prefix(tag));
    Some(format!("{} (process {})", field('c')?, field('p')?))
}

/// The socket inode that listens on this port, from `/proc/net/tcp` (proc(5): local address and
/// port in hexadecimal, state 0A is listening, the inode is the tenth field).
#[cfg_attr(not(target_os = "linux"), allow(dead_code))]
pub(super) fn inode_in_proc_net_tcp(table: &str, port: u16) -> Option<u64> {
    let end = format!(":{port:04X}");
    table.lines().skip(1).find_map(|line| {
        let fields: Vec<_> = line.split_whitespace().collect();
        let listens = fields.get(1)?.ends_with(&end) && *fields.get(3)? == "0A";
        if listens { fields.get(9)?.parse().ok() } else { None }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lsof_names_the_process() {
        assert_eq!(
            from_lsof("p812\ncqemu-system-aarch64\nf12\n").unwrap(),
            "qemu-system-aarch64 (process 812)"
        );
        assert_eq!(from_lsof(""), None);
    }

    #[test]
    fn the_listening_socket_is_found() {
        let table =
            "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 0100007F:792E 0100007F:C350 01 00000000:00000000 00:00000000 00000000     0        0 111 1
   1: 0100007F:792E 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 4242 1\n";
        assert_eq!(inode_in_proc_net_tcp(table, 31022), Some(4242));
        assert_eq!(inode_in_proc_net_tcp(table, 31023), None);
    }
}
