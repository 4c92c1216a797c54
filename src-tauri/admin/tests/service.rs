//! nix-darwin's own Linux builder, stopped, wiped and started, on a Mac of the test's own with a launchd that is none.
#![allow(clippy::unwrap_used, clippy::panic, missing_docs)]

mod support;

use igloo_admin::{Platform, apply, describe, diff, plan, undo};
use igloo_protocol::Code;
use igloo_protocol::plan::{Operation, Outcome, Plan, Report, ServiceAction, StepState};
use std::fs;
use std::os::unix::fs::symlink;
use support::Sandbox;
use support::launchd::{FakeLaunchd, JOB, PRINT, mac};

const DISK: &str = "private/var/lib/linux-builder/nixos.qcow2";

const STOP: Operation = Operation::LinuxBuilderService(ServiceAction::Stop);
const WIPE: Operation = Operation::LinuxBuilderService(ServiceAction::Wipe);
const START: Operation = Operation::LinuxBuilderService(ServiceAction::Start);

fn run(s: &Sandbox, launchd: &FakeLaunchd, ops: &[Operation]) -> Report {
    apply(&s.root, &s.plan(ops), launchd)
}

fn states(report: &Report) -> Vec<StepState> {
    report.steps.iter().map(|step| step.state).collect()
}

#[test]
fn a_stop_powers_the_guest_off_and_then_ends_the_job() {
    let (s, launchd) = (mac(), FakeLaunchd::running());
    let before = s.tree();
    let report = run(&s, &launchd, &[STOP]);
    assert_eq!((report.outcome, &report.problem), (Outcome::Applied, &None));
    let ran = launchd.changes();
    assert!(ran[0].starts_with("/usr/bin/ssh ") && ran[0].ends_with(" 127.0.0.1 shutdown now"), "{ran:?}");
    assert_eq!(ran[1..], ["/bin/launchctl bootout system/org.nixos.linux-builder"]);
    assert!(launchd.was_clean(), "the guest was off when its machine was ended");
    assert_eq!(s.tree(), before, "nothing on the disk tells of it, so there is nothing to undo");
    assert_eq!(undo(&s.root).outcome, Outcome::NothingToUndo);
}

#[test]
fn a_guest_that_does_not_answer_is_ended_all_the_same() {
    let (s, launchd) = (mac(), FakeLaunchd { guest_answers: false, ..FakeLaunchd::running() });
    assert_eq!(run(&s, &launchd, &[STOP]).outcome, Outcome::Applied);
    assert!(!launchd.is_loaded() && !launchd.was_clean());
}

#[test]
fn a_stop_of_what_is_stopped_and_a_start_of_what_runs_change_nothing() {
    let (s, stopped) = (mac(), FakeLaunchd::stopped());
    assert_eq!(run(&s, &stopped, &[STOP]).outcome, Outcome::Unchanged);
    let running = FakeLaunchd::running();
    assert_eq!(run(&s, &running, &[START]).outcome, Outcome::Unchanged);
    assert_eq!((stopped.changes(), running.changes()), (vec![], vec![]));
}

#[test]
fn a_start_enables_the_job_before_it_is_loaded() {
    let (s, launchd) = (mac(), FakeLaunchd::stopped());
    assert_eq!(run(&s, &launchd, &[START]).outcome, Outcome::Applied);
    assert_eq!(
        launchd.changes(),
        [
            "/bin/launchctl enable system/org.nixos.linux-builder",
            "/bin/launchctl bootstrap system /Library/LaunchDaemons/org.nixos.linux-builder.plist",
        ]
    );
}

#[test]
fn a_wipe_deletes_the_disk_and_nothing_else() {
    for folder in ["linux-builder", "darwin-builder"] {
        let s = mac();
        s.file(
            JOB,
            &s.read(JOB).replace("linux-builder</string>\n</dict>", &format!("{folder}</string>\n</dict>")),
        );
        let disks = ["linux-builder", "darwin-builder"].map(|f| format!("private/var/lib/{f}/nixos.qcow2"));
        let report = run(&s, &FakeLaunchd::stopped(), &[WIPE]);
        assert_eq!((report.outcome, report.problem), (Outcome::Applied, None));
        for disk in disks {
            assert_eq!(s.path(&disk).exists(), !disk.contains(folder), "{folder}: {disk}");
        }
        assert!(s.path("private/var/lib/linux-builder/keys/builder_ed25519").exists());
        assert_eq!(run(&s, &FakeLaunchd::stopped(), &[WIPE]).outcome, Outcome::Unchanged);
    }
}

