//! What stands in the way of a setup, in words, and what to do about it.

use crate::in_force::Settings;
use crate::look;
use crate::machines::{self, Entry};
use crate::root::{Platform, Root, file_path, folder_path};
use crate::ssh_conf;
use igloo_protocol::plan::{ManagedFile, ManagedFolder};
use igloo_protocol::{BuilderId, Code, InstallKind, Problem};

pub(crate) const MACHINES: &str = "/etc/nix/machines";
const SSH_CONFIG: &str = "/etc/ssh/ssh_config";

/// How deep and how far `@file` is followed in the machines file.
const MAX_FILES: usize = 16;

/// Something that the user should know, and what it is about.
pub(crate) struct Note {
    /// What it is about.
    pub about: About,
    /// What it is.
    pub problem: Problem,
}

/// What a note is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum About {
    /// That Nix knows the builders.
    Machines,
    /// That Nix reads the file in which they are: an operation of its own can mend it.
    Builders,
    /// That ssh knows them.
    Ssh,
    /// That ssh knows one of them.
    Alias(BuilderId),
}

/// There is no Nix.
pub(crate) fn no_nix() -> Problem {
    Problem::new(Code::MissingTool, "Nix is not installed on this machine", "Install Nix, then set Igloo up")
}

/// Nix' files belong to a system's configuration.
pub(crate) fn generated(kind: InstallKind) -> Problem {
    let who = if kind == InstallKind::NixOs { "NixOS" } else { "nix-darwin" };
    Problem::new(
        Code::NotManaged,
        format!(
            "{who} manages Nix on this machine, so what Igloo put into /etc/nix would be in its way or go with its next activation"
        ),
        format!(
            "Add the builder to nix.buildMachines, and settings to nix.settings, in the configuration of {who}"
        ),
    )
}

/// What does not forbid a setup, and makes it less than it seems.
///
/// `settings` is the path of the file that carries the user's settings, if there is one.
pub(crate) fn notes(
    root: &Root,
    kind: InstallKind,
    settings: Option<&str>,
    in_force: &Settings,
) -> Vec<Note> {
    let about = |about| move |problem| Note { about, problem };
    let unread = no_machines(kind, settings, in_force).map(about(About::Builders));
    let machines = [external(in_force), later_darwin(root, kind)];
    let machines = unread.into_iter().chain(machines.into_iter().flatten().map(about(About::Machines)));
    let ssh = not_included(root).into_iter().map(about(About::Ssh));
    let aliases =
        BuilderId::ALL.into_iter().filter_map(|b| alias_elsewhere(root, b).map(about(About::Alias(b))));
    machines.chain(ssh).chain(aliases).collect()
}

/// Nix does not read the machines file.
fn no_machines(kind: InstallKind, settings: Option<&str>, in_force: &Settings) -> Option<Problem> {
    if in_force.reads_machines() {
        return None;
    }
    let set = in_force.get("builders")?;
    let remedy = match kind {
        InstallKind::NixDarwin | InstallKind::NixOs => "Set nix.distributedBuilds = true there".to_owned(),
        // a block of Igloo's at the end of that same file would be the later one
        _ if set.value.is_empty() && settings == Some(&set.file) => {
            "Remove that line, or let Igloo set `builders = @/etc/nix/machines`".into()
        }
        _ if set.value.is_empty() => "Remove that line".into(),
        _ => format!("Add ` ; @/etc/nix/machines` to that line of {}", set.file),
    };
    let message = format!("{} sets `{}`, so Nix does not read {MACHINES}", set.file, set.line());
    Some(Problem::new(Code::NotManaged, message, remedy))
}

/// Another builder for the same systems. Nix asks the machines first; only what all of them decline may be built
/// here, and `external-builders` are a way to build here (`src/libstore/build/derivation-building-goal.cc`).
pub(crate) fn external(in_force: &Settings) -> Option<Problem> {
    let set = in_force.get("external-builders")?;
    if matches!(set.value.as_str(), "" | "[]" | "[ ]") {
        return None;
    }
    Some(Problem::new(
        Code::NotManaged,
        format!(
            "{} sets `external-builders`, as Determinate's native Linux builder does: both would be there, and Igloo's gets \
             every build whose system and features its line in {MACHINES} names, the other one the rest",
            set.file
        ),
        "Keep both if that is what you want, else turn one of them off",
    ))
}

