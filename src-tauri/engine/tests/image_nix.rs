//! `nix/image.nix`, evaluated by the real Nix with stubs in place of nixpkgs: an older one, whose profile is one file, and a
//! newer one, whose profile is split. `cargo xtask test` prepares the Nix (IGLOO_TEST_NIX). Nothing is built, no store is needed.
#![cfg(target_os = "linux")]
// clippy's allowance for tests does not reach their helpers
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use igloo_engine::image::{HostKey, Manifest, Root};
use igloo_protocol::System;
use std::{
    path::{Path, PathBuf},
    process::Command,
};

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The manifest's text from a stub, for a host, with more arguments for the expression.
fn evaluate(stub: &str, host: &str, more: &str) -> String {
    let nix = std::env::var_os("IGLOO_TEST_NIX");
    let nix = PathBuf::from(nix.expect("IGLOO_TEST_NIX is not set: run `cargo xtask test --only unit`"));
    let home = tempfile::tempdir().unwrap();
    let expression = format!(
        "((import {}) {{ nixpkgs = {}; system = \"{host}\"; {more} }}).text",
        root().join("nix/image.nix").display(),
        root().join("tests/image_nix").join(stub).display()
    );
    let out = Command::new(nix.join("nix-instantiate"))
        .args(["--eval", "--strict", "--json", "--readonly-mode", "--store", "dummy://", "-E", &expression])
        .env("HOME", home.path())
        .env("NIX_STATE_DIR", home.path())
        .env_remove("NIX_PATH")
        .env_remove("NIX_REMOTE")
        .output()
        .unwrap();
    assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
    serde_json::from_slice(&out.stdout).unwrap()
}

fn parse(text: &str) -> Manifest {
    Manifest::parse(text.as_bytes(), Path::new("manifest.json")).unwrap()
}

fn pretty(text: &str) -> String {
    serde_json::to_string_pretty(&serde_json::from_str::<serde_json::Value>(text).unwrap()).unwrap()
}

#[test]
fn a_macs_builder_is_the_same_each_time() {
    for stub in ["older", "newer"] {
        let text = evaluate(stub, "aarch64-darwin", "");
        insta::assert_snapshot!(format!("{stub}_on_a_mac"), pretty(&text));
        assert_eq!(evaluate(stub, "aarch64-darwin", ""), text);
        let manifest = parse(&text);
        assert_eq!(manifest.system, System::Aarch64Linux);
        assert!(matches!(manifest.root, Root::Blank { .. }));
        assert!(matches!(&manifest.host_key, HostKey::Known { public } if public.ends_with("root@nixos")));
        let mut shares = manifest.shares.clone();
        shares.sort();
        assert_eq!(shares, ["certs", "keys", "shared", "xchg"]);
        assert!(manifest.is_read_only("certs"));
    }
}

#[test]
fn a_linux_hosts_builder_is_of_the_same_profile() {
    for stub in ["older", "newer"] {
        let text = evaluate(stub, "x86_64-linux", "");
        insta::assert_snapshot!(format!("{stub}_on_linux"), pretty(&text));
        assert_eq!(parse(&text).system, System::X86_64Linux);
    }
}

#[test]
fn another_guest_and_a_users_module_change_what_they_name() {
    let stock = parse(&evaluate("newer", "aarch64-darwin", ""));
    let other = parse(&evaluate("newer", "aarch64-darwin", "guest = \"x86_64-linux\";"));
    assert_eq!((other.system, other.kernel == stock.kernel), (System::X86_64Linux, false));
    // the tools are the host's, whatever the guest is
    assert_eq!(other.tools, stock.tools);

    let config = format!("config = {};", root().join("tests/image_nix/config.nix").display());
    let mine = parse(&evaluate("newer", "aarch64-darwin", &config));
    assert_ne!(mine.kernel, stock.kernel);
    assert_eq!(mine.name, "nixpkgs 26.05, configured");
    let linux = parse(&evaluate("older", "x86_64-linux", &config));
    assert_ne!(linux.kernel, parse(&evaluate("older", "x86_64-linux", "")).kernel);
}
