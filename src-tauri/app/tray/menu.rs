//! What the tray shows: snapshot in, menu out.

use super::silhouette::Silhouette;
use igloo_protocol::{BuilderId, BuilderView, Command, Phase, Snapshot, StopMode};

/// All that the tray shows at one moment.
#[derive(Clone, Debug, PartialEq)]
pub struct MenuModel {
    /// The status item's picture.
    pub silhouette: Silhouette,
    /// Its tooltip, and its name to a screen reader: begins with the app's name.
    pub tooltip: String,
    /// The menu, top to bottom. Ids are unique, and entries that two models share are in the same order.
    pub entries: Vec<Entry>,
}

/// A line of the menu.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    /// Which one: stays the same while its text changes.
    pub id: Id,
    /// What it says; empty for [`Id::Rule`].
    pub text: String,
    /// What a click does; `None`: it is greyed.
    pub click: Option<Click>,
}

/// Which line of the menu.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Id {
    /// Why there is no builder to show.
    Empty,
    /// A builder's state.
    Header(BuilderId),
    /// What is wrong with a builder.
    Note(BuilderId),
    /// Starts or stops a builder.
    Toggle(BuilderId),
    /// The separator above Quit.
    Rule,
    /// Ends the app.
    Quit,
}

impl Id {
    /// A name for the toolkit, which wants text.
    pub fn key(self) -> String {
        match self {
            Id::Empty => "empty".into(),
            Id::Header(b) => format!("header.{b}"),
            Id::Note(b) => format!("note.{b}"),
            Id::Toggle(b) => format!("toggle.{b}"),
            Id::Rule => "rule".into(),
            Id::Quit => "quit".into(),
        }
    }
}

/// What a click does.
#[derive(Clone, Debug, PartialEq)]
pub enum Click {
    /// Asks the engine for something.
    Command(Command),
    /// Ends the app.
    Quit,
}

/// The menu for what the engine says; `None`: no engine runs.
pub fn menu(snapshot: Option<&Snapshot>) -> MenuModel {
    let builders: Vec<&BuilderView> = snapshot.map(shown).unwrap_or_default();
    let mut entries: Vec<Entry> = builders.iter().copied().flat_map(builder).collect();
    if entries.is_empty() {
        let why = if snapshot.is_some() { "No builder is enabled" } else { "No engine runs" };
        entries.push(line(Id::Empty, why));
    }
    let headers: Vec<&str> =
        entries.iter().filter(|e| matches!(e.id, Id::Empty | Id::Header(_))).map(|e| &*e.text).collect();
    let tooltip = format!("Igloo\n{}", headers.join("\n"));
    entries.push(line(Id::Rule, ""));
    entries.push(Entry { id: Id::Quit, text: "Quit Igloo".into(), click: Some(Click::Quit) });
    MenuModel { silhouette: Silhouette::of(builders.iter().map(|b| &b.phase)), tooltip, entries }
}

/// The builders that have a place in the menu. One that was disabled while it runs keeps it: else
/// nothing could stop it.
fn shown(snapshot: &Snapshot) -> Vec<&BuilderView> {
    snapshot.builders.iter().filter(|b| b.enabled || b.phase.is_up()).collect()
}

fn builder(b: &BuilderView) -> impl Iterator<Item = Entry> {
    let header = line(Id::Header(b.id), format!("{}: {}", b.id.system(), state(b)));
    let problem = match &b.phase {
        Phase::Failed { problem } => Some(problem),
        _ => b.warning.as_ref(),
    };
    let note = problem.map(|p| line(Id::Note(b.id), shorten(&p.message)));
    [Some(header), note, Some(toggle(b.id, &b.phase))].into_iter().flatten()
}

fn line(id: Id, text: impl Into<String>) -> Entry {
    Entry { id, text: text.into(), click: None }
}

fn state(b: &BuilderView) -> String {
    match &b.phase {
        Phase::Stopped => "Stopped".into(),
        Phase::Preparing { step } => format!("Starting · {}", step.describe()),
        Phase::Booting { rung: None } => "Starting".into(),
        Phase::Booting { rung: Some(rung) } => format!("Starting · {rung}"),
        Phase::Ready => ready(b),
        Phase::Draining { builds } => format!("Stopping after {}", count(*builds)),
        Phase::Stopping => "Stopping".into(),
        Phase::Failed { .. } => "Failed".into(),
    }
}

/// `Ready · 2 builds · 4.1 GiB`, without what is not known.
fn ready(b: &BuilderView) -> String {
    let builds = b.builds.as_ref().map(|builds| count(builds.len()));
    let usage = b.running.as_ref().and_then(|guest| guest.usage.as_ref());
    let memory = usage.map(|u| format!("{:.1} GiB", u.memory_used as f64 / f64::from(1 << 30)));
    [Some("Ready".to_owned()), builds, memory].into_iter().flatten().collect::<Vec<_>>().join(" · ")
}

fn count(builds: usize) -> String {
    match builds {
        0 => "no builds".into(),
        1 => "1 build".into(),
        n => format!("{n} builds"),
    }
}

fn toggle(builder: BuilderId, phase: &Phase) -> Entry {
    let stop = |mode| Some(Command::Stop { builder, mode });
    let (text, command) = match phase {
        Phase::Stopped | Phase::Failed { .. } => ("Start", Some(Command::Start { builder })),
        Phase::Preparing { .. } | Phase::Booting { .. } => ("Cancel Start", stop(StopMode::Now)),
        Phase::Ready => ("Stop", stop(StopMode::Wait)),
        Phase::Draining { .. } => ("Stop Now", stop(StopMode::Now)),
        Phase::Stopping => ("Stop", None),
    };
    Entry { id: Id::Toggle(builder), text: text.into(), click: command.map(Click::Command) }
}

/// A menu is as wide as its longest line, so a message is cut.
fn shorten(message: &str) -> String {
    const MOST: usize = 60;
    match message.char_indices().nth(MOST) {
        None => message.into(),
        Some((end, _)) => format!("{}…", message[..end].trim_end()),
    }
}

#[cfg(test)]
#[path = "menu_tests.rs"]
mod tests;
