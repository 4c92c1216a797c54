//! The desktop's way: `pkexec`, a real polkitd, and an agent that answers as its user would.

use crate::agent::{Agent, Answer};
use crate::machine::{self, HELPER, Machine, POLICY};
use crate::support::namespace;
use crate::user::{self, Wish, Word};
use igloo_admin::elevate::Elevated;
use igloo_protocol::Code;
use igloo_protocol::plan::{Outcome, StepState};
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::process::Command;

/// The words of Igloo's own policy.
const OURS: (&str, &str) = ("dev.igloo.admin", "Igloo wants to change how Nix reaches its Linux builder");

/// Runs the test with polkit running.
fn with_polkit(test: &str, body: impl FnOnce(&Machine)) {
    machine::inside(&name(test), || body(&Machine::start(&name(test))));
}

fn name(test: &str) -> String {
    format!("polkit::{test}")
}

/// Sees that an agent with this answer, or none, leaves everything as it was; what it came to.
fn nothing_changes(machine: &Machine, agent: Option<&Agent>) -> Elevated {
    let before = namespace::everything();
    let elevated = machine.ask(&Wish::plain(Word::Apply), agent);
    assert_eq!(namespace::everything(), before);
    elevated
}

/// Sees that the right was asked for and not given.
#[track_caller]
fn not_given(elevated: Elevated) {
    not_allowed(elevated, ": Not authorized", "give the password");
}

/// Sees that nobody could be asked for it.
#[track_caller]
fn can_not_ask(elevated: Elevated, why: &str) {
    not_allowed(elevated, why, "in a terminal");
}

#[track_caller]
fn not_allowed(elevated: Elevated, why: &str, remedy: &str) {
    let Elevated::NotAllowed(problem) = elevated else { panic!("{elevated:?}") };
    assert_eq!(problem.code, Code::NotAllowed);
    assert!(problem.message.ends_with(why) && problem.remedy.contains(remedy), "{problem:?}");
}

#[test]
fn allowed_the_plan_is_carried_out_by_root_and_taken_back() {
    with_polkit("allowed_the_plan_is_carried_out_by_root_and_taken_back", |machine| {
        let before = namespace::everything();
        let agent = Agent::start(Answer::Allow);
        let done = machine.ask(&Wish::plain(Word::Apply), Some(&agent)).into_report().unwrap();
        assert_eq!((done.outcome, done.problem), (Outcome::Applied, None));
        assert!(done.steps.iter().all(|s| s.state == StepState::Done), "{:?}", done.steps);
        let key = fs::metadata("/etc/nix/igloo_builder_ed25519").unwrap();
        assert_eq!((key.uid(), key.gid(), key.mode() & 0o7777), (0, 0, 0o600));
        let machines = fs::read_to_string("/etc/nix/machines").unwrap();
        assert!(machines.starts_with("ssh-ng://builder@linux-builder "), "{machines}");

        let undone = machine.ask(&Wish::plain(Word::Undo), Some(&agent)).into_report().unwrap();
        assert_eq!((undone.outcome, undone.problem), (Outcome::Undone, None));
        assert_eq!(namespace::everything(), before);
        // the right is not kept from one to the other
        assert_eq!(agent.questions().len(), 2);
    });
}

#[test]
fn the_dialog_has_the_words_of_igloos_policy_and_asks_for_an_administrator() {
    let name = "the_dialog_has_the_words_of_igloos_policy_and_asks_for_an_administrator";
    with_polkit(name, |machine| {
        let agent = Agent::start(Answer::Allow);
        machine.ask(&Wish::plain(Word::Status), Some(&agent)).into_report().unwrap();
        let [question] = &agent.questions()[..] else { panic!("{:?}", agent.questions()) };
        assert_eq!((question.action.as_str(), question.message.as_str()), OURS);
        // whoever is an administrator here, and not the one who asks
        assert_eq!(question.uids, [0]);
    });
}

#[test]
fn one_that_was_installed_too_does_not_take_igloos_words_away() {
    with_polkit("one_that_was_installed_too_does_not_take_igloos_words_away", |machine| {
        let hash = igloo_admin::helper::hash(HELPER.as_ref()).unwrap();
        assert!(Command::new(HELPER).args(["install", hash.as_str()]).status().unwrap().success());
        assert!(fs::exists("/usr/local/libexec/igloo-admin").unwrap());
        let agent = Agent::start(Answer::Allow);
        machine.ask(&Wish::plain(Word::Status), Some(&agent)).into_report().unwrap();
        assert_eq!(agent.questions()[0].message, OURS.1);
    });
}

