//! The real binary on the real `/etc`, in a mount namespace where `/etc` is a copy and `/var/lib` is
//! empty, with ssh itself as the reader of what was written. Runs as root on Linux.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, clippy::panic, missing_docs)]

mod support;

use igloo_admin::{Root, elevate::Verb};
use igloo_protocol::plan::{Outcome, Report, StepState};
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::os::unix::process::CommandExt;
use std::process::Command;
use support::{all_ops, binary, namespace};

#[test]
fn the_real_binary_sets_up_what_ssh_then_reads_and_takes_it_back() {
    namespace::inside(
        "the_real_binary_sets_up_what_ssh_then_reads_and_takes_it_back",
        sets_up_and_takes_back,
    );
}

fn sets_up_and_takes_back() {
    fs::create_dir_all("/etc/nix").unwrap();
    fs::write("/etc/nix/machines", "# the user's own\nssh://mac x86_64-darwin").unwrap();
    let before = namespace::everything();

    let plan = igloo_admin::plan(&Root::system(), &all_ops()).unwrap();
    let report = admin(Verb::Apply(&plan));
    assert_eq!((report.outcome, report.problem), (Outcome::Applied, None));
    assert!(report.steps.iter().all(|s| s.state == StepState::Done));
    let key = report.public_key.unwrap();
    assert_eq!(fs::read_to_string("/etc/nix/igloo_builder_ed25519.pub").unwrap().trim(), key);
    assert_eq!(mode("/etc/nix/igloo_builder_ed25519"), 0o600);
    assert_eq!(mode("/etc/nix/machines"), 0o644);
    assert_eq!(mode("/etc/ssh/ssh_config.d/100-igloo-aarch64.conf"), 0o644);
    assert_eq!((mode("/var/lib/igloo"), mode("/var/lib/igloo/ssh")), (0o700, 0o700));
    let machines = fs::read_to_string("/etc/nix/machines").unwrap();
    assert!(machines.starts_with("# the user's own\nssh-ng://builder@linux-builder "), "{machines}");
    // a last line without a newline stays as it is
    assert!(machines.ends_with("\nssh://mac x86_64-darwin"), "{machines}");
    assert_eq!(machines.lines().count(), 4);
    ssh_reads_it();

    // the same words again change nothing
    let again = igloo_admin::plan(&Root::system(), &all_ops()).unwrap();
    assert_eq!(admin(Verb::Apply(&again)).outcome, Outcome::Unchanged);
    assert!(admin(Verb::Status).steps.iter().all(|s| s.state == StepState::InPlace));

    // the first plan saw another world
    assert_eq!(admin(Verb::Apply(&plan)).problem.unwrap().code, igloo_protocol::Code::FileChanged);

    let undone = admin(Verb::Undo);
    assert_eq!((undone.outcome, undone.problem), (Outcome::Undone, None));
    assert_eq!(namespace::everything(), before);
    assert_eq!(admin(Verb::Undo).outcome, Outcome::NothingToUndo);
}

fn ssh_reads_it() {
    let root = ssh_config("linux-builder", 0);
    for line in [
        "hostname 127.0.0.1",
        "port 31022",
        "user builder",
        "hostkeyalias linux-builder",
        "identityfile /etc/nix/igloo_builder_ed25519",
        "identitiesonly yes",
        "controlmaster auto",
        "controlpersist 60",
    ] {
        assert!(root.lines().any(|l| l == line), "{line}\n{root}");
    }
    assert!(root.contains("controlpath /var/lib/igloo/ssh/"), "{root}");
    let other = ssh_config("linux-builder-x86_64", 0);
    assert!(
        other.contains("port 31023\n") && other.contains("hostkeyalias linux-builder-x86_64\n"),
        "{other}"
    );

    assert!(other.contains("controlmaster false"), "not shared unless asked for: {other}");

    // another user gets the address, and neither root's key nor root's sockets
    let nobody = ssh_config("linux-builder", 65534);
    assert!(nobody.contains("port 31022\n"), "{nobody}");
    assert!(!nobody.contains("igloo") && nobody.contains("controlmaster false"), "{nobody}");
    // and no other host is touched
    assert!(!ssh_config("example.org", 0).contains("igloo"));

    // without the sockets' folder there is a connection each, and no error
    fs::rename("/var/lib/igloo/ssh", "/var/lib/igloo/gone").unwrap();
    let bare = ssh_config("linux-builder", 0);
    assert!(bare.contains("controlmaster false") && !bare.contains("controlpath"), "{bare}");
    assert!(bare.contains("identityfile /etc/nix/igloo_builder_ed25519\n"), "{bare}");
    fs::rename("/var/lib/igloo/gone", "/var/lib/igloo/ssh").unwrap();
}

/// The options that ssh would use for a host, as a user.
fn ssh_config(host: &str, uid: u32) -> String {
    let output = Command::new("/usr/bin/ssh")
        .args(["-G", host])
        .env_clear()
        .current_dir("/")
        .uid(uid)
        .gid(uid)
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

fn admin(verb: Verb<'_>) -> Report {
    let words = match verb {
        Verb::Apply(plan) => vec!["apply".to_owned(), igloo_admin::encode(plan).unwrap()],
        Verb::Undo => vec!["undo".to_owned()],
        Verb::Status => vec!["status".to_owned()],
    };
    binary::report(&binary::by_hand(&words.iter().map(String::as_str).collect::<Vec<_>>()))
}

fn mode(path: &str) -> u32 {
    fs::metadata(path).unwrap().mode() & 0o7777
}
