//! The terminal's way: `sudo`, which asks on the terminal.

use crate::machine::{self, USER, wait_for};
use crate::support::namespace;
use crate::terminal::Terminal;
use crate::user::{Wish, Word};
use igloo_admin::elevate::Elevated;
use igloo_protocol::Code;
use igloo_protocol::plan::Outcome;
use rustix::process::Signal;
use std::fs::{self, Permissions};
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::ExitStatusExt;
use std::process::{Child, Command, Stdio};

/// What lets the user run `igloo-admin`, and nothing else.
const USERS_LINE: &str = "igloo-test ALL=(root) /usr/bin/igloo-admin";

const PASSWORD: &str = "four igloos";

/// The words with which it asks.
const PROMPT: &str = "password for igloo-test";

/// Runs the test where the user may run `igloo-admin` as this sudoers line has it, and has a password.
fn with_sudoers(test: &str, line: &str, body: impl FnOnce(&str)) {
    let test = format!("sudo::{test}");
    machine::inside(&test, || {
        let defaults = format!("Defaults lecture=never, passwd_tries=1, passprompt=\"{PROMPT}: \"\n");
        fs::write("/etc/sudoers", format!("{defaults}{line}\n")).unwrap();
        fs::set_permissions("/etc/sudoers", Permissions::from_mode(0o440)).unwrap();
        let mut chpasswd = Command::new("chpasswd").stdin(Stdio::piped()).spawn().unwrap();
        chpasswd.stdin.take().unwrap().write_all(format!("{USER}:{PASSWORD}\n").as_bytes()).unwrap();
        assert!(chpasswd.wait().unwrap().success());
        body(&test);
    });
}

/// Has the user ask for something in a terminal, which is then at the point where it may want a password.
fn ask(test: &str, word: Word) -> (Child, Terminal) {
    let mut terminal = Terminal::open();
    let side = || terminal.programs.try_clone().unwrap();
    // the terminal is the process' own, so that sudo asks there; whoever runs the tests may ignore an interrupt
    let starter = ["setsid", "--ctty", "env", "--default-signal=INT"];
    let mut process = machine::users_process(&starter, test, &Wish::plain(word));
    let process = process.stdin(side()).stderr(side()).spawn().unwrap();
    terminal.type_line("go");
    (process, terminal)
}

/// Sees that what the user does when asked leaves everything as it was; what it came to.
fn nothing_changes(test: &str, answer: impl FnOnce(&mut Terminal)) -> Elevated {
    let before = namespace::everything();
    let (mut process, mut terminal) = ask(test, Word::Apply);
    terminal.wait_for(PROMPT);
    answer(&mut terminal);
    let elevated = machine::heard(&mut process);
    assert_eq!(namespace::everything(), before);
    elevated
}

#[track_caller]
fn not_allowed(elevated: Elevated) {
    let Elevated::NotAllowed(problem) = elevated else { panic!("{elevated:?}") };
    assert_eq!(problem.code, Code::NotAllowed);
    assert!(problem.message.ends_with("sudo did not give it"), "{}", problem.message);
}

#[test]
fn with_the_users_password_given_on_the_terminal() {
    with_sudoers("with_the_users_password_given_on_the_terminal", USERS_LINE, |test| {
        let (mut process, mut terminal) = ask(test, Word::Apply);
        terminal.wait_for(PROMPT);
        terminal.type_line(PASSWORD);
        let done = machine::heard(&mut process).into_report().unwrap();
        assert_eq!((done.outcome, done.problem), (Outcome::Applied, None));
        assert!(fs::exists("/etc/nix/igloo_builder_ed25519").unwrap());
    });
}

#[test]
fn a_wrong_password_changes_nothing() {
    with_sudoers("a_wrong_password_changes_nothing", USERS_LINE, |test| {
        not_allowed(nothing_changes(test, |terminal| terminal.type_line("three igloos")));
    });
}

#[test]
fn who_is_no_administrator_changes_nothing() {
    with_sudoers("who_is_no_administrator_changes_nothing", "", |test| {
        not_allowed(nothing_changes(test, |terminal| terminal.type_line(PASSWORD)));
    });
}

#[test]
fn ctrl_c_at_the_password_ends_all_and_changes_nothing() {
    with_sudoers("ctrl_c_at_the_password_ends_all_and_changes_nothing", USERS_LINE, |test| {
        let before = namespace::everything();
        let (mut process, mut terminal) = ask(test, Word::Apply);
        terminal.wait_for(PROMPT);
        terminal.press("\u{3}");
        // the terminal tells every program on it
        let end = wait_for("the user's process", || process.try_wait().unwrap());
        assert_eq!(end.signal(), Some(Signal::INT.as_raw()));
        assert_eq!(namespace::everything(), before);
    });
}

#[test]
fn without_a_password_where_the_administrator_says_so() {
    let line = USERS_LINE.replace(") ", ") NOPASSWD: ");
    with_sudoers("without_a_password_where_the_administrator_says_so", &line, |test| {
        let before = namespace::everything();
        let (mut process, _terminal) = ask(test, Word::Apply);
        let done = machine::heard(&mut process).into_report().unwrap();
        assert_eq!((done.outcome, done.problem), (Outcome::Applied, None));
        assert!(fs::exists("/etc/nix/igloo_builder_ed25519").unwrap());
        let (mut process, _terminal) = ask(test, Word::Undo);
        assert_eq!(machine::heard(&mut process).into_report().unwrap().outcome, Outcome::Undone);
        assert_eq!(namespace::everything(), before);
    });
}
