//! Apply and undo in a root folder of the test's own.
#![allow(clippy::unwrap_used, clippy::panic, missing_docs)]

mod support;

use igloo_admin::{Platform, apply, describe, diff, status, undo};
use igloo_protocol::plan::{Operation, Outcome, Report, StepState};
use igloo_protocol::{BuilderId, Code};
use proptest::prelude::*;
use std::fs;
use support::{FakeDaemon, Sandbox, all_ops, host_ops};

const A: BuilderId = BuilderId::Aarch64;
const X: BuilderId = BuilderId::X86_64;

fn run(sandbox: &Sandbox, ops: &[Operation]) -> Report {
    apply(&sandbox.root, &sandbox.plan(ops), &FakeDaemon::default())
}

#[test]
fn both_builders_are_set_up_and_undone_to_the_byte() {
    let s = Sandbox::new();
    s.file("etc/nix/machines", "# mine\nssh://mac x86_64-darwin");
    s.chmod(&s.path("etc/nix/machines"), 0o600);
    fs::File::open(s.path("etc/nix/machines")).unwrap().set_modified(std::time::UNIX_EPOCH).unwrap();
    let before = s.tree();

    let report = run(&s, &all_ops());
    assert_eq!((report.outcome, &report.problem), (Outcome::Applied, &None));
    assert!(report.public_key.unwrap().starts_with("ssh-ed25519 AAAA"));
    let machines = s.read("etc/nix/machines");
    let lines: Vec<_> = machines.lines().map(|l| l.split(' ').next().unwrap()).collect();
    assert_eq!(
        lines,
        ["#", "ssh-ng://builder@linux-builder", "ssh-ng://builder@linux-builder-x86_64", "ssh://mac"]
    );
    let modes = ["etc/nix/machines", "etc/nix/igloo_builder_ed25519", "etc/nix/igloo_builder_ed25519.pub"];
    assert_eq!(modes.map(|p| s.mode(p)), [0o600, 0o600, 0o644]);
    let own = ["var/lib/igloo", "var/lib/igloo/ssh", "var/lib/igloo/receipt.json"];
    assert_eq!(own.map(|p| s.mode(p)), [0o700, 0o700, 0o600]);
    assert!(status(&s.root).steps.iter().all(|step| step.state == StepState::InPlace));
    assert!(!s.read("var/lib/igloo/receipt.json").contains("PRIVATE KEY"));

    let undone = undo(&s.root);
    assert_eq!((undone.outcome, undone.problem), (Outcome::Undone, None));
    assert_eq!(s.tree(), before);
    assert_eq!(undo(&s.root).outcome, Outcome::NothingToUndo);
    assert_eq!(s.tree(), before);
}

#[test]
fn folders_that_were_missing_are_made_and_removed() {
    let s = Sandbox::of(Platform::MacOs);
    fs::remove_dir(s.path("private/etc/nix")).unwrap();
    fs::remove_dir(s.path("private/etc/ssh/ssh_config.d")).unwrap();
    let before = s.tree();
    assert_eq!(run(&s, &all_ops()).problem, None);
    assert_eq!(s.mode("private/etc/nix"), 0o755);
    assert!(s.path("private/var/db/igloo/ssh").is_dir());
    // as ssh leaves it while a connection is shared
    let _socket = std::os::unix::net::UnixListener::bind(s.path("private/var/db/igloo/ssh/c")).unwrap();
    assert_eq!(undo(&s.root).outcome, Outcome::Undone);
    assert_eq!(s.tree(), before);
}

#[test]
fn a_folder_that_others_use_by_now_stays() {
    let s = Sandbox::new();
    fs::remove_dir(s.path("etc/nix")).unwrap();
    assert_eq!(run(&s, &host_ops(A, 1, 1)).problem, None);
    s.file("etc/nix/nix.conf", "cores = 1\n");
    let undone = undo(&s.root);
    assert_eq!((undone.outcome, undone.problem), (Outcome::Undone, None));
    assert_eq!(fs::read_dir(s.path("etc/nix")).unwrap().count(), 1);
    assert!(!s.path("var/lib/igloo").exists());
}