#[test]
fn without_igloos_policy_it_asks_in_words_of_its_own() {
    let name = name("without_igloos_policy_it_asks_in_words_of_its_own");
    machine::inside(&name, || {
        fs::remove_file(POLICY).unwrap();
        let machine = Machine::start(&name);
        let agent = Agent::start(Answer::Allow);
        let done = machine.ask(&Wish::plain(Word::Apply), Some(&agent)).into_report().unwrap();
        assert_eq!(done.outcome, Outcome::Applied);
        let question = &agent.questions()[0];
        assert_eq!(question.action, "org.freedesktop.policykit.exec");
        assert!(question.message.contains(HELPER), "{}", question.message);
    });
}

#[test]
fn a_dialog_that_is_closed_changes_nothing() {
    with_polkit("a_dialog_that_is_closed_changes_nothing", |machine| {
        let agent = Agent::start(Answer::Close);
        assert_eq!(nothing_changes(machine, Some(&agent)), Elevated::Cancelled);
        assert_eq!(agent.questions().len(), 1);
    });
}

#[test]
fn a_wrong_password_changes_nothing() {
    with_polkit("a_wrong_password_changes_nothing", |machine| {
        let agent = Agent::start(Answer::Refuse);
        not_given(nothing_changes(machine, Some(&agent)));
        assert_eq!(agent.questions().len(), 1);
    });
}

#[test]
fn the_user_s_own_password_is_not_an_administrator_s() {
    with_polkit("the_user_s_own_password_is_not_an_administrator_s", |machine| {
        let agent = Agent::start(Answer::AllowAs(machine::UID));
        not_given(nothing_changes(machine, Some(&agent)));
        assert_eq!(agent.questions().len(), 1);
    });
}

#[test]
fn without_an_agent_nobody_is_asked_and_nothing_changes() {
    with_polkit("without_an_agent_nobody_is_asked_and_nothing_changes", |machine| {
        can_not_ask(nothing_changes(machine, None), ": no polkit agent runs that could ask for it");
    });
}

#[test]
fn an_agent_that_ends_while_it_asks_changes_nothing() {
    with_polkit("an_agent_that_ends_while_it_asks_changes_nothing", |machine| {
        let agent = Agent::start(Answer::Vanish);
        not_given(nothing_changes(machine, Some(&agent)));
        assert_eq!(agent.questions().len(), 1);
    });
}

#[test]
fn without_polkit_nothing_changes() {
    let name = name("without_polkit_nothing_changes");
    machine::inside(&name, || {
        let before = namespace::everything();
        let elevated = machine::ask(&name, &Wish::plain(Word::Apply), None);
        assert_eq!(namespace::everything(), before);
        can_not_ask(elevated, "Could not connect: No such file or directory");
    });
}

#[test]
fn the_longest_plan_passes_through() {
    with_polkit("the_longest_plan_passes_through", |machine| {
        let agent = Agent::start(Answer::Allow);
        let done = machine.ask(&Wish::plain(Word::ApplyLongest), Some(&agent)).into_report().unwrap();
        assert_eq!((done.outcome, done.problem), (Outcome::Applied, None));
        let machines = fs::read_to_string("/etc/nix/machines").unwrap();
        assert!(user::longest_features().iter().all(|f| machines.contains(f)), "{machines}");
    });
}

#[test]
fn the_users_surroundings_do_not_come_in_the_way() {
    with_polkit("the_users_surroundings_do_not_come_in_the_way", |machine| {
        let agent = Agent::start(Answer::Allow);
        // pkexec refuses a shell that is not in /etc/shells, and a slash in most others
        let odd = [
            ("SHELL", "/home/casey/.nix-profile/bin/fish"),
            ("LANG", "/nix/store/locale"),
            ("TERM", "../x"),
            ("DBUS_SYSTEM_BUS_ADDRESS", "unix:path=/nowhere"),
        ];
        let wish = Wish { env: &odd, ..Wish::plain(Word::Apply) };
        let done = machine.ask(&wish, Some(&agent)).into_report().unwrap();
        assert_eq!(done.outcome, Outcome::Applied);
    });
}
