//! The terminals that are known: what each is called, where it is looked for, and how it is asked to run a
//! command. Pure, so that what a Mac would do is tested anywhere.

use igloo_admin::elevate::shell_line;
use std::{
    ffi::OsString,
    path::{Path, PathBuf},
};

/// How a terminal is asked to run a command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum How {
    /// The program takes the command after these words.
    Program(&'static [&'static str]),
    /// A new instance of the app takes the command after these words.
    App(&'static [&'static str]),
    /// The app runs a file that it is given to open. To tell it a command would need the user's leave to control
    /// the app, which macOS asks for in a dialog of its own.
    File,
}

/// A terminal that is known.
#[derive(Debug, PartialEq, Eq)]
pub struct Known {
    /// What it is called in settings.
    pub id: &'static str,
    /// What it is called to people.
    pub name: &'static str,
    /// What its program or app is called in its folder.
    file: &'static str,
    how: How,
}

/// The names by which Linux desktops know the user's terminal: freedesktop's proposal, and Debian's alternative.
pub const LINUX: &[Known] = &[
    Known {
        id: "xdg-terminal-exec",
        name: "The desktop’s (xdg-terminal-exec)",
        file: "xdg-terminal-exec",
        how: How::Program(&[]),
    },
    Known {
        id: "x-terminal-emulator",
        name: "The system’s (x-terminal-emulator)",
        file: "x-terminal-emulator",
        how: How::Program(&["-e"]),
    },
];

/// The terminals of macOS; its own, which is always there, first.
pub const MACOS: &[Known] = &[
    Known { id: "terminal", name: "Terminal", file: "Terminal.app", how: How::File },
    Known { id: "iterm2", name: "iTerm2", file: "iTerm.app", how: How::File },
    Known { id: "ghostty", name: "Ghostty", file: "Ghostty.app", how: How::App(&["-e"]) },
    Known { id: "wezterm", name: "WezTerm", file: "WezTerm.app", how: How::App(&["start", "--"]) },
    Known { id: "kitty", name: "kitty", file: "kitty.app", how: How::App(&[]) },
    Known { id: "alacritty", name: "Alacritty", file: "Alacritty.app", how: How::App(&["-e"]) },
];

/// The folders in which a Mac has its apps: Apple's, everybody's, the user's, and those that nix-darwin and Home
/// Manager fill.
pub fn app_folders(home: &Path) -> Vec<PathBuf> {
    let user = home.join("Applications");
    let nix =
        [PathBuf::from("/Applications/Nix Apps"), user.join("Nix Apps"), user.join("Home Manager Apps")];
    let usual = ["/System/Applications/Utilities", "/Applications"].map(PathBuf::from);
    usual.into_iter().chain([user]).chain(nix).collect()
}

/// A known terminal, and where it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// Which it is.
    pub known: &'static Known,
    /// Its program or app.
    pub at: PathBuf,
}

/// Those of `known` that are in one of the folders, in their order.
pub fn found(known: &'static [Known], folders: &[PathBuf], is_there: impl Fn(&Path) -> bool) -> Vec<Found> {
    let place = |known: &'static Known| {
        let at = folders.iter().map(|folder| folder.join(known.file)).find(|at| is_there(at))?;
        Some(Found { known, at })
    };
    known.iter().filter_map(place).collect()
}

/// The one that is chosen, or the first where none is, or it is not there any more.
pub fn choose<'f>(found: &'f [Found], chosen: Option<&str>) -> Option<&'f Found> {
    let named = chosen.and_then(|id| found.iter().find(|f| f.known.id == id));
    named.or_else(|| found.first())
}

impl Found {
    /// The words that open a window in which the command runs. `file` holds its [`script`] where one is needed.
    pub fn words(&self, command: &[OsString], file: &Path) -> Vec<OsString> {
        let at = self.at.clone().into_os_string();
        let (before, after) = match self.known.how {
            How::Program(words) => (vec![at], words),
            How::App(words) => (vec!["open".into(), "-na".into(), at, "--args".into()], words),
            How::File => return vec!["open".into(), "-a".into(), at, file.into()],
        };
        before.into_iter().chain(after.iter().map(OsString::from)).chain(command.iter().cloned()).collect()
    }

    /// Whether it takes the command from a file.
    pub fn needs_file(&self) -> bool {
        self.known.how == How::File
    }
}

/// What a shell runs to run the command.
pub fn script(command: &[OsString]) -> String {
    format!("#!/bin/sh\nexec {}\n", shell_line(command))
}

/// The command that gives a shell in a builder. A terminal may be a process that runs since long before, so the home
/// of an Igloo that is not the user's usual one is named.
pub fn command(igloo: &Path, builder: &str, home: Option<OsString>) -> Vec<OsString> {
    let named = home.map(|home| {
        let mut assignment = OsString::from("IGLOO_HOME=");
        assignment.push(home);
        ["/usr/bin/env".into(), assignment]
    });
    named.into_iter().flatten().chain([igloo.into(), "ssh".into(), builder.into()]).collect()
}

#[cfg(test)]
#[path = "known_tests.rs"]
mod tests;
