//! The script that nix-darwin has launchd run, and the ssh alias that it writes beside
//! (`modules/nix/linux-builder.nix`).

/// The disk that the script removes before each start: only an `ephemeral` builder's does.
pub fn wiped_disk(script: &str) -> Option<&str> {
    let removed = script.lines().filter_map(|line| line.trim().strip_prefix("rm -f "));
    removed.map(|path| path.trim().trim_matches(['"', '\''])).find(|path| path.ends_with(".qcow2"))
}

/// The port of a host in an ssh configuration.
pub fn port(config: &str, host: &str) -> Option<u16> {
    let mut within = false;
    for line in config.lines() {
        let mut words = line.split_whitespace();
        match (words.next().map(str::to_ascii_lowercase).as_deref(), words.next()) {
            (Some("host"), first) => within = first.into_iter().chain(words).any(|name| name == host),
            (Some("port"), Some(port)) if within => return port.parse().ok(),
            _ => {}
        }
    }
    None
}