/// nix-darwin is there and leaves Nix alone. Should it not one day, a file that it wants to write is in its way.
fn later_darwin(root: &Root, kind: InstallKind) -> Option<Problem> {
    let darwin = root.platform() == Platform::MacOs
        && kind != InstallKind::NixDarwin
        && (look::there(root, "/run/current-system") || look::there(root, "/etc/static"));
    darwin.then(|| {
        Problem::new(
            Code::NotManaged,
            format!(
                "nix-darwin is in use and leaves Nix alone; if it is to manage Nix one day, its activation stops at \
                 `Unexpected files in /etc` because of {MACHINES} and at settings in /etc/nix/nix.custom.conf"
            ),
            "Undo Igloo's setup before you set nix.enable = true, and use nix.buildMachines from then on",
        )
    })
}

/// ssh does not read the folder that the alias goes to.
fn not_included(root: &Root) -> Option<Problem> {
    let config = look::text(root, SSH_CONFIG).unwrap_or_default();
    (!ssh_conf::includes_folder(&config)).then(|| {
        Problem::new(
            Code::NotManaged,
            format!(
                "{SSH_CONFIG} does not include /etc/ssh/ssh_config.d, so ssh will not see the builder's alias"
            ),
            "Add `Include /etc/ssh/ssh_config.d/*.conf` at its top",
        )
    })
}

/// Another file gives the alias values of its own, as nix-darwin's `100-linux-builder.conf` does.
pub(crate) fn alias_elsewhere(root: &Root, builder: BuilderId) -> Option<Problem> {
    let own = file_path(root.platform(), ManagedFile::SshHost(builder));
    let folder = folder_path(root.platform(), ManagedFolder::SshConfig);
    let names =
        look::names(root, folder).into_iter().filter(|name| name.ends_with(".conf")).take(MAX_FILES * 4);
    let files = std::iter::once(SSH_CONFIG.to_owned()).chain(names.map(|name| format!("{folder}/{name}")));
    let alias = builder.alias();
    let file = files.into_iter().find(|file| {
        let text = look::text(root, file).unwrap_or_default();
        ssh_conf::names_host(&if *file == own { ssh_conf::remove(&text) } else { text }, alias)
    })?;
    Some(Problem::new(
        Code::NotManaged,
        format!(
            "{file} has a `Host {alias}` of its own, and ssh takes the first value that it finds of each option"
        ),
        "Remove that block, or turn the program off that wrote it",
    ))
}

/// Others have an entry for the builder's alias.
pub(crate) fn taken(place: &str, builder: BuilderId, entry: &str) -> Problem {
    Problem::new(
        Code::NotManaged,
        format!("{place} has an entry for {} that Igloo did not write: {entry}", builder.alias()),
        "Remove that entry, or turn the program off that wrote it, then try again",
    )
}

/// An entry for the builder's alias that is not the one that Igloo writes in the machines file: in a file that
/// this one takes in by `@file`, or in the setting `builders` itself.
pub(crate) fn entry_elsewhere(root: &Root, builder: BuilderId, in_force: &Settings) -> Option<Problem> {
    if let Some(set) = in_force.get("builders")
        && let Some(entry) = machines::any(&set.value, builder)
    {
        return Some(taken(&set.file, builder, entry));
    }
    let mut left = files_from(&look::text(root, MACHINES).unwrap_or_default());
    let mut seen: Vec<String> = vec![MACHINES.to_owned()];
    while let Some(file) = left.pop() {
        if seen.contains(&file) || seen.len() > MAX_FILES {
            continue;
        }
        let text = look::text(root, &file).unwrap_or_default();
        if let Some(entry) = machines::any(&text, builder) {
            return Some(taken(&file, builder, entry));
        }
        left.extend(files_from(&text));
        seen.push(file);
    }
    None
}

/// The files that a machines file takes in. Relative ones start wherever the daemon runs, so they are not followed.
fn files_from(text: &str) -> Vec<String> {
    let file = |entry| match entry {
        Entry::File(path) if path.starts_with('/') => Some(path.to_owned()),
        _ => None,
    };
    machines::read(text).into_iter().filter_map(file).collect()
}
