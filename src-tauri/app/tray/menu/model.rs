//! What a menu is made of.

use crate::tray::{page::Page, silhouette::Silhouette};
use igloo_protocol::{BuilderId, Command, ServiceKind, plan::ServiceAction};

/// All that the tray shows at one moment.
#[derive(Clone, Debug, PartialEq)]
pub struct MenuModel {
    /// The status item's picture.
    pub silhouette: Silhouette,
    /// Whether the picture has the badge that says that builds run.
    pub badge: bool,
    /// Its tooltip: the app's name, then a line a builder.
    pub tooltip: String,
    /// Its name to a screen reader: the app and the state, in one line.
    pub title: String,
    /// The menu, top to bottom. Ids are unique, and entries that two models share are in the same order.
    pub entries: Vec<Entry>,
}

impl MenuModel {
    /// The entry with this key, wherever in the menu it is.
    pub fn find(&self, key: &str) -> Option<&Entry> {
        find(&self.entries, key)
    }
}

fn find<'e>(entries: &'e [Entry], key: &str) -> Option<&'e Entry> {
    entries.iter().find_map(|entry| match &entry.kind {
        _ if entry.id.key() == key => Some(entry),
        Kind::Submenu(within) => find(within, key),
        _ => None,
    })
}

/// A line of the menu.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    /// Which one: stays the same while its text changes.
    pub id: Id,
    /// What it says; empty for [`Kind::Rule`].
    pub text: String,
    /// What kind of line it is; the same in every model that has the entry.
    pub kind: Kind,
    /// What a click does; `None`: it is greyed.
    pub click: Option<Click>,
}

impl Entry {
    /// A line that does something, or is greyed.
    pub fn line(id: Id, text: impl Into<String>, click: Option<Click>) -> Entry {
        Entry { id, text: text.into(), kind: Kind::Line, click }
    }

    /// A line that only says something.
    pub fn words(id: Id, text: impl Into<String>) -> Entry {
        Entry::line(id, text, None)
    }

    /// A line between others.
    pub fn rule(number: u8) -> Entry {
        Entry { id: Id::Rule(number), text: String::new(), kind: Kind::Rule, click: None }
    }

    /// A menu in the menu.
    pub fn submenu(id: Id, text: impl Into<String>, within: Vec<Entry>) -> Entry {
        Entry { id, text: text.into(), kind: Kind::Submenu(within), click: None }
    }

    /// Whether it is not greyed. A submenu never is: what is in it says why there is nothing.
    pub fn enabled(&self) -> bool {
        self.click.is_some() || matches!(self.kind, Kind::Submenu(_))
    }
}

/// What kind of line it is.
#[derive(Clone, Debug, PartialEq)]
pub enum Kind {
    /// Text.
    Line,
    /// Text with a mark that says whether it is on.
    Check(bool),
    /// A menu of its own.
    Submenu(Vec<Entry>),
    /// A separator.
    Rule,
}

/// Which line of the menu.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Id {
    /// Why there is no builder to show.
    Empty,
    /// A builder's state.
    Header(BuilderId),
    /// Starts or stops a builder.
    Toggle(BuilderId),
    /// Stops a builder though builds run.
    StopNow(BuilderId),
    /// Whether a builder forgets everything.
    Ephemeral(BuilderId),
    /// Opens a shell in a builder.
    Terminal(BuilderId),
    /// The state of another program's service.
    Service(ServiceKind),
    /// Starts or stops a service.
    ServiceToggle(ServiceKind),
    /// The submenu of builds.
    Builds,
    /// What stands there when there is no build.
    NoBuilds,
    /// A build: the builder, and what tells it from its other builds.
    Build(BuilderId, String),
    /// The submenu of texts to copy.
    CopyMenu,
    /// What stands there when there is nothing to copy.
    NoCopy,
    /// A text about a builder to copy.
    Copy(BuilderId, Text),
    /// Opens the window to set Nix up.
    Nix,
    /// Opens the window's settings.
    Settings,
    /// A separator.
    Rule(u8),
    /// Ends the app.
    Quit,
}

impl Id {
    /// A name for the toolkit, which wants text.
    pub fn key(&self) -> String {
        match self {
            Id::Empty => "empty".into(),
            Id::Header(b) => format!("header.{b}"),
            Id::Toggle(b) => format!("toggle.{b}"),
            Id::StopNow(b) => format!("stop-now.{b}"),
            Id::Ephemeral(b) => format!("ephemeral.{b}"),
            Id::Terminal(b) => format!("terminal.{b}"),
            Id::Service(kind) => format!("service.{}", kind.label()),
            Id::ServiceToggle(kind) => format!("service-toggle.{}", kind.label()),
            Id::Builds => "builds".into(),
            Id::NoBuilds => "no-builds".into(),
            Id::Build(b, which) => format!("build.{b}.{which}"),
            Id::CopyMenu => "copy".into(),
            Id::NoCopy => "no-copy".into(),
            Id::Copy(b, text) => format!("copy.{b}.{}", text.key()),
            Id::Nix => "nix".into(),
            Id::Settings => "settings".into(),
            Id::Rule(n) => format!("rule.{n}"),
            Id::Quit => "quit".into(),
        }
    }
}

/// A text about a builder that can be copied.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Text {
    /// The command that opens a shell in it.
    Ssh,
    /// Its line in `/etc/nix/machines`.
    Machine,
    /// The options by which one `nix build` uses it.
    Flags,
}

impl Text {
    /// Every text, in the order of the menu.
    pub const ALL: [Text; 3] = [Text::Ssh, Text::Machine, Text::Flags];

    const fn key(self) -> &'static str {
        match self {
            Text::Ssh => "ssh",
            Text::Machine => "machine",
            Text::Flags => "flags",
        }
    }
}

/// What a click does.
#[derive(Clone, Debug, PartialEq)]
pub enum Click {
    /// Asks the engine for something.
    Command(Command),
    /// Opens a terminal with a shell in a builder.
    Terminal(BuilderId),
    /// Has `igloo-admin` start or stop nix-darwin's own builder.
    Service(ServiceAction),
    /// Puts a text into the clipboard.
    Copy(String),
    /// Opens the window.
    Open(Page),
    /// Ends the app.
    Quit,
}
