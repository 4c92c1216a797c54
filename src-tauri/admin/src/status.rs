//! What of Igloo's changes is still in place.

use crate::receipt::State;
use crate::root::{Root, file_path};
use crate::wire::sha256;
use crate::{keys, layout};
use igloo_protocol::Problem;
use igloo_protocol::plan::{Change, ManagedFile, Outcome, Report, Sha256, StepReport, StepState};
use std::collections::BTreeMap;

/// Looks at every file that the receipt lists.
pub fn status(root: &Root) -> Report {
    match look(root) {
        Ok(report) => report,
        Err(problem) => Report::failed(problem),
    }
}

fn look(root: &Root) -> Result<Report, Problem> {
    let mut report = Report::new(Outcome::Status);
    report.public_key = keys::public_key(root)?;
    let Some(state) = State::open(root)? else { return Ok(report) };
    // the last writing of each file counts
    let mut written = BTreeMap::new();
    for change in state.receipt()?.changes {
        if let Change::File { file, after, .. } = change {
            written.insert(file, after);
        }
    }
    report.steps = written.iter().map(|(file, after)| file_status(root, *file, after)).collect();
    Ok(report)
}

fn file_status(root: &Root, file: ManagedFile, after: &Sha256) -> StepReport {
    let what = file_path(root.platform(), file);
    let (state, problem) = match layout::read(root, file) {
        Ok(None) => (StepState::Gone, None),
        Ok(Some(found)) if sha256(&found.bytes) == *after => (StepState::InPlace, None),
        Ok(Some(_)) => (StepState::Edited, None),
        Err(problem) => (StepState::Edited, Some(problem)),
    };
    StepReport { what, state, problem }
}
