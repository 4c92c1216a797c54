//! What an attacker might write into a plan, or do with one that the user said yes to. Each test is named for
//! what it tries. The refusals are those of the real binary, before it reaches a file.
#![allow(clippy::unwrap_used, clippy::panic, missing_docs)]

mod support;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use igloo_admin::{apply, undo};
use igloo_protocol::Code;
use igloo_protocol::plan::{Outcome, Plan};
use serde_json::{Value, json};
use std::fs;
use support::binary::{by_hand, refused_as};
use support::{FakeDaemon, HOST_KEY, Sandbox, all_ops};

fn refused(plan: &Value) -> String {
    refused_as(&by_hand(&["apply", &STANDARD.encode(plan.to_string())]), Code::Usage)
}

/// A good plan with one value set to another: that value is why it is refused.
fn refused_with(path: &str, value: Value) -> String {
    let mut plan = json!({"version": 1, "files": [], "ops": [
        {"machine": {"builder": "aarch64", "systems": ["aarch64-linux"], "max_jobs": 1, "features": ["kvm"],
            "host_key": HOST_KEY}},
        {"ssh_host": {"builder": "aarch64", "port": 31022}},
        {"nix_setting": {"extra_trusted_users": ["alice"]}},
    ]});
    assert!(Plan::from_json(plan.to_string().as_bytes()).is_ok(), "the plan is good without the attack");
    let (parent, name) = path.rsplit_once('/').unwrap();
    plan.pointer_mut(parent).unwrap()[name] = value;
    refused(&plan)
}

#[test]
fn newline_in_a_value() {
    refused_with("/ops/0/machine/features", json!(["kvm\nssh://evil"]));
    refused_with("/ops/0/machine/host_key", json!(format!("{HOST_KEY}\nssh-rsa AAAA")));
    refused_with("/ops/0/machine/builder", json!("aarch64\n"));
    refused_with("/ops/0/machine/systems", json!(["aarch64-linux\n@/tmp/evil"]));
    refused_with("/ops/2/nix_setting/extra_trusted_users", json!(["alice\npost-build-hook = /tmp/evil"]));
    refused_with("/ops/2/nix_setting/extra_trusted_users", json!(["alice\r"]));
}

#[test]
fn separators_of_the_files_in_a_value() {
    refused_with("/ops/0/machine/features", json!(["kvm;ssh://evil"]));
    refused_with("/ops/0/machine/features", json!(["kvm evil"]));
    refused_with("/ops/0/machine/features", json!(["kvm,evil"]));
    refused_with("/ops/0/machine/features", json!(["kvm\tevil"]));
    refused_with("/ops/0/machine/features", json!(["#"]));
    refused_with("/ops/0/machine/systems", json!(["aarch64-linux /etc/passwd"]));
    refused_with("/ops/2/nix_setting/extra_trusted_users", json!(["alice bob"]));
    refused_with("/ops/2/nix_setting/extra_trusted_users", json!(["alice\u{0}"]));
}

#[test]
fn proxy_command_through_the_alias() {
    refused_with("/ops/1/ssh_host/builder", json!("aarch64\n  ProxyCommand id"));
    refused_with("/ops/1/ssh_host/builder", json!("-oProxyCommand=id"));
    refused_with("/ops/1/ssh_host/port", json!("22\n  ProxyCommand id"));
    refused_with("/ops/1/ssh_host/proxy_command", json!("id"));
    refused_with("/ops/1/ssh_host/share_connection", json!("yes\n  ProxyCommand id"));
}

#[test]
fn option_names_outside_the_list() {
    for name in
        ["post_build_hook", "post-build-hook", "build_hook", "substituters", "trusted_users", "sandbox"]
    {
        let message = refused(&json!({"version": 1, "files": [], "ops": [{"nix_setting": {name: "x"}}]}));
        assert!(message.contains(&format!("unknown variant `{name}`")), "{message}");
    }
    refused_with("/ops/0/machine/ssh_key", json!("/root/.ssh/id"));
    refused_with("/ops/0/machine/mandatory_features", json!(["x"]));
}

#[test]
fn unknown_operations_files_and_versions() {
    let message = refused(&json!({"version": 1, "files": [], "ops": [{"run": {"command": "id"}}]}));
    assert!(message.contains("unknown variant `run`"), "{message}");
    refused_with("/files", json!([{"file": "/etc/passwd", "seen": "absent"}]));
    refused_with("/root", json!("/tmp"));
    assert!(refused_with("/version", json!(2)).contains("version 2"));
    assert!(refused_with("/ops", json!([])).contains("0 operations"));
}

#[test]
fn a_service_command_or_disk_of_the_attackers_choice() {
    for action in [
        json!("restart"),
        json!("stop\n"),
        json!("org.nixos.nix-daemon"),
        json!({"stop": "org.nixos.nix-daemon"}),
        json!({"wipe": "/etc/nix/nix.conf"}),
        json!(["stop", "wipe"]),
        json!(null),
    ] {
        refused(&json!({"version": 1, "files": [], "ops": [{"linux_builder_service": action}]}));
    }
    let twice = json!([{"linux_builder_service": "wipe"}, {"linux_builder_service": "wipe"}]);
    assert!(refused_with("/ops", twice).contains("same thing"));
    refused_with("/files", json!([{"file": "linux_builder_disk", "seen": "absent"}]));
}