#[test]
fn a_disk_larger_than_any_file_that_is_read_is_deleted_unread() {
    let s = mac();
    fs::File::options().write(true).open(s.path(DISK)).unwrap().set_len(20 << 30).unwrap();
    assert_eq!(run(&s, &FakeLaunchd::stopped(), &[WIPE]).outcome, Outcome::Applied);
    assert!(!s.path(DISK).exists());
}

#[test]
fn the_disk_of_a_builder_that_runs_stays() {
    let (s, launchd) = (mac(), FakeLaunchd::running());
    let report = run(&s, &launchd, &[WIPE]);
    assert_eq!(report.problem.unwrap().code, Code::WrongPhase);
    assert!(s.path(DISK).exists() && launchd.changes().is_empty());
    // nor if launchd does not say
    let silent = FakeLaunchd { answers: false, ..FakeLaunchd::stopped() };
    assert_eq!(run(&s, &silent, &[WIPE]).problem.unwrap().code, Code::AdminFailed);
    assert!(s.path(DISK).exists());
}

#[test]
fn stop_wipe_and_start_are_done_in_this_order() {
    let (s, launchd) = (mac(), FakeLaunchd::running());
    let report = run(&s, &launchd, &[START, WIPE, STOP]);
    assert_eq!(states(&report), [StepState::Done; 3]);
    assert!(launchd.is_loaded() && launchd.was_clean() && !s.path(DISK).exists());
}

#[test]
fn what_was_stopped_for_a_wipe_that_failed_is_started_again() {
    let (s, launchd) = (mac(), FakeLaunchd::running());
    fs::remove_file(s.path(DISK)).unwrap();
    symlink("/etc/passwd", s.path(DISK)).unwrap();
    let report = run(&s, &launchd, &[STOP, WIPE, START]);
    assert_eq!(report.outcome, Outcome::Failed);
    assert_eq!(states(&report), [StepState::RolledBack, StepState::Failed, StepState::NotReached]);
    assert!(launchd.is_loaded());
}

#[test]
fn a_disk_that_was_deleted_is_never_said_to_be_back() {
    let (s, launchd) = (mac(), FakeLaunchd { loads: false, ..FakeLaunchd::stopped() });
    let report = run(&s, &launchd, &[WIPE, START]);
    assert_eq!(states(&report), [StepState::Done, StepState::Failed]);
    let problem = report.problem.unwrap();
    assert!(problem.message.contains("launchctl bootstrap"), "{}", problem.message);
}

#[test]
fn a_job_that_does_not_go_is_said() {
    let (s, launchd) = (mac(), FakeLaunchd { unloads: false, ..FakeLaunchd::running() });
    let problem = run(&s, &launchd, &[STOP]).problem.unwrap();
    assert_eq!(problem.code, Code::AdminFailed);
    assert!(
        problem.message.contains("bootout") && problem.message.contains("Operation now in progress"),
        "{problem}"
    );
}

#[test]
fn a_plan_is_told_in_words_and_runs_nothing() {
    let s = mac();
    let before = s.tree();
    let plan = s.plan(&[STOP, WIPE, START]);
    let words = describe(&plan);
    assert!(
        words[0].starts_with("Stop nix-darwin's Linux builder") && words[0].contains("powered off first")
    );
    assert!(words[1].contains("nixos.qcow2") && words[1].contains("no undo"), "{words:?}");
    assert!(words[2].starts_with("Start nix-darwin's"));
    assert_eq!(diff(&s.root, &plan).unwrap(), "");
    assert_eq!(s.tree(), before);
}

#[test]
fn where_there_is_no_such_service_nothing_is_planned() {
    let linux = Sandbox::new();
    let bare = Sandbox::of(Platform::MacOs);
    for s in [&linux, &bare] {
        for op in [STOP, WIPE, START] {
            assert_eq!(plan(&s.root, &[op]).unwrap_err().code, Code::MissingTool);
        }
    }
    let (s, launchd) = (mac(), FakeLaunchd::running());
    let planned = s.plan(&[STOP]);
    fs::remove_file(s.path(JOB)).unwrap();
    assert_eq!(apply(&s.root, &planned, &launchd).problem.unwrap().code, Code::MissingTool);
    assert!(launchd.ran.borrow().is_empty(), "not even {PRINT}");
}

