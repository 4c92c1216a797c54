//! The plan: what would change, computed without privilege and without changing anything.

use crate::installation::Survey;
use crate::layout::{self, check_free, warnings};
use crate::root::{Root, file_path};
use crate::wire::sha256;
use crate::{keys, render};
use igloo_protocol::plan::{ManagedFile, Operation, PLAN_VERSION, Plan, PlannedFile, Seen, check_operations};
use igloo_protocol::{Code, Problem};
use std::collections::BTreeMap;

/// Plans operations, in the order in which they rest on each other. Reads only.
///
/// # Errors
/// `NotManaged` where another program owns a file, `NotAllowed` where one can't be read,
/// `AdminFailed` where a folder or file is not safe for root to write to, `Usage` for operations
/// that don't fit together.
pub fn plan(root: &Root, ops: &[Operation]) -> Result<Plan, Problem> {
    check_operations(ops).map_err(|e| Problem::new(Code::Usage, e.to_string(), "Ask for each thing once"))?;
    let survey = Survey::of(root);
    check_free(root, &survey, ops)?;
    let mut ops = ops.to_vec();
    ops.sort_by_key(Operation::subject);
    let mut files = BTreeMap::new();
    for file in ops.iter().flat_map(|op| render::files(&survey, op)) {
        files.insert(file, look(root, file)?);
    }
    let files = files.into_iter().map(|(file, seen)| PlannedFile { file, seen }).collect();
    let warnings = warnings(&survey, &ops);
    let plan = Plan { version: PLAN_VERSION, ops, files, made_at: Some(crate::fresh::now()), warnings };
    // an operation that can't be rendered is refused now and not after the password
    changes(root, &survey, &plan)?;
    Ok(plan)
}

/// What the plan does, an operation a line, in plain words.
pub fn describe(plan: &Plan) -> Vec<String> {
    plan.ops.iter().map(|op| render::describe(plan, op)).collect()
}

/// The plan as a unified diff of the files that it changes; empty if it changes none. The content of
/// keys is not shown.
///
/// # Errors
/// As [`plan`], and `FileChanged` if a file is not as the plan saw it.
pub fn diff(root: &Root, plan: &Plan) -> Result<String, Problem> {
    let mut out = String::new();
    for (file, old, new) in changes(root, &Survey::of(root), plan)? {
        let path = file_path(root.platform(), file);
        let from = if plan.seen(file) == Some(&Seen::Absent) { "/dev/null" } else { &path };
        let diff = similar::TextDiff::from_lines(&old, &new);
        out.push_str(&diff.unified_diff().context_radius(3).header(from, &path).to_string());
    }
    Ok(out)
}

/// What is in a file's place. The private key's bytes are not looked at.
pub(crate) fn look(root: &Root, file: ManagedFile) -> Result<Seen, Problem> {
    if file == ManagedFile::BuilderKey {
        return Ok(if layout::exists(root, file)? { Seen::Present } else { Seen::Absent });
    }
    Ok(layout::read(root, file)?.map_or(Seen::Absent, |found| Seen::Sha256(sha256(&found.bytes))))
}

/// Every file that would change: old text, new text.
fn changes(root: &Root, survey: &Survey, plan: &Plan) -> Result<Vec<(ManagedFile, String, String)>, Problem> {
    let mut texts: BTreeMap<ManagedFile, (String, String)> = BTreeMap::new();
    for op in &plan.ops {
        for file in render::files(survey, op) {
            let seen = look(root, file)?;
            if plan.seen(file) != Some(&seen) {
                return Err(crate::problem::changed(&file_path(root.platform(), file)));
            }
            if file == ManagedFile::LinuxBuilderJob {
                // only looked at, and in whichever form it is
                continue;
            }
            if let Some(note) = keys::note(file) {
                let new = if seen == Seen::Absent { note.to_owned() } else { String::new() };
                texts.insert(file, (String::new(), new));
                continue;
            }
            let (old, so_far) = match texts.remove(&file) {
                Some(texts) => texts,
                None => {
                    let old = layout::text(root, file, layout::read(root, file)?.as_ref())?;
                    (old.clone(), old)
                }
            };
            let new = render::render(root, op, file, &so_far)?.unwrap_or(so_far);
            texts.insert(file, (old, new));
        }
    }
    Ok(texts.into_iter().filter(|(_, (old, new))| old != new).map(|(f, (old, new))| (f, old, new)).collect())
}
