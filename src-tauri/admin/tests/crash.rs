//! Crash safety: a child process does the work and is killed (SIGKILL) before every one of its effects in
//! turn. After each kill every file is whole, and both ways out work: undo, and the same thing again.
#![allow(clippy::unwrap_used, clippy::panic, missing_docs)]

mod support;

use igloo_admin::daemon::DaemonControl;
use igloo_admin::{Platform, apply, install, undo};
use igloo_protocol::BuilderId;
use igloo_protocol::plan::{NixSetting, Operation, Outcome};
use std::fs;
use support::crash::{self, Scenario};
use support::{FakeDaemon, Sandbox, all_ops, host_ops};

/// The same under other ports and with other numbers of jobs, and a restart at the end.
fn other_ops() -> Vec<Operation> {
    let mut ops =
        vec![Operation::BuilderKey, Operation::NixSetting(NixSetting::BuildersUseSubstitutes(true))];
    ops.extend(host_ops(BuilderId::Aarch64, 4022, 1));
    ops.extend(host_ops(BuilderId::X86_64, 4023, 8));
    ops.push(Operation::RestartNixDaemon);
    ops
}

/// A system with a user's own lines and, on macOS, without the folders that Igloo needs.
fn system(platform: Platform) -> Sandbox {
    let s = Sandbox::of(platform);
    if platform == Platform::MacOs {
        fs::remove_dir(s.path("private/etc/nix")).unwrap();
        fs::remove_dir(s.path("private/etc/ssh/ssh_config.d")).unwrap();
        s.folder("Library/LaunchDaemons");
        s.file("Library/LaunchDaemons/org.nixos.nix-daemon.plist", "");
    } else {
        s.folder("nix/store");
        s.file("etc/nix/nix.conf", "cores = 2\n");
        s.file("etc/nix/machines", "# mine\nssh://mac x86_64-darwin");
        s.chmod(&s.path("etc/nix/machines"), 0o600);
        fs::File::open(s.path("etc/nix/machines")).unwrap().set_modified(std::time::UNIX_EPOCH).unwrap();
    }
    s
}

fn set_up(s: &Sandbox, ops: &[Operation], daemon: &dyn DaemonControl) {
    let report = apply(&s.root, &s.plan(ops), daemon);
    assert_ne!(report.outcome, Outcome::PartlyUndone, "{report:?}");
}

fn first(s: &Sandbox) {
    set_up(s, &all_ops(), &FakeDaemon::default());
}

fn second(s: &Sandbox) {
    set_up(s, &other_ops(), &FakeDaemon::default());
}

fn rolled_back(s: &Sandbox) {
    let failing = FakeDaemon { fails: true, ..FakeDaemon::default() };
    set_up(s, &other_ops(), &failing);
}

fn taken_back(s: &Sandbox) {
    assert_eq!(undo(&s.root).problem, None);
}

fn nothing(_: &Sandbox) {}

fn install_bytes(s: &Sandbox, bytes: &[u8]) {
    let report = install(&s.root, bytes, &support::hash(bytes));
    assert_eq!(report.problem, None, "{report:?}");
}

fn installed(s: &Sandbox) {
    install_bytes(s, b"igloo-admin");
}

fn updated(s: &Sandbox) {
    install_bytes(s, b"a newer igloo-admin");
}

/// What the child is to do, by name.
const SCENARIOS: [Scenario; 7] = [
    Scenario {
        name: "first_set_up",
        platform: Platform::Linux,
        system,
        base: nothing,
        run: first,
        again: first,
    },
    Scenario {
        name: "set_up_where_the_folders_are_missing",
        platform: Platform::MacOs,
        system,
        base: nothing,
        run: first,
        again: first,
    },
    Scenario {
        name: "change_of_a_set_up",
        platform: Platform::Linux,
        system,
        base: first,
        run: second,
        again: second,
    },
    Scenario {
        name: "set_up_that_fails_and_is_taken_back",
        platform: Platform::MacOs,
        system,
        base: first,
        run: rolled_back,
        again: second,
    },
    Scenario {
        name: "undo",
        platform: Platform::Linux,
        system,
        base: |s| {
            first(s);
            installed(s);
            second(s);
        },
        run: taken_back,
        again: |s| {
            installed(s);
            second(s);
        },
    },
    Scenario {
        name: "first_install",
        platform: Platform::MacOs,
        system,
        base: nothing,
        run: installed,
        again: installed,
    },
    Scenario {
        name: "update_of_the_installed",
        platform: Platform::Linux,
        system,
        base: |s| {
            first(s);
            installed(s);
        },
        run: updated,
        again: updated,
    },
];

/// The child: does nothing unless the parent says what.
#[test]
fn child() {
    crash::child(&SCENARIOS);
}

#[test]
fn killed_at_every_step_of_a_first_set_up() {
    crash::survives(&SCENARIOS[0]);
}

#[test]
fn killed_at_every_step_of_a_set_up_where_the_folders_are_missing() {
    crash::survives(&SCENARIOS[1]);
}

#[test]
fn killed_at_every_step_of_a_change() {
    crash::survives(&SCENARIOS[2]);
}

#[test]
fn killed_at_every_step_of_a_set_up_that_fails_and_is_taken_back() {
    crash::survives(&SCENARIOS[3]);
}

#[test]
fn killed_at_every_step_of_an_undo() {
    crash::survives(&SCENARIOS[4]);
}

#[test]
fn killed_at_every_step_of_an_install() {
    crash::survives(&SCENARIOS[5]);
}

#[test]
fn killed_at_every_step_of_an_update_of_the_installed() {
    crash::survives(&SCENARIOS[6]);
}
