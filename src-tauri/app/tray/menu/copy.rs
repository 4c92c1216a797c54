//! The submenu of texts to copy.

use super::{Click, Entry, Id, Text};
use crate::setup::{Choice, operations};
use igloo_admin::elevate::shell_line;
use igloo_protocol::{BuilderView, InstallKind, SshAccess, plan::Operation};

/// What of each builder can be copied.
pub fn submenu(builders: &[&BuilderView], program: &str) -> Entry {
    let several = builders.len() > 1;
    let mut within: Vec<Entry> = builders.iter().flat_map(|b| of(b, several, program)).collect();
    if within.is_empty() {
        within.push(Entry::words(Id::NoCopy, "Nothing to copy"));
    }
    Entry::submenu(Id::CopyMenu, "Copy", within)
}

fn of(b: &BuilderView, several: bool, program: &str) -> Vec<Entry> {
    let entry = |what: Text| {
        let name = match what {
            Text::Ssh => "ssh Command",
            Text::Machine => "Machines Line",
            Text::Flags => "nix build Options",
        };
        let system = if several { format!(" · {}", b.id.system()) } else { String::new() };
        let text = text(what, b, program);
        Entry::line(Id::Copy(b.id, what), format!("{name}{system}"), text.map(Click::Copy))
    };
    Text::ALL.map(entry).into()
}

/// The text. `None`: only once the builder is ready it can be told what it builds and which host key it shows.
pub fn text(what: Text, b: &BuilderView, program: &str) -> Option<String> {
    match what {
        Text::Ssh => Some(format!("{program} ssh {}", b.id)),
        Text::Machine => machine_line(b),
        // no jobs here: else Nix builds what this machine can build itself
        Text::Flags => {
            machine_line(b).map(|line| format!("--max-jobs 0 --builders {}", shell_line(&[line.into()])))
        }
    }
}

fn machine_line(b: &BuilderView) -> Option<String> {
    let guest = b.running.as_ref()?;
    let access = SshAccess {
        port: b.port,
        user: guest.user.clone(),
        identity: Default::default(),
        agent: None,
        alias: b.alias.clone(),
        host_key: guest.host_key.clone(),
    };
    let mut ops = operations(b, &access, &Choice::default()).ok()?;
    ops.retain(|op| matches!(op, Operation::Machine(_)));
    // a comment that names the file, then the line
    igloo_admin::snippet(InstallKind::Official, &ops).lines().nth(1).map(str::to_owned)
}