#[test]
fn a_second_apply_changes_nothing() {
    let s = Sandbox::new();
    assert_eq!(run(&s, &all_ops()).outcome, Outcome::Applied);
    let after = s.tree();
    let plan = s.plan(&all_ops());
    assert_eq!(diff(&s.root, &plan).unwrap(), "");
    let report = apply(&s.root, &plan, &FakeDaemon::default());
    assert_eq!((report.outcome, report.problem), (Outcome::Unchanged, None));
    assert!(report.steps.iter().all(|step| step.state == StepState::Unchanged));
    assert_eq!(s.tree(), after);
}

#[test]
fn a_missing_public_half_is_made_again_from_the_private_one() {
    let s = Sandbox::new();
    let first = run(&s, &[Operation::BuilderKey]).public_key.unwrap();
    fs::remove_file(s.path("etc/nix/igloo_builder_ed25519.pub")).unwrap();
    let again = run(&s, &[Operation::BuilderKey]).public_key.unwrap();
    let key = |line: &str| line.split(' ').nth(1).unwrap().to_owned();
    assert_eq!(key(&first), key(&again));
}

#[test]
fn the_plan_is_shown_before_and_reads_only() {
    let s = Sandbox::new();
    s.file("etc/nix/machines", "ssh://mac\n");
    let before = s.tree();
    let plan = s.plan(&all_ops());
    let text = diff(&s.root, &plan).unwrap();
    assert!(text.contains("--- /etc/nix/machines\n+++ /etc/nix/machines\n"), "{text}");
    assert!(text.contains(" ssh://mac\n+ssh-ng://builder@linux-builder aarch64-linux"), "{text}");
    assert!(text.contains("--- /dev/null\n+++ /etc/ssh/ssh_config.d/100-igloo-x86_64.conf"), "{text}");
    assert!(text.contains("+(a new ed25519 private key, readable by root alone)"), "{text}");
    let words = describe(&plan);
    assert_eq!(words.len(), 5);
    assert!(words[0].contains("key pair") && words[4].contains("linux-builder-x86_64"), "{words:?}");
    assert_eq!(s.tree(), before);
    assert_eq!(plan.warnings, Vec::<String>::new());
}

#[test]
fn settings_that_make_the_change_useless_are_said_in_the_plan() {
    let s = Sandbox::new();
    s.file("etc/nix/nix.conf", "builders =\n");
    s.file("etc/ssh/ssh_config", "Host *\n");
    let warnings = s.plan(&all_ops()).warnings;
    assert_eq!(warnings.len(), 2, "{warnings:?}");
    assert!(warnings[0].contains("builders =") && warnings[1].contains("ssh_config.d"), "{warnings:?}");
}

#[test]
fn a_file_edited_since_is_left_alone_and_the_rest_undone() {
    let s = Sandbox::new();
    let before = s.tree();
    run(&s, &all_ops());
    let edited = s.read("etc/nix/machines") + "ssh://mine\n";
    s.file("etc/nix/machines", &edited);

    let report = undo(&s.root);
    assert_eq!(report.outcome, Outcome::PartlyUndone);
    assert_eq!(report.problem.unwrap().code, Code::FileChanged);
    assert_eq!(s.read("etc/nix/machines"), edited);
    assert!(!s.path("etc/nix/igloo_builder_ed25519").exists());
    let left = status(&s.root).steps;
    assert_eq!(
        left.iter().map(|l| (l.what.as_str(), l.state)).collect::<Vec<_>>(),
        [("/etc/nix/machines", StepState::Edited)]
    );

    // the user takes Igloo's lines out; undo then has nothing left to hold on to
    s.file("etc/nix/machines", "ssh://mine\n");
    assert_eq!(undo(&s.root).outcome, Outcome::Undone);
    fs::remove_file(s.path("etc/nix/machines")).unwrap();
    assert_eq!(s.tree(), before);
}

