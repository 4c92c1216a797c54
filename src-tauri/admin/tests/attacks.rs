//! What an attacker with the user's account might try, in a root folder of the test's own. Each test is
//! named for what it tries.
#![allow(clippy::unwrap_used, clippy::panic, missing_docs)]

mod support;

use igloo_admin::{apply, plan, undo};
use igloo_protocol::plan::{ManagedFile, Operation, Outcome, Plan};
use igloo_protocol::{BuilderId, Code, Problem};
use std::cell::RefCell;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use support::{FakeDaemon, Sandbox, all_ops, host_ops};

/// Makes the plan, lets the attacker act, applies: must be refused with nothing changed.
fn refused_after(attack: impl FnOnce(&Sandbox)) -> Problem {
    let s = Sandbox::new();
    s.file("etc/nix/machines", "ssh://mac\n");
    s.file("victim", "victim\n");
    let plan = s.plan(&all_ops());
    attack(&s);
    refused(&s, &plan)
}

fn refused(s: &Sandbox, plan: &Plan) -> Problem {
    let before = s.tree();
    let report = apply(&s.root, plan, &FakeDaemon::default());
    assert_eq!(report.outcome, Outcome::Failed);
    assert_eq!(s.tree(), before);
    report.problem.unwrap()
}

#[test]
fn symlinked_target() {
    let problem = refused_after(|s| {
        fs::remove_file(s.path("etc/nix/machines")).unwrap();
        symlink("../../victim", s.path("etc/nix/machines")).unwrap();
    });
    assert_eq!(problem.code, Code::NotManaged);
}

#[test]
fn dangling_symlink_where_a_file_would_be_made() {
    let problem = refused_after(|s| {
        symlink("/nowhere", s.path("etc/ssh/ssh_config.d/100-igloo-aarch64.conf")).unwrap();
    });
    assert_eq!(problem.code, Code::NotManaged);
}

#[test]
fn symlinked_parent() {
    let problem = refused_after(|s| {
        fs::rename(s.path("etc/nix"), s.path("etc/other")).unwrap();
        symlink("other", s.path("etc/nix")).unwrap();
    });
    assert_eq!(problem.code, Code::NotManaged);
}

#[test]
fn symlinked_state_folder() {
    let problem = refused_after(|s| {
        s.folder("elsewhere");
        symlink("../../elsewhere", s.path("var/lib/igloo")).unwrap();
    });
    assert_eq!(problem.code, Code::NotManaged);
}

#[test]
fn world_writable_ancestor() {
    for folder in ["etc", "etc/nix", "etc/ssh/ssh_config.d", "var/lib"] {
        let problem = refused_after(|s| s.chmod(&s.path(folder), 0o777));
        assert_eq!(problem.code, Code::AdminFailed, "{folder}");
        assert!(problem.message.contains("writable by others"), "{problem}");
    }
}

#[test]
fn group_writable_target() {
    let problem = refused_after(|s| s.chmod(&s.path("etc/nix/machines"), 0o664));
    assert!(problem.message.contains("writable by others"), "{problem}");
}

#[test]
fn hard_linked_target() {
    let problem = refused_after(|s| fs::hard_link(s.path("etc/nix/machines"), s.path("second")).unwrap());
    assert!(problem.message.contains("hard link"), "{problem}");
}

#[test]
fn fifo_as_target() {
    let problem = refused_after(|s| {
        fs::remove_file(s.path("etc/nix/machines")).unwrap();
        assert!(
            std::process::Command::new("mkfifo").arg(s.path("etc/nix/machines")).status().unwrap().success()
        );
    });
    assert!(problem.message.contains("not a regular file"), "{problem}");
}

#[test]
fn target_of_another_owner() {
    if !rustix::process::geteuid().is_root() {
        println!("skipped: only root can give a file away");
        return;
    }
    let problem = refused_after(|s| {
        std::os::unix::fs::chown(s.path("etc/nix/machines"), Some(65534), None).unwrap();
    });
    assert!(problem.message.contains("does not belong to root"), "{problem}");
}

#[test]
fn file_changed_between_plan_and_apply() {
    assert_eq!(refused_after(|s| s.file("etc/nix/machines", "ssh://mac \n")).code, Code::FileChanged);
    assert_eq!(
        refused_after(|s| fs::remove_file(s.path("etc/nix/machines")).unwrap()).code,
        Code::FileChanged
    );
    let made = refused_after(|s| s.file("etc/nix/igloo_builder_ed25519", "mine"));
    assert_eq!(made.code, Code::FileChanged);
}

/// What the attacker does, given the top folder.
type Act = fn(&Path);

thread_local! {
    /// How many renames there still are before the attacker acts, where, and what they do.
    static ATTACK: RefCell<Option<(usize, PathBuf, Act)>> = const { RefCell::new(None) };
}

/// Lets the attacker act in the middle of an apply: the fourth rename is that of the machines file, after the alias
/// and a receipt for each.
fn watch(step: &'static str) {
    if step == "rename" {
        ATTACK.with_borrow_mut(|attack| match attack.take() {
            Some((0, top, act)) => act(&top),
            Some((left, top, act)) => *attack = Some((left - 1, top, act)),
            None => {}
        });
    }
}

