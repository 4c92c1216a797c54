//! Whether a plan is still what the user said yes to.
//!
//! The hashes that a plan carries say what the files were, and after an undo they are so again: a plan that
//! was carried out and undone would be good for ever. So it also carries when it was made. It is good for
//! [`MAX_AGE`], and only while nothing was made, replaced or removed beside its files: an undo always
//! replaces or removes its files, by which the kernel notes the time in their folder. Nothing has to be kept
//! for that, and an undo leaves nothing behind.

use crate::folder::Folder;
use crate::installation::Survey;
use crate::root::{Root, folder_path, place};
use crate::{render, service};
use igloo_protocol::plan::{Operation, Plan, ServiceAction};
use igloo_protocol::{Code, Problem};
use std::time::{SystemTime, UNIX_EPOCH};

/// How long a plan is good, in microseconds: an hour, so that a command that was copied can still be read
/// in peace before it is pasted.
const MAX_AGE: u64 = 3600 * 1_000_000;

/// The time, in microseconds since 1970.
pub(crate) fn now() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_micros()).unwrap_or(u64::MAX)
}

/// Refuses a plan that is too old, or older than the last change beside its files.
pub(crate) fn check(root: &Root, survey: &Survey, plan: &Plan) -> Result<(), Problem> {
    let made = age_allows(plan.made_at, now())?;
    for path in folders(root, survey, plan)? {
        let folder = nearest(root, path)?;
        if changed_since(made, now(), folder.changed_at()?) {
            return Err(Problem::new(
                Code::FileChanged,
                format!("something in {path} was changed after the plan was made"),
                REMEDY,
            ));
        }
    }
    Ok(())
}

/// Where an operation that was done once leaves its trace: beside its files, or where it deletes one.
fn folders(root: &Root, survey: &Survey, plan: &Plan) -> Result<Vec<&'static str>, Problem> {
    let files = plan.ops.iter().flat_map(|op| render::files(survey, op));
    let mut folders: Vec<_> = files.map(|file| folder_path(root.platform(), place(file).0)).collect();
    if plan.ops.contains(&Operation::LinuxBuilderService(ServiceAction::Wipe)) {
        folders.push(service::folder(root)?);
    }
    Ok(folders)
}

const REMEDY: &str = "look at the new plan and confirm it again";

fn age_allows(made_at: Option<u64>, now: u64) -> Result<u64, Problem> {
    let refused = |why: &str| Err(Problem::new(Code::NotConfirmed, why, REMEDY));
    match made_at {
        None => refused("the plan does not say when it was made"),
        Some(made) if made > now => refused("the plan was made later than now by this machine's clock"),
        Some(made) if now - made > MAX_AGE => refused("the plan is more than an hour old"),
        Some(made) => Ok(made),
    }
}

/// Whether a folder's last change came after `made`. A change in the future was noted before the
/// clock was set back, and says nothing.
fn changed_since(made: u64, now: u64, changed: u64) -> bool {
    made < changed && changed <= now
}

/// The folder, or where it is missing the nearest one above that is there: it is where one that was
/// removed left its trace.
fn nearest(root: &Root, path: &str) -> Result<Folder, Problem> {
    let mut path = path;
    loop {
        if let Some(folder) = Folder::open(root, path)? {
            return Ok(folder);
        }
        path = path.rsplit_once('/').map_or("", |(above, _)| above);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: u64 = MAX_AGE;

    #[test]
    fn a_plan_is_good_for_an_hour_from_when_it_was_made() {
        let code = |made, now| age_allows(made, now).map_err(|p| p.code);
        assert_eq!(code(Some(5), 5), Ok(5));
        assert_eq!(code(Some(5), 5 + HOUR), Ok(5));
        assert_eq!(code(Some(5), 6 + HOUR), Err(Code::NotConfirmed));
        assert_eq!(code(Some(6), 5), Err(Code::NotConfirmed));
        assert_eq!(code(Some(u64::MAX), 5), Err(Code::NotConfirmed));
        assert_eq!(code(None, 5), Err(Code::NotConfirmed));
    }

    #[test]
    fn a_change_between_the_plan_and_now_counts() {
        for (changed, counts) in [(9, false), (10, false), (11, true), (20, true), (21, false)] {
            assert_eq!(changed_since(10, 20, changed), counts, "{changed}");
        }
    }
}
