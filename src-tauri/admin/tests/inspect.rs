//! What the engine is told of files that others changed since a setup.
#![allow(clippy::unwrap_used, clippy::panic, missing_docs)]

mod support;

use base64::{Engine, engine::general_purpose::STANDARD};
use igloo_admin::{Platform, inspect};
use igloo_protocol::{BuilderId, Needs, Setup};
use std::fs;
use support::{FakeDaemon, HOST_KEY, Sandbox, all_ops};

const X: BuilderId = BuilderId::X86_64;

/// A sandbox in which both builders are set up, and the public key of root's Nix.
fn set_up() -> (Sandbox, String) {
    let s = Sandbox::new();
    let report = igloo_admin::apply(&s.root, &s.plan(&all_ops()), &FakeDaemon::default());
    (s, report.public_key.unwrap())
}

fn look(s: &Sandbox, port: u16, host_key: Option<&str>, daemon_key: Option<&str>) -> Setup {
    let (host_key, daemon_key) = (host_key.map(Into::into), daemon_key.map(Into::into));
    inspect(&s.root, &Needs { builder: X, port, host_key, daemon_key })
}

fn drifts(setup: Setup) -> Vec<String> {
    let Setup::Drifted { files } = setup else { panic!("{setup:?}") };
    files.into_iter().map(|d| format!("{} {}", d.path, d.how)).collect()
}

#[test]
fn nothing_and_all_of_it() {
    assert_eq!(look(&Sandbox::new(), 31023, None, None), Setup::Absent);
    let (s, key) = set_up();
    assert_eq!(look(&s, 31023, Some(HOST_KEY), Some(&key)), Setup::InPlace);
    assert_eq!(look(&s, 31023, None, Some(&key)), Setup::InPlace);
}

#[test]
fn each_change_by_others_is_told_with_its_file() {
    type Change = fn(&Sandbox);
    let cases: [(Change, &str); 7] = [
        (|s| fs::remove_file(s.path("etc/nix/machines")).unwrap(), "/etc/nix/machines is gone"),
        (
            |s| s.file("etc/nix/machines", "# mine\n"),
            "/etc/nix/machines has no entry for linux-builder-x86_64 any more",
        ),
        (
            |s| s.file("etc/nix/machines", "ssh-ng://me@linux-builder-x86_64 x86_64-linux - 1\n"),
            "/etc/nix/machines has an entry for linux-builder-x86_64 that Igloo did not write",
        ),
        (
            |s| fs::remove_file(s.path("etc/ssh/ssh_config.d/100-igloo-x86_64.conf")).unwrap(),
            "/etc/ssh/ssh_config.d/100-igloo-x86_64.conf is gone",
        ),
        (
            |s| {
                let path = "etc/ssh/ssh_config.d/100-igloo-x86_64.conf";
                s.file(path, &s.read(path).replace("User builder", "User me"));
            },
            "/etc/ssh/ssh_config.d/100-igloo-x86_64.conf has a block that others changed",
        ),
        (
            |s| fs::remove_file(s.path("etc/nix/igloo_builder_ed25519.pub")).unwrap(),
            "/etc/nix/igloo_builder_ed25519.pub is gone, and with it root's key",
        ),
        (
            |s| s.file("etc/nix/nix.conf", "builders =\n"),
            "/etc/nix/nix.conf sets `builders =`, so Nix does not read /etc/nix/machines",
        ),
    ];
    for (change, expected) in cases {
        let (s, key) = set_up();
        change(&s);
        assert_eq!(drifts(look(&s, 31023, Some(HOST_KEY), Some(&key))), [expected]);
    }
}

#[test]
fn what_changed_on_the_builders_side_is_told_too() {
    let (s, key) = set_up();
    let port = drifts(look(&s, 31999, Some(HOST_KEY), Some(&key)));
    assert_eq!(
        port,
        ["/etc/ssh/ssh_config.d/100-igloo-x86_64.conf names another port than the builder's, 31999"]
    );
    let other = HOST_KEY.replace("VCb", "VCa");
    let pinned = drifts(look(&s, 31023, Some(&other), Some(&key)));
    assert_eq!(
        pinned,
        ["/etc/nix/machines pins another host key than the guest of linux-builder-x86_64 shows"]
    );
    let let_in = drifts(look(&s, 31023, Some(HOST_KEY), Some(&other)));
    assert_eq!(let_in, ["/etc/nix/igloo_builder_ed25519.pub is another key than the guest lets in"]);
    let nobody = drifts(look(&s, 31023, Some(HOST_KEY), None));
    assert_eq!(nobody.len(), 1);
    assert!(nobody[0].contains("does not let"), "{nobody:?}");
}

#[test]
fn where_another_program_writes_the_files_only_what_is_said_counts() {
    let s = Sandbox::of(Platform::MacOs);
    s.folder("private/etc/nix");
    s.folder("private/etc/ssh/ssh_config.d");
    s.file("private/etc/nix/nix.conf", "# WARNING: this file is generated from the nix.* options in\n");
    let line = format!(
        "ssh-ng://builder@linux-builder-x86_64 x86_64-linux /etc/nix/igloo_builder_ed25519 1 1 - - {}\n",
        STANDARD.encode(format!("{HOST_KEY}\n"))
    );
    s.file("private/etc/nix/machines", &line);
    s.file("private/etc/nix/igloo_builder_ed25519.pub", HOST_KEY);
    let look = || look(&s, 31023, Some(HOST_KEY), Some(HOST_KEY));
    let gone = "/etc/ssh/ssh_config.d/100-igloo-x86_64.conf is gone, and ssh knows no linux-builder-x86_64"
        .to_owned();
    assert_eq!(drifts(look()), [gone]);
    s.file("private/etc/ssh/ssh_config.d/200-other.conf", "Host linux-builder-x86_64\n  Port 31023\n");
    assert_eq!(look(), Setup::InPlace);
}
