//! What `igloo-admin` prints on its standard output.

use crate::Problem;
use serde::{Deserialize, Serialize};

/// The version of [`Report`]'s JSON.
pub const REPORT_VERSION: u32 = 1;

/// What a run of `igloo-admin` came to. The exit code is that of `problem`, or 0.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct Report {
    /// [`REPORT_VERSION`].
    pub version: u32,
    /// The whole, in a word.
    pub outcome: Outcome,
    /// The parts.
    pub steps: Vec<StepReport>,
    /// The public key that root's Nix logs in with (`ssh-ed25519 <base64> <comment>`), if there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub public_key: Option<String>,
    /// Why it is not what was asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub problem: Option<Problem>,
}

impl Report {
    /// A report without steps.
    pub fn new(outcome: Outcome) -> Report {
        Report { version: REPORT_VERSION, outcome, steps: Vec::new(), public_key: None, problem: None }
    }

    /// The report of a run that failed before it changed anything.
    pub fn failed(problem: Problem) -> Report {
        Report { problem: Some(problem), ..Report::new(Outcome::Failed) }
    }
}

/// How a run of `igloo-admin` ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Outcome {
    /// Everything that was planned is in place.
    Applied,
    /// Everything that was planned was in place already.
    Unchanged,
    /// It failed, and what it had changed is changed back.
    Failed,
    /// Everything that Igloo changed is as it was.
    Undone,
    /// Something was left alone, because others changed it since; the rest is as it was.
    PartlyUndone,
    /// There is nothing to undo.
    NothingToUndo,
    /// Nothing was asked for but to look.
    Status,
}

/// One step of a run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct StepReport {
    /// What it is about, in plain words.
    pub what: String,
    /// What became of it.
    pub state: StepState,
    /// Why it failed or was left alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub problem: Option<Problem>,
}

/// What became of a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum StepState {
    /// Done.
    Done,
    /// It was so already.
    Unchanged,
    /// It failed.
    Failed,
    /// An earlier step failed, so it was not tried.
    NotReached,
    /// It was done, and undone because a later step failed.
    RolledBack,
    /// It is as it was before Igloo.
    Undone,
    /// Changed by others since Igloo wrote it, so left as it is.
    LeftAlone,
    /// As Igloo wrote it.
    InPlace,
    /// Changed by others since Igloo wrote it.
    Edited,
    /// No longer there.
    Gone,
}
