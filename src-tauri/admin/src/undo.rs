//! Takes back what the receipt lists, newest first. Only bytes that Igloo wrote are replaced.

use crate::folder::{Folder, Meta};
use crate::install::is_helper;
use crate::receipt::{State, parent};
use crate::root::{Root, file_path, folder_path, place};
use crate::wire::sha256;
use crate::{block, machines};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use igloo_protocol::plan::{
    Before, Change, ManagedFile, ManagedFolder, Outcome, Receipt, Report, Sha256, StepReport, StepState,
};
use igloo_protocol::{Code, Problem};
use rustix::fs::FileType;

/// Takes back everything that Igloo changed under `root`. A file that others changed since is left
/// alone and reported; its part of the receipt is kept.
pub fn undo(root: &Root) -> Report {
    match try_undo(root) {
        Ok(report) => report,
        Err(problem) => Report::failed(problem),
    }
}

fn try_undo(root: &Root) -> Result<Report, Problem> {
    let Some(state) = State::open(root)? else { return Ok(Report::new(Outcome::NothingToUndo)) };
    let mut receipt = state.receipt()?;
    // reported at the end: it must not keep the rest from being undone
    let swept = sweep(root);
    let mut report = Report::new(Outcome::NothingToUndo);
    if !receipt.changes.is_empty() {
        report.steps = revert(root, &state, &mut receipt, 0);
        report.problem = report.steps.iter().find_map(|s| s.problem.clone());
        report.problem = report.problem.or(swept.err());
        let whole = report.problem.is_none();
        report.outcome = if whole { Outcome::Undone } else { Outcome::PartlyUndone };
    }
    state.close(&receipt)?;
    Ok(report)
}

/// Removes what a run that was killed left in the folders that Igloo writes to. One that is not safe
/// was not written to. Only to be called under the lock.
pub(crate) fn sweep(root: &Root) -> Result<(), Problem> {
    for folder in [ManagedFolder::Nix, ManagedFolder::SshConfig, ManagedFolder::HelperTools] {
        if let Ok(Some(open)) = Folder::open(root, folder_path(root.platform(), folder)) {
            open.sweep()?;
        }
    }
    Ok(())
}

/// Takes back the changes after the first `keep`. What can't be taken back stays in the receipt.
pub(crate) fn revert(root: &Root, state: &State, receipt: &mut Receipt, keep: usize) -> Vec<StepReport> {
    let mut steps = Vec::new();
    for at in (keep..receipt.changes.len()).rev() {
        if is_helper(&receipt.changes[at], None) && others_left(receipt) {
            // what is left needs it to be undone
            continue;
        }
        let (earlier, change) = (&receipt.changes[..at], &receipt.changes[at]);
        let mut step = revert_one(root, change, earlier);
        if step.problem.is_none() && step.state != StepState::LeftAlone {
            receipt.changes.remove(at);
            step.problem = state.save(receipt).err();
        }
        steps.push(step);
    }
    // a folder that others use by now stays, and is no longer Igloo's to remove
    if receipt.changes[keep..].iter().all(|c| matches!(c, Change::Folder(_))) {
        receipt.changes.truncate(keep);
        if let (Err(problem), Some(last)) = (state.save(receipt), steps.last_mut()) {
            last.problem = Some(problem);
        }
    }
    steps
}

/// Whether a file but the helper itself is still to be undone.
fn others_left(receipt: &Receipt) -> bool {
    receipt.changes.iter().any(|c| matches!(c, Change::File { .. }) && !is_helper(c, None))
}

fn revert_one(root: &Root, change: &Change, earlier: &[Change]) -> StepReport {
    let (what, result) = match change {
        Change::Folder(folder) => {
            (folder_path(root.platform(), *folder).to_owned(), revert_folder(root, *folder))
        }
        Change::File { file, before, after } => {
            (file_path(root.platform(), *file), revert_file(root, *file, before, after, earlier))
        }
    };
    match result {
        Ok(state) => StepReport { what, state, problem: None },
        Err(problem) => StepReport { what, state: StepState::LeftAlone, problem: Some(problem) },
    }
}

fn revert_folder(root: &Root, folder: ManagedFolder) -> Result<StepState, Problem> {
    let Some(open) = Folder::open(root, folder_path(root.platform(), folder))? else {
        return Ok(StepState::Gone);
    };
    let (parent, name) = parent(root, folder)?;
    if folder == ManagedFolder::SshControl {
        // the sockets of connections that ssh still shares
        open.empty(|kind| kind == FileType::Socket)?;
    } else {
        open.sweep()?;
    }
    Ok(if parent.remove_empty(&name)? { StepState::Undone } else { StepState::LeftAlone })
}

fn revert_file(
    root: &Root,
    file: ManagedFile,
    before: &Before,
    after: &Sha256,
    earlier: &[Change],
) -> Result<StepState, Problem> {
    let (folder, name) = place(file);
    let Some(folder) = Folder::open(root, folder_path(root.platform(), folder))? else {
        return Ok(StepState::Gone);
    };
    let Some(now) = folder.read(&name)? else { return Ok(StepState::Gone) };
    let hash = sha256(&now.bytes);
    if file == ManagedFile::Helper && hash != *after && earlier.iter().any(|c| is_helper(c, Some(&hash))) {
        // an update that was killed before it wrote: the one before is there, and its own entry's to remove
        return Ok(StepState::Undone);
    }
    if hash != *after {
        return edited(root, file, before, &now.bytes);
    }
    match before {
        Before::Absent => folder.remove(&name)?,
        Before::File { mode, uid, gid, mtime, .. } => {
            let bytes = bytes(before)?;
            let meta = Meta { mode: *mode, uid: *uid, gid: *gid, mtime: Some(*mtime) };
            folder.replace(&name, Some(&now.bytes), &bytes, meta)?;
        }
    }
    Ok(StepState::Undone)
}

/// A file that is not as Igloo wrote it: never written (after a crash), cleaned by hand, or edited.
fn edited(root: &Root, file: ManagedFile, before: &Before, now: &[u8]) -> Result<StepState, Problem> {
    if matches!(before, Before::File { .. }) && bytes(before)? == now {
        return Ok(StepState::Undone);
    }
    if !has_ours(file, now) {
        return Ok(StepState::Gone);
    }
    let path = file_path(root.platform(), file);
    Err(Problem::new(
        Code::FileChanged,
        format!("{path} was changed since Igloo wrote it, so it is left as it is"),
        format!("Remove Igloo's part of {path} by hand, then undo again"),
    ))
}

/// Whether anything of Igloo's is left in a file.
pub(crate) fn has_ours(file: ManagedFile, bytes: &[u8]) -> bool {
    let text = String::from_utf8_lossy(bytes);
    match file {
        ManagedFile::Machines => machines::has_any(&text),
        ManagedFile::SshHost(_) | ManagedFile::NixConf | ManagedFile::NixCustomConf => block::is_in(&text),
        ManagedFile::BuilderKey | ManagedFile::BuilderKeyPub | ManagedFile::Helper => true,
        ManagedFile::LinuxBuilderJob => false,
    }
}

fn bytes(before: &Before) -> Result<Vec<u8>, Problem> {
    let Before::File { bytes, .. } = before else { return Ok(Vec::new()) };
    STANDARD.decode(bytes).map_err(|e| {
        Problem::new(
            Code::AdminFailed,
            format!("The receipt of Igloo's changes is damaged: {e}"),
            "Undo by hand what the receipt in Igloo's folder lists",
        )
    })
}