#[test]
fn what_fails_is_rolled_back_and_an_earlier_set_up_stays() {
    let s = Sandbox::of(Platform::MacOs);
    s.folder("Library/LaunchDaemons");
    s.file("Library/LaunchDaemons/systems.determinate.nix-daemon.plist", "");
    run(&s, &host_ops(A, 31022, 4));
    let before = s.tree();
    let mut ops = all_ops();
    ops.push(Operation::RestartNixDaemon);
    let daemon = FakeDaemon { fails: true, ..FakeDaemon::default() };
    let report = apply(&s.root, &s.plan(&ops), &daemon);
    assert_eq!((report.outcome, report.problem.unwrap().code), (Outcome::Failed, Code::AdminFailed));
    assert_eq!(*daemon.ran.borrow(), ["/bin/launchctl kickstart -k system/systems.determinate.nix-daemon"]);
    let states: Vec<_> = report.steps.iter().map(|step| step.state).collect();
    use StepState::{Failed, RolledBack, Unchanged};
    assert_eq!(states, [RolledBack, Unchanged, RolledBack, Unchanged, RolledBack, Failed]);
    let receipt = s.path("private/var/db/igloo/receipt.json");
    // the receipt is written anew on the way; its content is the same
    let but_for_time = |mut tree: std::collections::BTreeMap<_, String>| {
        tree.insert(receipt.clone(), fs::read_to_string(&receipt).unwrap());
        tree
    };
    assert_eq!(but_for_time(s.tree()), but_for_time(before));
}

#[test]
fn the_daemon_is_restarted_only_when_asked() {
    let s = Sandbox::new();
    s.folder("run/systemd/system");
    s.folder("lib/systemd/system");
    s.file("lib/systemd/system/nix-daemon.service", "");
    let daemon = FakeDaemon::default();
    apply(&s.root, &s.plan(&all_ops()), &daemon);
    assert!(daemon.ran.borrow().is_empty());
    apply(&s.root, &s.plan(&[Operation::RestartNixDaemon]), &daemon);
    assert_eq!(*daemon.ran.borrow(), ["/bin/systemctl restart nix-daemon.service"]);
}

#[test]
fn a_run_that_was_killed_leaves_nothing_that_undo_can_not_mend() {
    let s = Sandbox::new();
    s.file("etc/nix/machines", "ssh://mac\n");
    let before = s.tree();
    run(&s, &all_ops());
    // killed between the receipt and the file, and in the middle of making a key and a file
    s.file("etc/nix/machines", "ssh://mac\n");
    let mtime = before[&s.path("etc/nix/machines")].split(' ').nth(2).unwrap().parse::<u64>().unwrap();
    let time = std::time::UNIX_EPOCH + std::time::Duration::from_secs(mtime);
    fs::File::open(s.path("etc/nix/machines")).unwrap().set_modified(time).unwrap();
    s.folder("etc/nix/.igloo-0123456789abcdef");
    s.file("etc/nix/.igloo-0123456789abcdef/key", "secret");
    s.file("etc/nix/.igloo-fedcba9876543210", "half");
    let plan = s.plan(&all_ops());
    assert_eq!(apply(&s.root, &plan, &FakeDaemon::default()).outcome, Outcome::Applied);
    assert!(!s.path("etc/nix/.igloo-0123456789abcdef").exists());
    let undone = undo(&s.root);
    assert_eq!((undone.outcome, undone.problem), (Outcome::Undone, None));
    assert_eq!(s.tree(), before);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]
    #[test]
    fn undo_after_apply_is_nothing(text in proptest::option::of("[ -~\n;#é]{0,80}"), jobs in 1u16..9, apart: bool) {
        let s = Sandbox::new();
        if let Some(text) = &text {
            s.file("etc/nix/machines", text);
        }
        let before = s.tree();
        let (a, x) = (host_ops(A, 31022, jobs), host_ops(X, 31023, jobs));
        let parts = if apart { vec![a, x] } else { vec![[a, x].concat()] };
        for ops in parts {
            let report = run(&s, &ops);
            prop_assert_eq!((report.outcome, report.problem), (Outcome::Applied, None));
        }
        prop_assert_eq!(undo(&s.root).outcome, Outcome::Undone);
        prop_assert_eq!(s.tree(), before);
    }
}
