//! Installs `igloo-admin` where only root writes, so that later elevations run nothing else.
//!
//! The receipt has it before all other changes: an undo takes it back last. What was there before is
//! either nothing or an older one of Igloo's, so its bytes need not be kept.

use crate::folder::Meta;
use crate::problem::changed;
use crate::receipt::{State, parent};
use crate::root::{Root, file_mode, file_path, folder_mode, place};
use crate::undo;
use crate::wire::sha256;
use igloo_protocol::plan::{
    Before, Change, ManagedFile, ManagedFolder, Outcome, Receipt, Report, Sha256, StepReport, StepState,
};
use igloo_protocol::{Code, Problem};

/// Puts `bytes`, which must have the hash `wanted`, in the installed `igloo-admin`'s place. Whatever a failure
/// leaves is undone by an undo or by the next try.
pub fn install(root: &Root, bytes: &[u8], wanted: &Sha256) -> Report {
    match try_install(root, bytes, wanted) {
        Ok(state) => {
            let done = state == StepState::Done;
            let what = file_path(root.platform(), ManagedFile::Helper);
            let outcome = if done { Outcome::Applied } else { Outcome::Unchanged };
            Report { steps: vec![StepReport { what, state, problem: None }], ..Report::new(outcome) }
        }
        Err(problem) => Report::failed(problem),
    }
}

fn try_install(root: &Root, bytes: &[u8], wanted: &Sha256) -> Result<StepState, Problem> {
    if sha256(bytes) != *wanted {
        return Err(Problem::new(
            Code::FileChanged,
            "igloo-admin was changed since Igloo looked at it",
            "install Igloo again from where you have it",
        ));
    }
    let state = State::make(root)?;
    let mut receipt = state.receipt()?;
    undo::sweep(root)?;
    let result = put(root, &state, &mut receipt, bytes, wanted);
    state.close(&receipt)?;
    result
}

fn put(
    root: &Root,
    state: &State,
    receipt: &mut Receipt,
    bytes: &[u8],
    after: &Sha256,
) -> Result<StepState, Problem> {
    let (parent, folder_name) = parent(root, ManagedFolder::HelperTools)?;
    let path = file_path(root.platform(), ManagedFile::Helper);
    let name = place(ManagedFile::Helper).1;
    let before = match parent.child(&folder_name)? {
        Some(folder) => folder.read(&name)?,
        None => None,
    };
    if let Some(found) = &before {
        if found.bytes == bytes && found.meta.mode == file_mode(ManagedFile::Helper) {
            return Ok(StepState::Unchanged);
        }
        let hash = sha256(&found.bytes);
        if !receipt.changes.iter().any(|c| is_helper(c, Some(&hash))) {
            return Err(Problem::new(
                Code::NotManaged,
                format!("{path} is there already and is not one that Igloo installed"),
                format!("remove {path}, then try again"),
            ));
        }
    }
    if parent.child(&folder_name)?.is_none() {
        record(state, receipt, Change::Folder(ManagedFolder::HelperTools))?;
        parent.make(&folder_name, folder_mode(ManagedFolder::HelperTools))?;
    }
    let folder = parent.child(&folder_name)?.ok_or_else(|| changed(&path))?;
    let file = ManagedFile::Helper;
    record(state, receipt, Change::File { file, before: Before::Absent, after: after.clone() })?;
    let (uid, gid) = root.owner();
    let meta = Meta { mode: file_mode(file), uid, gid, mtime: None };
    folder.replace(&name, before.as_ref().map(|f| f.bytes.as_slice()), bytes, meta)?;
    // one entry is enough: those of the ones before are spent
    receipt.changes.retain(|c| !is_helper(c, None) || is_helper(c, Some(after)));
    state.save(receipt)?;
    Ok(StepState::Done)
}

/// Writes a change into the receipt, after those of the helper and before all others.
fn record(state: &State, receipt: &mut Receipt, change: Change) -> Result<(), Problem> {
    let ours = |c: &&Change| is_helper(c, None) || matches!(c, Change::Folder(ManagedFolder::HelperTools));
    let at = receipt.changes.iter().take_while(ours).count();
    // one that is there is of a try that was killed
    if receipt.changes[..at].last() != Some(&change) {
        receipt.changes.insert(at, change);
    }
    state.save(receipt)
}

/// Whether a change is the helper's; of the one with this hash, if one is given.
pub(crate) fn is_helper(change: &Change, hash: Option<&Sha256>) -> bool {
    matches!(change, Change::File { file: ManagedFile::Helper, after, .. }
        if hash.is_none_or(|hash| hash == after))
}