#[test]
fn a_job_that_changed_since_the_plan_is_left_alone() {
    let (s, launchd) = (mac(), FakeLaunchd::running());
    let planned = s.plan(&[STOP]);
    s.file(JOB, &s.read(JOB).replace("x-linux-builder-start", "y-linux-builder-start"));
    assert_eq!(apply(&s.root, &planned, &launchd).problem.unwrap().code, Code::FileChanged);
    assert!(launchd.changes().is_empty());
}

// what an attacker might try

fn wipe_refused(s: &Sandbox, code: Code) {
    let before = s.tree();
    let report = run(s, &FakeLaunchd::stopped(), &[WIPE]);
    assert_eq!(report.problem.unwrap().code, code);
    assert_eq!(s.tree(), before);
}

#[test]
fn a_symlink_in_the_place_of_the_disk() {
    let s = mac();
    s.file("victim", "victim");
    fs::remove_file(s.path(DISK)).unwrap();
    symlink(s.path("victim"), s.path(DISK)).unwrap();
    wipe_refused(&s, Code::NotManaged);
}

#[test]
fn a_symlink_in_the_place_of_the_folder() {
    let s = mac();
    fs::rename(s.path("private/var/lib/linux-builder"), s.path("elsewhere")).unwrap();
    symlink(s.path("elsewhere"), s.path("private/var/lib/linux-builder")).unwrap();
    let before = s.tree();
    let refused = plan(&s.root, &[WIPE])
        .and_then(|plan| apply(&s.root, &plan, &FakeLaunchd::stopped()).problem.map_or(Ok(()), Err));
    assert_eq!(refused.unwrap_err().code, Code::NotManaged);
    assert_eq!(s.tree(), before);
}

#[test]
fn a_hard_link_a_folder_and_a_file_that_others_may_write_in_the_place_of_the_disk() {
    let s = mac();
    fs::hard_link(s.path(DISK), s.path("second")).unwrap();
    wipe_refused(&s, Code::AdminFailed);
    fs::remove_file(s.path("second")).unwrap();
    s.chmod(&s.path(DISK), 0o666);
    wipe_refused(&s, Code::AdminFailed);
    fs::remove_file(s.path(DISK)).unwrap();
    s.folder(DISK);
    wipe_refused(&s, Code::AdminFailed);
}

#[test]
fn a_folder_that_others_may_write_to() {
    let s = mac();
    s.chmod(&s.path("private/var/lib/linux-builder"), 0o777);
    wipe_refused(&s, Code::AdminFailed);
}

#[test]
fn a_job_that_names_a_folder_of_its_own() {
    for folder in ["/private/etc", "/var/lib/linux-builder/../../../etc", "/var/lib/virby", "/"] {
        let s = mac();
        s.file(JOB, &s.read(JOB).replace("/var/lib/linux-builder", folder));
        assert_eq!(plan(&s.root, &[WIPE]).unwrap_err().code, Code::NotManaged, "{folder}");
        // nothing of the definition but this is used, and a stop needs not even this
        assert!(plan(&s.root, &[STOP]).is_ok());
    }
}

#[test]
fn a_wipe_replayed_deletes_no_second_disk() {
    let (s, launchd) = (mac(), FakeLaunchd::stopped());
    let planned = s.plan(&[WIPE]);
    std::thread::sleep(std::time::Duration::from_millis(50));
    assert_eq!(apply(&s.root, &planned, &launchd).outcome, Outcome::Applied);
    s.file(DISK, "built since");
    let replayed = apply(&s.root, &planned, &launchd);
    assert_eq!(replayed.problem.unwrap().code, Code::FileChanged);
    assert_eq!(s.read(DISK), "built since");
}

#[test]
fn a_plan_with_the_actions_turned_around() {
    let (s, launchd) = (mac(), FakeLaunchd::running());
    let good = s.plan(&[STOP, WIPE, START]);
    let turned = Plan { ops: good.ops.iter().rev().cloned().collect(), ..good };
    let report = apply(&s.root, &turned, &launchd);
    assert_eq!(states(&report), [StepState::Unchanged, StepState::Failed, StepState::NotReached]);
    assert!(s.path(DISK).exists() && launchd.is_loaded());
}
