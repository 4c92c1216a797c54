//! What the tray shows: what is known of the engine in, menu out.

mod builder;
mod builds;
mod copy;
mod model;
mod service;

pub use model::{Click, Entry, Id, Kind, MenuModel, Text};

use super::{page::Page, seen::Seen, silhouette::Silhouette};
use igloo_protocol::{BuilderView, Phase, Setup, Snapshot};

/// The menu for what is known of the engine. `program`: the command line's `igloo`, as a shell takes it.
pub fn menu(seen: &Seen, program: &str) -> MenuModel {
    let builders: Vec<&BuilderView> = seen.snapshot.as_deref().map(shown).unwrap_or_default();
    let states = match builders[..] {
        [] => vec![empty(seen)],
        _ => builders.iter().map(|b| builder::headline(b)).collect(),
    };
    let mut entries = Vec::new();
    for (nth, b) in builders.iter().enumerate() {
        entries.extend((nth > 0).then(|| Entry::rule(1)));
        entries.extend(builder::entries(b));
    }
    if builders.is_empty() {
        entries.push(Entry::words(Id::Empty, empty(seen)));
    }
    let services = seen.snapshot.as_deref().map_or(&[][..], |snapshot| &snapshot.services);
    entries.extend((!services.is_empty()).then(|| Entry::rule(5)));
    entries.extend(services.iter().flat_map(service::entries));
    entries.extend([
        Entry::rule(2),
        builds::submenu(&builders),
        copy::submenu(&builders, program),
        Entry::rule(3),
        Entry::line(Id::Nix, nix(&builders), Some(Click::Open(Page::Nix))),
        Entry::line(Id::Settings, "Settings…", Some(Click::Open(Page::Settings))),
        Entry::rule(4),
        Entry::line(Id::Quit, quit(seen, &builders), Some(Click::Quit)),
    ]);
    MenuModel {
        silhouette: silhouette(seen, &builders),
        badge: running(&builders) > 0,
        tooltip: format!("Igloo\n{}", states.join("\n")),
        title: format!("Igloo, {}", states.join(", ")),
        entries,
    }
}

/// The builders that have a place in the menu. One that was disabled while it runs keeps it: else
/// nothing could stop it.
fn shown(snapshot: &Snapshot) -> Vec<&BuilderView> {
    snapshot.builders.iter().filter(|b| b.enabled || b.phase.is_up()).collect()
}

fn empty(seen: &Seen) -> String {
    match (&seen.snapshot, &seen.trouble) {
        (Some(_), _) => "No builder is enabled".into(),
        (None, Some(problem)) => shorten(&format!("Can't run: {}", problem.message)),
        (None, None) => "Starting".into(),
    }
}

fn silhouette(seen: &Seen, builders: &[&BuilderView]) -> Silhouette {
    if seen.snapshot.is_none() && seen.trouble.is_some() {
        return Silhouette::Problem;
    }
    Silhouette::of(builders.iter().map(|b| &b.phase))
}

/// How many builds run, as far as is known.
fn running(builders: &[&BuilderView]) -> usize {
    builders.iter().filter_map(|b| b.builds.as_ref()).map(Vec::len).sum()
}

/// The entry that leads to Nix' settings, named after what there is to do.
fn nix(builders: &[&BuilderView]) -> &'static str {
    let any = |is: fn(&Setup) -> bool| builders.iter().any(|b| is(&b.setup));
    if any(|s| matches!(s, Setup::Drifted { .. })) {
        "Repair Nix Settings…"
    } else if !builders.is_empty() && builders.iter().all(|b| b.setup == Setup::InPlace) {
        "Nix Settings…"
    } else {
        "Set Up Nix…"
    }
}

/// Quit, and what it does: machines outlive the app, but with the engine goes the port that Nix reaches them at.
fn quit(seen: &Seen, builders: &[&BuilderView]) -> String {
    let up: Vec<&str> = builders.iter().filter(|b| b.phase.is_up()).map(|b| b.id.system().as_str()).collect();
    if seen.snapshot.is_some() && !seen.hosted {
        return "Quit Igloo · igloo serve goes on".into();
    }
    let goes_on = match up[..] {
        [] => return "Quit Igloo".into(),
        [one] => format!("{one} keeps running"),
        _ => format!("{} keep running", up.join(" and ")),
    };
    match running(builders) {
        0 => format!("Quit Igloo · {goes_on}"),
        n => format!("Quit Igloo · {} stop{}, {goes_on}", count(n), if n == 1 { "s" } else { "" }),
    }
}

/// `2 builds`
fn count(builds: usize) -> String {
    match builds {
        0 => "no builds".into(),
        1 => "1 build".into(),
        n => format!("{n} builds"),
    }
}

/// A menu is as wide as its longest line, so a message is cut.
fn shorten(message: &str) -> String {
    const MOST: usize = 60;
    match message.char_indices().nth(MOST) {
        None => message.into(),
        Some((end, _)) => format!("{}…", message[..end].trim_end()),
    }
}

/// Whether a shell can be opened in a builder's guest.
fn answers(b: &BuilderView) -> bool {
    matches!(b.phase, Phase::Ready | Phase::Draining { .. })
}

#[cfg(test)]
mod tests;