#[test]
fn file_swapped_while_it_is_written() {
    let attacks: [(Act, Code); 4] = [
        (|top| fs::write(top.join("etc/nix/machines"), "ssh://evil\n").unwrap(), Code::FileChanged),
        (|top| fs::remove_file(top.join("etc/nix/machines")).unwrap(), Code::FileChanged),
        (
            |top| {
                fs::remove_file(top.join("etc/nix/machines")).unwrap();
                symlink("../../victim", top.join("etc/nix/machines")).unwrap();
            },
            Code::NotManaged,
        ),
        (
            |top| {
                fs::remove_file(top.join("etc/nix/machines")).unwrap();
                fs::hard_link(top.join("victim"), top.join("etc/nix/machines")).unwrap();
            },
            Code::AdminFailed,
        ),
    ];
    for (act, code) in attacks {
        let s = Sandbox::new();
        s.file("etc/nix/machines", "ssh://mac\n");
        s.file("victim", "ssh://mac\n");
        let mut wanted = s.tree();
        let plan = s.plan(&host_ops(BuilderId::X86_64, 31023, 1));
        ATTACK.set(Some((3, s.path(""), act)));
        let report = apply(&s.root.clone().watched(watch), &plan, &FakeDaemon::default());
        assert!(ATTACK.with_borrow(Option::is_none), "the attacker had their turn");
        assert_eq!((report.outcome, report.problem.unwrap().code), (Outcome::Failed, code));
        assert_eq!(s.read("victim"), "ssh://mac\n");
        // all but what the attacker did is as it was
        let mut left = s.tree();
        for path in ["etc/nix/machines", "victim", "var/lib/igloo", "var/lib/igloo/receipt.json"] {
            left.remove(&s.path(path));
            wanted.remove(&s.path(path));
        }
        assert_eq!(left, wanted);
    }
}

#[test]
fn a_key_that_others_can_read_is_not_taken() {
    let s = Sandbox::new();
    s.file("etc/nix/igloo_builder_ed25519", "mine");
    let plan = s.plan(&[Operation::BuilderKey]);
    assert!(refused(&s, &plan).message.contains("no secret any more"));
}

#[test]
fn a_plan_that_hides_what_it_saw() {
    let s = Sandbox::new();
    let mut plan = s.plan(&all_ops());
    plan.files.retain(|f| f.file != ManagedFile::Machines);
    assert_eq!(refused(&s, &plan).code, Code::Usage);
}

#[test]
fn a_second_helper_at_the_same_time() {
    let s = Sandbox::new();
    s.folder("var/lib/igloo");
    s.chmod(&s.path("var/lib/igloo"), 0o700);
    let plan = s.plan(&all_ops());
    let other = fs::File::open(s.path("var/lib/igloo")).unwrap();
    other.try_lock().unwrap();
    assert!(refused(&s, &plan).message.contains("Another igloo-admin"));
    assert_eq!(undo(&s.root).problem.unwrap().code, Code::AdminFailed);
    other.unlock().unwrap();
    assert_eq!(apply(&s.root, &plan, &FakeDaemon::default()).outcome, Outcome::Applied);
}

#[test]
fn undo_through_a_symlink() {
    let s = Sandbox::new();
    apply(&s.root, &s.plan(&host_ops(BuilderId::Aarch64, 1, 1)), &FakeDaemon::default());
    fs::rename(s.path("etc/nix/machines"), s.path("victim")).unwrap();
    symlink("../../victim", s.path("etc/nix/machines")).unwrap();
    let victim = s.read("victim");
    let report = undo(&s.root);
    assert_eq!((report.outcome, report.problem.unwrap().code), (Outcome::PartlyUndone, Code::NotManaged));
    assert_eq!(s.read("victim"), victim);
}

#[test]
fn places_that_nix_darwin_manages_are_refused_in_the_plan() {
    let generated =
        "# WARNING: this file is generated from the nix.* options in\n# your NixOS configuration\n";
    let s = Sandbox::new();
    s.file("etc/nix/nix.conf", generated);
    assert_eq!(plan(&s.root, &all_ops()).unwrap_err().code, Code::NotManaged);
    for file in ["nix.conf", "machines"] {
        let s = Sandbox::new();
        symlink("/etc/static/nix/x", s.path(&format!("etc/nix/{file}"))).unwrap();
        let problem = plan(&s.root, &all_ops()).unwrap_err();
        assert_eq!(problem.code, Code::NotManaged);
        assert!(problem.remedy.contains("nix.buildMachines"), "{}", problem.remedy);
    }
}

#[test]
fn a_broken_receipt_stops_everything() {
    for text in [
        "",
        "{}",
        r#"{"version":2,"changes":[]}"#,
        r#"{"version":1,"changes":[{"file":{"file":"/etc/passwd"}}]}"#,
    ] {
        let s = Sandbox::new();
        s.folder("var/lib/igloo");
        s.chmod(&s.path("var/lib/igloo"), 0o700);
        s.file("var/lib/igloo/receipt.json", text);
        let plan = s.plan(&all_ops());
        assert!(refused(&s, &plan).message.contains("receipt"), "{text}");
        assert_eq!(undo(&s.root).outcome, Outcome::Failed, "{text}");
    }
}
