//! The snippets for other programs' configurations, read by the real Nix against a stub of the options.

use crate::support::prepared;
use igloo_protocol::{InstallKind, plan::Plan};
use std::{fs, process::Command};

const PLAN: &str = r#"{"version":1,"files":[],"ops":[
    {"ssh_host":{"builder":"aarch64","port":31022,"share_connection":true}},
    {"machine":{"builder":"aarch64","systems":["aarch64-linux","x86_64-linux"],"max_jobs":4,"features":["big-parallel"],
     "host_key":"ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJBWcxb/Blaqt1auOtE+F8QUWrUotiC5qBJ+UuEWdVCb"}},
    {"nix_setting":{"builders_use_substitutes":true}},{"nix_setting":{"extra_trusted_users":["ann"]}}]}"#;

/// What Nix makes of a module against the stub: the lines of `/etc/nix/machines`, or an error.
fn evaluate(nix: &str, settings: &str, snippet: &str) -> (bool, String) {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("check.nix");
    let stub = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/e2e/snippet.nix");
    let text =
        format!("import {stub} {{ nix = {nix:?}; settings = {settings:?}; module = {{ {snippet} }}; }}");
    fs::write(&file, text).unwrap();
    let ran = Command::new(prepared("IGLOO_TEST_NIX").join("nix-instantiate"))
        .args(["--store", "dummy://", "--eval", "--strict", "--json"])
        .arg(&file)
        .env("HOME", dir.path())
        .output()
        .unwrap();
    (ran.status.success(), String::from_utf8_lossy(&[ran.stdout, ran.stderr].concat()).into_owned())
}

#[test]
fn nix_reads_every_snippet_and_makes_igloos_own_line_of_it() {
    let ops = Plan::from_json(PLAN.as_bytes()).unwrap().ops;
    let plain = igloo_admin::snippet(InstallKind::Official, &ops);
    let line = plain.lines().find(|line| line.starts_with("ssh-ng://")).unwrap();
    for (kind, nix, settings) in [
        (InstallKind::NixDarwin, "nix", "settings"),
        (InstallKind::NixOs, "nix", "settings"),
        (InstallKind::Determinate, "determinateNix", "customSettings"),
    ] {
        let snippet = igloo_admin::snippet(kind, &ops);
        let (ok, said) = evaluate(nix, settings, &snippet);
        assert!(ok, "{kind:?}: {said}");
        assert_eq!(serde_json::from_str::<Vec<String>>(&said).unwrap(), [line]);
        let (ok, said) = evaluate(nix, settings, &snippet.replace("sshUser", "sshUsr"));
        assert!(!ok && said.contains("no option sshUsr"), "the stub would see it: {said}");
    }
}
