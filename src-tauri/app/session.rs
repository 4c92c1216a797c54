//! What of a desktop session is there on Linux. macOS always has it.

use std::{os::unix::net::UnixStream, path::PathBuf};

/// Whether the environment names a display. GTK panics without one.
pub fn has_display(env: impl Fn(&str) -> Option<String>) -> bool {
    ["WAYLAND_DISPLAY", "DISPLAY"].into_iter().any(|name| env(name).is_some_and(|value| !value.is_empty()))
}

/// Whether a D-Bus session bus answers, as far as can be told. Without one no panel can show the tray.
pub fn has_bus(env: impl Fn(&str) -> Option<String>) -> bool {
    buses(env).into_iter().any(|bus| match bus {
        Bus::Socket(path) => UnixStream::connect(path).is_ok(),
        Bus::Other => true,
    })
}

/// An address of a session bus.
#[derive(Debug, PartialEq)]
enum Bus {
    /// A Unix socket in the file system.
    Socket(PathBuf),
    /// Anything else.
    Other,
}

/// The addresses in the order in which a client tries them: those of `DBUS_SESSION_BUS_ADDRESS`, else the
/// bus in the runtime folder. The form is that of the D-Bus specification, "Server Addresses".
fn buses(env: impl Fn(&str) -> Option<String>) -> Vec<Bus> {
    match env("DBUS_SESSION_BUS_ADDRESS").filter(|list| !list.is_empty()) {
        Some(list) => list.split(';').filter(|a| !a.is_empty()).map(bus).collect(),
        None => env("XDG_RUNTIME_DIR")
            .map(|dir| Bus::Socket(PathBuf::from(dir).join("bus")))
            .into_iter()
            .collect(),
    }
}

fn bus(address: &str) -> Bus {
    let path = address
        .strip_prefix("unix:")
        .and_then(|options| options.split(',').find_map(|option| option.strip_prefix("path=")));
    match path {
        // with an escape it is left to those who know
        Some(path) if !path.contains('%') => Bus::Socket(path.into()),
        _ => Bus::Other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::net::UnixListener;

    fn env<'e>(vars: &'e [(&'e str, &'e str)]) -> impl Fn(&str) -> Option<String> + 'e {
        move |name| vars.iter().find(|(n, _)| *n == name).map(|(_, value)| (*value).to_owned())
    }

    #[test]
    fn either_display_will_do() {
        assert!(has_display(env(&[("DISPLAY", ":0")])));
        assert!(has_display(env(&[("WAYLAND_DISPLAY", "wayland-0")])));
        assert!(!has_display(env(&[("DISPLAY", "")])));
        assert!(!has_display(env(&[])));
    }

    #[test]
    fn the_addresses_of_the_environment_come_before_the_runtime_folder() {
        let runtime = ("XDG_RUNTIME_DIR", "/run/user/1");
        let of = |list: &str| buses(env(&[("DBUS_SESSION_BUS_ADDRESS", list), runtime]));
        assert_eq!(of(""), [Bus::Socket("/run/user/1/bus".into())]);
        assert_eq!(
            of("unix:path=/a/b,guid=1;unix:guid=2,path=/c"),
            [Bus::Socket("/a/b".into()), Bus::Socket("/c".into())]
        );
        assert_eq!(of("unix:abstract=/tmp/x;tcp:host=h"), [Bus::Other, Bus::Other]);
        assert_eq!(of("unix:path=/a%20b"), [Bus::Other]);
        assert_eq!(buses(env(&[])), []);
    }

    #[test]
    fn a_bus_counts_only_if_it_answers() {
        let dir = tempfile::tempdir().unwrap();
        let runtime = [("XDG_RUNTIME_DIR", dir.path().to_str().unwrap())];
        assert!(!has_bus(env(&runtime)));
        let _listener = UnixListener::bind(dir.path().join("bus")).unwrap();
        assert!(has_bus(env(&runtime)));
    }
}
