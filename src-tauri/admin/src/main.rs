//! `igloo-admin`: the part of Igloo that runs as root.
//!
//! `igloo-admin apply <plan in base64> | undo | status`. It prints a report as JSON on standard output and
//! problems in words on standard error; the exit code is that of the problem (`docs/exit-codes.md`), or
//! 0. It takes no path, no command and nothing from the environment; what it starts (`ssh-keygen`, the
//! service manager) gets an empty one.

use igloo_admin::daemon::SystemDaemon;
use igloo_admin::{MAX_PLAN, Root, apply, decode, status, undo};
use igloo_protocol::plan::{Plan, Report};
use igloo_protocol::{Code, Problem};
use std::ffi::OsString;
use std::io::Write;
use std::process::ExitCode;

enum Verb {
    Apply(Box<Plan>),
    Undo,
    Status,
}

fn main() -> ExitCode {
    // everything is made with explicit permission bits; a caller's umask must not take from them
    rustix::process::umask(rustix::fs::Mode::WGRP | rustix::fs::Mode::WOTH);
    let report = match verb(std::env::args_os().skip(1)).and_then(as_root) {
        Ok(verb) => run(&verb),
        Err(problem) => Report::failed(problem),
    };
    print(&report)
}

fn run(verb: &Verb) -> Report {
    let root = Root::system();
    match verb {
        Verb::Apply(plan) => apply(&root, plan, &SystemDaemon),
        Verb::Undo => undo(&root),
        Verb::Status => status(&root),
    }
}

fn verb(args: impl Iterator<Item = OsString>) -> Result<Verb, Problem> {
    let args: Vec<OsString> = args.take(3).collect();
    if args.iter().any(|a| a.len() > MAX_PLAN) {
        return Err(usage("An argument is too long"));
    }
    let words: Vec<&str> = args.iter().filter_map(|a| a.to_str()).collect();
    match words.as_slice() {
        _ if words.len() != args.len() => Err(usage("An argument is not text")),
        ["apply", plan] => decode(plan).map(|plan| Verb::Apply(Box::new(plan))),
        ["undo"] => Ok(Verb::Undo),
        ["status"] => Ok(Verb::Status),
        _ => Err(usage("It takes `apply <plan>`, `undo` or `status`")),
    }
}

fn as_root(verb: Verb) -> Result<Verb, Problem> {
    if rustix::process::geteuid().is_root() {
        return Ok(verb);
    }
    Err(Problem::new(
        Code::NotAllowed,
        "igloo-admin changes files of root and does not run as root",
        "Run it with sudo",
    ))
}

fn usage(message: &str) -> Problem {
    Problem::new(Code::Usage, message, "Use `igloo setup`, which runs igloo-admin for you")
}

fn print(report: &Report) -> ExitCode {
    // nothing is left to be done if nobody reads the report: the exit code still says it
    if let Ok(json) = serde_json::to_string(report) {
        let _ = writeln!(std::io::stdout(), "{json}");
    }
    let Some(problem) = &report.problem else { return ExitCode::SUCCESS };
    let _ = writeln!(std::io::stderr(), "igloo-admin: {problem}\n{}", problem.remedy);
    ExitCode::from(problem.code.exit_code())
}
