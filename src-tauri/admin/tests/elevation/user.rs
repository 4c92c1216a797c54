//! The user's part: a process without any right that asks as the app does, and says what came of it.

use crate::machine::HELPER;
use crate::support::all_ops;
use igloo_admin::elevate::{self, Elevate, Elevated, Surroundings, Verb};
use igloo_admin::{Platform, Root};
use igloo_protocol::Problem;
use igloo_protocol::plan::{Operation, Report};
use serde::{Deserialize, Serialize};
use std::env;
use std::io::{self, IsTerminal};

/// The variable that holds the [`Wish`].
pub const WISH: &str = "IGLOO_ADMIN_TEST_WISH";

/// What the user wants of `igloo-admin`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Word {
    Apply,
    ApplyLongest,
    Undo,
    Status,
}

/// What the user wants, and where they are.
pub struct Wish<'a> {
    pub word: Word,
    /// What is set around the app.
    pub env: &'a [(&'a str, &'a str)],
}

impl Wish<'_> {
    /// With nothing special around.
    pub fn plain(word: Word) -> Wish<'static> {
        Wish { word, env: &[] }
    }

    pub fn as_text(&self) -> String {
        serde_json::to_string(&self.word).unwrap()
    }
}

/// [`Elevated`], to be written on a line.
#[derive(Serialize, Deserialize)]
enum Said {
    Done(Report),
    Cancelled,
    NotAllowed(Problem),
    Failed(Problem),
}

/// What stands before it.
const MARK: &str = "it came to: ";

/// Whether this is the user's process.
pub fn is_this_process() -> bool {
    env::var_os(WISH).is_some()
}

/// Asks, as soon as there is a line on standard input.
pub fn ask() {
    assert!(!rustix::process::geteuid().is_root());
    let word: Word = serde_json::from_str(&env::var(WISH).unwrap()).unwrap();
    io::stdin().read_line(&mut String::new()).unwrap();
    // as the app looks around
    let terminal = io::stdin().is_terminal() && io::stderr().is_terminal();
    let (sudo, pkexec) = elevate::find(|path| path.exists());
    let around = Surroundings { root: false, desktop: true, terminal, sudo, pkexec };
    let way = elevate::choose(Platform::Linux, &around);
    let plan = |ops: &[Operation]| igloo_admin::plan(&Root::system(), ops).unwrap();
    let run = |verb: Verb<'_>| way.run(HELPER.as_ref(), verb);
    let came_to = match word {
        Word::Apply => run(Verb::Apply(&plan(&all_ops()))),
        Word::ApplyLongest => run(Verb::Apply(&plan(&longest_ops()))),
        Word::Undo => run(Verb::Undo),
        Word::Status => run(Verb::Status),
    };
    let said = match came_to {
        Elevated::Done(report) => Said::Done(report),
        Elevated::Cancelled => Said::Cancelled,
        Elevated::NotAllowed(problem) => Said::NotAllowed(problem),
        Elevated::Failed(problem) => Said::Failed(problem),
    };
    println!("\n{MARK}{}", serde_json::to_string(&said).unwrap());
}

/// Reads what the user's process printed.
pub fn heard(text: &str) -> Elevated {
    let line = text.lines().find_map(|line| line.strip_prefix(MARK));
    let line = line.unwrap_or_else(|| panic!("the user's process said: {text}"));
    match serde_json::from_str(line).unwrap() {
        Said::Done(report) => Elevated::Done(report),
        Said::Cancelled => Elevated::Cancelled,
        Said::NotAllowed(problem) => Elevated::NotAllowed(problem),
        Said::Failed(problem) => Elevated::Failed(problem),
    }
}

/// As many features as a builder may have, each as long as it may be.
pub fn longest_features() -> Vec<String> {
    (0..32).map(|n| format!("{n:02}{}", "x".repeat(62))).collect()
}

fn longest_ops() -> Vec<Operation> {
    let mut ops = all_ops();
    for op in &mut ops {
        if let Operation::Machine(machine) = op {
            let features = serde_json::to_value(longest_features()).unwrap();
            machine.features = serde_json::from_value(features).unwrap();
        }
    }
    let plan = igloo_admin::plan(&Root::system(), &ops).unwrap();
    assert!(igloo_admin::encode(&plan).unwrap().len() > 6000);
    ops
}
