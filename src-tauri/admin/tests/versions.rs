//! Plans and receipts as each version wrote them still mean what they meant. A fixture is never changed: a new form
//! gets a new version and fixtures of its own beside the old ones.
#![allow(clippy::unwrap_used, clippy::panic, missing_docs)]

mod support;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use igloo_admin::{decode, describe, undo};
use igloo_protocol::BuilderId::{Aarch64, X86_64};
use igloo_protocol::plan::{Change, ManagedFile, ManagedFolder, Outcome, Plan, Receipt, Seen};
use std::fs;
use std::os::unix::fs::MetadataExt;
use support::Sandbox;

const PLAN_1: &str = include_str!("versions/plan-1.json");
const RECEIPT_1: &str = include_str!("versions/receipt-1.json");

#[test]
fn a_plan_of_version_1_holds_every_operation_and_every_file() {
    let plan = decode(&STANDARD.encode(PLAN_1)).unwrap();
    assert_eq!(plan, Plan::from_json(PLAN_1.as_bytes()).unwrap());
    let again: serde_json::Value = serde_json::to_value(&plan).unwrap();
    assert_eq!(again, serde_json::from_str::<serde_json::Value>(PLAN_1).unwrap());
    assert_eq!(
        describe(&plan),
        [
            "Make the key pair /etc/nix/igloo_builder_ed25519 (and .pub) with which root's Nix logs in to the builders; \
             kept if it is there, readable by root alone",
            "Let ssh know the builder as `linux-builder`: port 31022 of this machine (in /etc/ssh/ssh_config.d/100-igloo-aarch64.conf)",
            "Let ssh know the builder as `linux-builder-x86_64`: port 31023 of this machine (in /etc/ssh/ssh_config.d/100-igloo-x86_64.conf)",
            "Let Nix build aarch64-linux and x86_64-linux on `linux-builder`, up to 4 builds at a time (in /etc/nix/machines)",
            "Let Nix build x86_64-linux on `linux-builder-x86_64`, up to 2 builds at a time (in /etc/nix/machines)",
            "Let Nix read the list of builders in /etc/nix/machines (`builders = @/etc/nix/machines` in /etc/nix/nix.custom.conf)",
            "Let builders fetch from substituters themselves what they can (`builders-use-substitutes = true` in /etc/nix/nix.custom.conf)",
            "Let me and _you-2 do anything that root can: the Nix daemon obeys a trusted user, who can become root by that \
             (`extra-trusted-users = me _you-2` in /etc/nix/nix.custom.conf)",
            "Restart the Nix daemon; builds that run now are stopped",
        ]
    );
    assert_eq!(plan.seen(ManagedFile::BuilderKey), Some(&Seen::Present));
    assert_eq!(plan.seen(ManagedFile::SshHost(Aarch64)), Some(&Seen::Absent));
    for file in [ManagedFile::SshHost(X86_64), ManagedFile::Machines, ManagedFile::NixCustomConf] {
        assert!(matches!(plan.seen(file), Some(Seen::Sha256(_))), "{file:?}");
    }
}

/// Added to version 1 later: an older helper refuses it as an operation that it does not know.
#[test]
fn a_plan_of_version_1_may_deal_with_the_builders_service() {
    let json = include_str!("versions/plan-1-service.json");
    let plan = decode(&STANDARD.encode(json)).unwrap();
    let value = |text: &str| serde_json::from_str::<serde_json::Value>(text).unwrap();
    assert_eq!(serde_json::to_value(&plan).unwrap(), value(json));
    assert!(matches!(plan.seen(ManagedFile::LinuxBuilderJob), Some(Seen::Sha256(_))));
    assert_eq!(describe(&plan).len(), 3);
}

#[test]
fn a_receipt_of_version_1_holds_every_kind_of_change() {
    let receipt: Receipt = serde_json::from_str(RECEIPT_1).unwrap();
    let again = serde_json::to_value(&receipt).unwrap();
    assert_eq!(again, serde_json::from_str::<serde_json::Value>(RECEIPT_1).unwrap());
    let folders = receipt.changes.iter().filter(|c| matches!(c, Change::Folder(_)));
    assert!(
        folders
            .eq(&[ManagedFolder::Nix, ManagedFolder::SshConfig, ManagedFolder::SshControl]
                .map(Change::Folder))
    );
}

#[test]
fn a_receipt_of_version_1_is_undone() {
    let s = Sandbox::new();
    let meta = s.path("").metadata().unwrap();
    for (path, text) in [
        ("etc/nix/igloo_builder_ed25519", "private\n"),
        ("etc/nix/igloo_builder_ed25519.pub", "public\n"),
        ("etc/ssh/ssh_config.d/100-igloo-aarch64.conf", "host a\n"),
        ("etc/ssh/ssh_config.d/100-igloo-x86_64.conf", "host x\n"),
        ("etc/nix/machines", "second\n"),
        ("etc/nix/nix.conf", "cores = 1\nset\n"),
        ("etc/nix/nix.custom.conf", "custom\n"),
    ] {
        s.file(path, text);
    }
    s.folder("var/lib/igloo/ssh");
    // the files of this test belong to whoever runs it
    let owner = |name: &str, id: u32| (format!("\"{name}\": 0,"), format!("\"{name}\": {id},"));
    let [(uid, my_uid), (gid, my_gid)] = [owner("uid", meta.uid()), owner("gid", meta.gid())];
    s.file("var/lib/igloo/receipt.json", &RECEIPT_1.replace(&uid, &my_uid).replace(&gid, &my_gid));

    let report = undo(&s.root);
    assert_eq!((report.outcome, report.problem), (Outcome::Undone, None));
    assert_eq!(s.read("etc/nix/machines"), "# mine\nssh://mac");
    assert_eq!((s.mode("etc/nix/machines"), s.mode("etc/nix/nix.conf")), (0o600, 0o644));
    assert_eq!(s.path("etc/nix/machines").metadata().unwrap().mtime(), 1_700_000_000);
    assert_eq!(s.read("etc/nix/nix.conf"), "cores = 1\n");
    assert_eq!(fs::read_dir(s.path("etc/nix")).unwrap().count(), 2);
    assert!(!s.path("etc/ssh/ssh_config.d").exists() && !s.path("var/lib/igloo").exists());
}