#[test]
fn look_alike_unicode() {
    // a Cyrillic k, a full-width slash, a zero-width space, a right-to-left mark
    for feature in ["\u{43a}vm", "\u{ff0f}etc", "kv\u{200b}m", "\u{202e}mvk"] {
        refused_with("/ops/0/machine/features", json!([feature]));
        refused_with("/ops/2/nix_setting/extra_trusted_users", json!([feature]));
    }
    refused_with("/ops/0/machine/builder", json!("a\u{430}rch64"));
    refused_with("/ops/0/machine/systems", json!(["\u{430}arch64-linux"]));
    refused_with("/ops/0/machine/host_key", json!(HOST_KEY.replace("AAAAC3", "\u{410}AAAC3")));
}

#[test]
fn numbers_out_of_range() {
    for port in [json!(0), json!(65536), json!(-1), json!(22.5), json!("22")] {
        refused_with("/ops/1/ssh_host/port", port);
    }
    refused_with("/ops/0/machine/max_jobs", json!(0));
}

#[test]
fn oversized_plan() {
    let long = "A".repeat(64 * 1024 + 4);
    assert!(refused_as(&by_hand(&["apply", &long]), Code::Usage).contains("too long"));
    // one that fits, and is all repetition
    let many: Vec<Value> = (0..17).map(|_| json!("builder_key")).collect();
    assert!(refused_with("/ops", json!(many)).contains("17 operations"));
    let nested = format!("{}1{}", "[".repeat(10_000), "]".repeat(10_000));
    refused_as(&by_hand(&["apply", &STANDARD.encode(nested)]), Code::Usage);
}

#[test]
fn garbage_instead_of_base64() {
    for text in ["", "{}", "e30", "e30=\n", "\u{202e}"] {
        refused_as(&by_hand(&["apply", text]), Code::Usage);
    }
}

#[test]
fn a_plan_replayed_after_undo() {
    let s = Sandbox::new();
    s.file("etc/nix/machines", "ssh://mac\n");
    let before = s.tree();
    let plan = s.plan(&all_ops());
    // the kernel notes the time of a change in steps of a few milliseconds: the undo has to fall into a later one
    wait_until_the_kernels_clock_passes(plan.made_at.unwrap());
    assert_eq!(apply(&s.root, &plan, &FakeDaemon::default()).problem, None);
    assert_eq!(undo(&s.root).outcome, Outcome::Undone);
    assert_eq!(s.tree(), before, "the hashes alone do not tell");

    let replayed = apply(&s.root, &plan, &FakeDaemon::default());
    assert_eq!(replayed.outcome, Outcome::Failed);
    assert_eq!(replayed.problem.unwrap().code, Code::FileChanged);
    assert_eq!(s.tree(), before);
    assert_eq!(apply(&s.root, &s.plan(&all_ops()), &FakeDaemon::default()).outcome, Outcome::Applied);
}

#[test]
fn a_plan_replayed_after_an_undo_that_removed_the_folder() {
    let s = Sandbox::new();
    fs::remove_dir(s.path("etc/nix")).unwrap();
    let plan = s.plan(&support::host_ops(igloo_protocol::BuilderId::X86_64, 31023, 1)[..1]);
    wait_until_the_kernels_clock_passes(plan.made_at.unwrap());
    assert_eq!(apply(&s.root, &plan, &FakeDaemon::default()).problem, None);
    assert_eq!(undo(&s.root).outcome, Outcome::Undone);
    assert!(!s.path("etc/nix").exists());
    let replayed = apply(&s.root, &plan, &FakeDaemon::default());
    assert_eq!(replayed.problem.unwrap().code, Code::FileChanged);
}

#[test]
fn a_plan_of_long_ago() {
    let s = Sandbox::new();
    let hour = 3600 * 1_000_000;
    let now = s.plan(&all_ops());
    for made_at in [None, Some(0), now.made_at.map(|t| t - hour - 1), now.made_at.map(|t| t + hour)] {
        let before = s.tree();
        let report = apply(&s.root, &Plan { made_at, ..now.clone() }, &FakeDaemon::default());
        assert_eq!(report.problem.unwrap().code, Code::NotConfirmed, "{made_at:?}");
        assert_eq!(s.tree(), before);
    }
}

/// Until the kernel would note a later time than `micros` (since 1970) for a change.
fn wait_until_the_kernels_clock_passes(micros: u64) {
    use std::os::unix::fs::MetadataExt;
    let dir = tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).unwrap();
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(10);
    loop {
        fs::write(dir.path().join("now"), "").unwrap();
        let meta = dir.path().join("now").metadata().unwrap();
        if u64::try_from(meta.ctime() * 1_000_000 + meta.ctime_nsec() / 1_000).unwrap() > micros {
            return;
        }
        assert!(std::time::Instant::now() < deadline, "the clock stands still");
        std::thread::yield_now();
    }
}
