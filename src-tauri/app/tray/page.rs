//! The pages of the window.

/// A page of the window. Its route is what `ui/src/model/route.ts` takes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Page {
    /// The builders: what a bare launch of the app shows.
    #[default]
    Builders,
    /// What is built.
    Queue,
    /// The settings of Nix.
    Nix,
    /// Igloo's settings.
    Settings,
    /// The consoles of the guests.
    Logs,
    /// The first run.
    Welcome,
}

impl Page {
    /// Every page.
    pub const ALL: [Page; 6] =
        [Page::Builders, Page::Queue, Page::Nix, Page::Settings, Page::Logs, Page::Welcome];

    /// Its name in routes and on the command line.
    pub const fn name(self) -> &'static str {
        match self {
            Page::Builders => "builders",
            Page::Queue => "queue",
            Page::Nix => "nix",
            Page::Settings => "settings",
            Page::Logs => "logs",
            Page::Welcome => "welcome",
        }
    }

    /// The page with this name.
    pub fn named(name: &str) -> Option<Page> {
        Page::ALL.into_iter().find(|page| page.name() == name)
    }

    /// Its route in the window (`#/nix`).
    pub fn route(self) -> String {
        format!("#/{}", self.name())
    }
}
