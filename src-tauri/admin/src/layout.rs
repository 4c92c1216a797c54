//! The managed files as they are, and whether the places are free that a plan would write to.

use crate::folder::{Folder, Found};
use crate::installation::Survey;
use crate::obstacles::{About, entry_elsewhere};
use crate::root::{Root, file_path, folder_path, place};
use crate::{service, setting};
use igloo_protocol::plan::{ManagedFile, NixSetting, Operation};
use igloo_protocol::{Code, Problem};

/// Refuses when the place that an operation would write to is another program's.
pub(crate) fn check_free(root: &Root, survey: &Survey, ops: &[Operation]) -> Result<(), Problem> {
    for op in ops {
        match op {
            Operation::Machine(machine) => {
                survey.machines.clone()?;
                entry_elsewhere(root, machine.builder, &survey.in_force).map_or(Ok(()), Err)?;
            }
            Operation::NixSetting(_) => drop(survey.settings.clone()?),
            Operation::LinuxBuilderService(action) => service::check(root, *action)?,
            Operation::BuilderKey | Operation::SshHost(_) | Operation::RestartNixDaemon => {}
        }
    }
    Ok(())
}

/// What the user should know: settings by which Nix or ssh would not see what the plan writes, and what a
/// setting means.
pub(crate) fn warnings(survey: &Survey, ops: &[Operation]) -> Vec<String> {
    let touches = |about: &About| {
        ops.iter().any(|op| match (op, about) {
            (Operation::Machine(_), About::Builders) => !sets_builders(ops),
            (Operation::Machine(_), About::Machines) | (Operation::SshHost(_), About::Ssh) => true,
            (Operation::SshHost(host), About::Alias(builder)) => host.builder == *builder,
            _ => false,
        })
    };
    let notes = survey.notes.iter().filter(|note| touches(&note.about));
    let notes =
        notes.map(|note| format!("{}; {}", note.problem.message, uncapitalised(&note.problem.remedy)));
    let settings = ops.iter().filter_map(|op| match op {
        Operation::NixSetting(setting) => setting::warning(setting),
        _ => None,
    });
    notes.chain(settings).collect()
}

fn sets_builders(ops: &[Operation]) -> bool {
    ops.iter().any(|op| matches!(op, Operation::NixSetting(NixSetting::Builders)))
}

/// A remedy behind a `;`.
fn uncapitalised(text: &str) -> String {
    let (first, rest) = text.split_at(text.chars().next().map_or(0, char::len_utf8));
    first.to_lowercase() + rest
}

/// Reads a managed file. `None` if it or its folder is not there.
pub(crate) fn read(root: &Root, file: ManagedFile) -> Result<Option<Found>, Problem> {
    let (folder, name) = place(file);
    match Folder::open(root, folder_path(root.platform(), folder))? {
        Some(folder) => folder.read(&name),
        None => Ok(None),
    }
}

/// Whether a managed file is there, readable or not.
pub(crate) fn exists(root: &Root, file: ManagedFile) -> Result<bool, Problem> {
    let (folder, name) = place(file);
    Ok(Folder::open(root, folder_path(root.platform(), folder))?.is_some_and(|f| f.has(&name)))
}

/// A managed file's bytes as text.
pub(crate) fn text(root: &Root, file: ManagedFile, found: Option<&Found>) -> Result<String, Problem> {
    let bytes = found.map(|f| f.bytes.clone()).unwrap_or_default();
    String::from_utf8(bytes).map_err(|_| {
        let path = file_path(root.platform(), file);
        Problem::new(
            Code::AdminFailed,
            format!("{path} is not UTF-8 text"),
            format!("Save {path} as UTF-8, then try again"),
        )
    })
}
