//! Igloo's files in `ssh_config.d`: one marked block a builder; text around it stays byte for byte.

use crate::block;
use crate::machines::KEY_PATH;
use crate::root::{Platform, folder_path};
use igloo_protocol::plan::{ManagedFolder, SshHost};

/// The lines of a builder's block, without its marks.
///
/// The key is root's alone, so it is offered to root alone: another user's `ssh linux-builder` uses
/// that user's own keys. The host key is pinned by Nix, from the machines line.
pub fn lines(platform: Platform, host: &SshHost) -> String {
    let alias = host.builder.alias();
    let port = host.port;
    let shared = if host.share_connection { shared(platform, alias) } else { String::new() };
    format!(
        "Host {alias}\n\
         \x20 HostName 127.0.0.1\n\
         \x20 Port {port}\n\
         \x20 User builder\n\
         \x20 HostKeyAlias {alias}\n\
         Match originalhost {alias} localuser root\n\
         \x20 IdentityFile {KEY_PATH}\n\
         \x20 IdentitiesOnly yes\n\
         {shared}"
    )
}

/// The part by which root's connections share one. ssh ends with an error when the folder of a
/// `ControlPath` is missing, hence `exec`: without the folder there is a connection each, and builds go on.
fn shared(platform: Platform, alias: &str) -> String {
    let control = folder_path(platform, ManagedFolder::SshControl);
    format!(
        "Match originalhost {alias} localuser root exec \"test -d {control}\"\n\
         \x20 ControlMaster auto\n\
         \x20 ControlPath {control}/%C\n\
         \x20 ControlPersist 60\n"
    )
}

/// The text with its block set; a new block goes to the end. It is not moved: for ssh the first value counts,
/// so what stands before it was put there to be stronger.
pub fn set(text: &str, lines: &str) -> String {
    block::replace(text, lines)
}

/// The text without its block.
pub fn remove(text: &str) -> String {
    block::remove(text).unwrap_or_else(|| text.to_owned())
}

/// Whether a `Host` block names the host itself, not by a pattern.
pub fn names_host(text: &str, alias: &str) -> bool {
    text.lines().any(|line| {
        let mut words = words(line);
        words.next().is_some_and(|w| w.eq_ignore_ascii_case("host"))
            && words.any(|w| w.trim_matches('"') == alias)
    })
}

/// A line's words; an option and its value may have a `=` between them (ssh_config(5)).
fn words(line: &str) -> impl Iterator<Item = &str> {
    line.split(|c: char| c.is_whitespace() || c == '=').filter(|w| !w.is_empty())
}

/// Whether ssh reads `/etc/ssh/ssh_config.d`, given the text of `/etc/ssh/ssh_config`: an `Include`
/// of it that stands before any `Host` or `Match` (after one it holds for some hosts only).
pub fn includes_folder(ssh_config: &str) -> bool {
    for line in ssh_config.lines() {
        let mut words = words(line);
        match words.next().map(str::to_ascii_lowercase).as_deref() {
            Some("include") => {
                let covers = |w: &str| {
                    let pattern = w.trim_matches('"').trim_start_matches("/etc/ssh/");
                    matches!(pattern, "ssh_config.d/*" | "ssh_config.d/*.conf")
                };
                if words.any(covers) {
                    return true;
                }
            }
            Some("match") => return false,
            Some("host") if !words.eq(["*"]) => return false,
            _ => {}
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;
    use igloo_protocol::BuilderId;
    use proptest::prelude::*;
    use std::num::NonZeroU16;

    fn lines_for(builder: BuilderId, port: u16) -> String {
        let port = NonZeroU16::new(port).unwrap();
        lines(Platform::Linux, &SshHost { builder, port, share_connection: port.get() > 9999 })
    }

    #[test]
    fn the_block_is_as_agreed() {
        let port = NonZeroU16::new(31023).unwrap();
        let host = SshHost { builder: BuilderId::X86_64, port, share_connection: true };
        let text = lines(Platform::MacOs, &host);
        let alone = lines(Platform::MacOs, &SshHost { share_connection: false, ..host });
        assert!(text.starts_with(&alone) && !alone.contains("Control"), "{alone}");
        assert_eq!(
            set("", &text),
            "# >>> Igloo: this block is rewritten and undone by Igloo
Host linux-builder-x86_64
  HostName 127.0.0.1
  Port 31023
  User builder
  HostKeyAlias linux-builder-x86_64
Match originalhost linux-builder-x86_64 localuser root
  IdentityFile /etc/nix/igloo_builder_ed25519
  IdentitiesOnly yes
Match originalhost linux-builder-x86_64 localuser root exec \"test -d /var/db/igloo/ssh\"
  ControlMaster auto
  ControlPath /var/db/igloo/ssh/%C
  ControlPersist 60
# <<< Igloo
"
        );
    }

    #[test]
    fn an_include_counts_where_it_holds_for_every_host() {
        for yes in [
            "Include /etc/ssh/ssh_config.d/*.conf\n\nHost *\n",
            "# c\ninclude ssh_config.d/*",
            "Include=\"/etc/ssh/ssh_config.d/*\"",
            "Host *\n  Include /etc/ssh/ssh_config.d/*.conf",
        ] {
            assert!(includes_folder(yes), "{yes}");
        }
        for no in [
            "",
            "Host *\n SendEnv LANG",
            "# Include /etc/ssh/ssh_config.d/*.conf",
            "Host git\nInclude /etc/ssh/ssh_config.d/*.conf",
            "Match user me\nInclude /etc/ssh/ssh_config.d/*.conf",
            "Include /etc/ssh/other.d/*.conf",
        ] {
            assert!(!includes_folder(no), "{no}");
        }
    }

    #[test]
    fn a_host_is_named_by_its_own_name() {
        assert!(names_host("# c\n  HOST a linux-builder\n", "linux-builder"));
        assert!(names_host("host=\"linux-builder\"", "linux-builder"));
        for no in ["Host linux-builder-x86_64", "Host *", "# Host linux-builder", "HostName linux-builder"] {
            assert!(!names_host(no, "linux-builder"), "{no}");
        }
    }

    proptest! {
        #[test]
        fn setting_twice_is_setting_once_and_the_rest_stays(head in "[ -~\n]{0,40}", tail in "[ -~\n]{0,40}", p in 1u16.., q in 1u16..) {
            let (one, two) = (lines_for(BuilderId::Aarch64, p), lines_for(BuilderId::Aarch64, q));
            let once = set(&head, &one);
            prop_assert!(block::is_in(&once) && once.starts_with(&head));
            prop_assert_eq!(&set(&once, &one), &once);
            prop_assert_eq!(&remove(&once), &head);
            let around = format!("{once}{tail}");
            prop_assert_eq!(set(&set(&around, &two), &one), around);
        }
    }
}
