//! `igloo-admin`: the part of Igloo that runs as root.
//!
//! `igloo-admin [--by-hand] apply <plan in base64> | undo | status`, or `igloo-admin install <its hash>`. It
//! prints a report as JSON on standard output and problems in words on standard error; the exit code is
//! that of the problem (`docs/exit-codes.md`), or 0. It takes no path, no command and nothing from
//! the environment; what it starts (`ssh-keygen`, the service manager) gets an empty one.
//!
//! It refuses to work where others than root could change it. `--by-hand` is for who started it with their own
//! hands and saw which program that was; `install` is how it gets to a better place.

use igloo_admin::daemon::SystemDaemon;
use igloo_admin::{MAX_PLAN, Root, apply, decode, helper, install, status, undo};
use igloo_protocol::plan::{Plan, Report, Sha256};
use igloo_protocol::{Code, Problem};
use std::ffi::OsString;
use std::io::Write;
use std::process::ExitCode;

/// What is asked for.
struct Request {
    by_hand: bool,
    verb: Verb,
}

enum Verb {
    Apply(Box<Plan>),
    Undo,
    Status,
    Install(Sha256),
}

fn main() -> ExitCode {
    // everything is made with explicit permission bits; a caller's umask must not take from them
    rustix::process::umask(rustix::fs::Mode::WGRP | rustix::fs::Mode::WOTH);
    let report = match request(std::env::args_os().skip(1)).and_then(allowed) {
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
        Verb::Install(hash) => match helper::own_bytes() {
            Ok(bytes) => install(&root, &bytes, hash),
            Err(problem) => Report::failed(problem),
        },
    }
}

fn request(args: impl Iterator<Item = OsString>) -> Result<Request, Problem> {
    let args: Vec<OsString> = args.take(4).collect();
    if args.iter().any(|a| a.len() > MAX_PLAN) {
        return Err(usage("an argument is too long"));
    }
    let words: Vec<&str> = args.iter().filter_map(|a| a.to_str()).collect();
    if words.len() != args.len() {
        return Err(usage("an argument is not text"));
    }
    let (by_hand, words) = match words.as_slice() {
        [helper::BY_HAND, rest @ ..] => (true, rest),
        rest => (false, rest),
    };
    let verb = match words {
        ["apply", plan] => Verb::Apply(Box::new(decode(plan)?)),
        ["undo"] => Verb::Undo,
        ["status"] => Verb::Status,
        ["install", hash] => {
            Verb::Install(Sha256::try_from((*hash).to_owned()).map_err(|e| usage(&e.to_string()))?)
        }
        _ => return Err(usage("it takes `apply <plan>`, `undo`, `status` or `install <hash>`")),
    };
    Ok(Request { by_hand, verb })
}

/// The verb, if this process may do it from where it lies.
fn allowed(Request { by_hand, verb }: Request) -> Result<Verb, Problem> {
    if !rustix::process::geteuid().is_root() {
        return Err(Problem::new(
            Code::NotAllowed,
            "igloo-admin changes files of root and does not run as root",
            "run it with sudo",
        ));
    }
    if !by_hand && !matches!(verb, Verb::Install(_)) {
        helper::check_own_place()?;
    }
    Ok(verb)
}

fn usage(message: &str) -> Problem {
    Problem::new(Code::Usage, message, "use `igloo setup`, which runs igloo-admin for you")
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
