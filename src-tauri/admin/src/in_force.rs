//! What the system's `nix.conf` sets, with all that it includes: the order in which Nix reads, as one list.

use crate::look;
use crate::nix_conf::{MACHINES, What, parse};
use crate::root::Root;

pub(crate) const NIX_CONF: &str = "/etc/nix/nix.conf";

/// How deep `include` is followed, and how many files are read. Nix has no bound, and ends in an error.
const MAX_DEPTH: usize = 8;
const MAX_FILES: usize = 64;

/// Everything that is set, in the order in which Nix reads it.
#[derive(Debug, Default)]
pub(crate) struct Settings {
    all: Vec<Assignment>,
    /// The files that were read or looked for, in that order.
    pub files: Vec<String>,
}

/// One line that sets something.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Assignment {
    /// The file that it stands in.
    pub file: String,
    /// The setting, without `extra-`.
    name: String,
    /// Whether it adds to what was set before.
    extra: bool,
    /// Its words, with a blank between two.
    pub value: String,
}

impl Assignment {
    /// The line, as one would write it, with nothing in it that could disturb a message.
    pub fn line(&self) -> String {
        format!("{} = {}", self.name, self.value.escape_debug()).trim_end().to_owned()
    }
}

/// The settings of the system under `root`; `instead` stands for the text of a file that is not written yet.
pub(crate) fn settings(root: &Root, instead: Option<(&str, &str)>) -> Settings {
    collect(&|path| match instead {
        Some((file, text)) if file == path => Some(text.to_owned()),
        _ => look::text(root, path),
    })
}

fn collect(read: &dyn Fn(&str) -> Option<String>) -> Settings {
    let mut settings = Settings::default();
    follow(read, NIX_CONF, 0, &mut settings);
    settings
}

fn follow(read: &dyn Fn(&str) -> Option<String>, path: &str, depth: usize, settings: &mut Settings) {
    if depth > MAX_DEPTH || settings.files.len() >= MAX_FILES {
        return;
    }
    settings.files.push(path.to_owned());
    let Some(text) = read(path) else { return };
    for line in parse(&text).lines {
        match line.what {
            What::Include { path: file, .. } => follow(read, &resolve(path, file), depth + 1, settings),
            What::Set { name, value } => {
                let (name, extra) = name.strip_prefix("extra-").map_or((name, false), |name| (name, true));
                settings.all.push(Assignment { file: path.to_owned(), name: name.to_owned(), extra, value });
            }
            What::Nothing | What::Malformed => {}
        }
    }
}

impl Settings {
    /// The line that gives a setting its value. `extra-` counts for lists alone: `extra-builders`, for one, is a
    /// setting that Nix does not know.
    pub fn get(&self, name: &str) -> Option<&Assignment> {
        self.all.iter().rev().find(|a| a.name == name && !a.extra)
    }

    /// A list's words, `default` where nothing replaces it.
    pub fn list<'a>(&'a self, name: &str, default: &[&'a str]) -> Vec<&'a str> {
        let mut words = default.to_vec();
        for a in self.all.iter().filter(|a| a.name == name) {
            if !a.extra {
                words.clear();
            }
            words.extend(a.value.split(' ').filter(|w| !w.is_empty()));
        }
        words
    }

    /// Whether the first file or one that it includes takes `path` in.
    pub fn includes(&self, path: &str) -> bool {
        self.files.iter().any(|file| file == path)
    }

    /// Whether Nix reads `/etc/nix/machines`: by default it does.
    pub fn reads_machines(&self) -> bool {
        self.get("builders").is_none_or(|a| names_machines(&a.value))
    }
}

/// Whether a value of `builders` makes Nix read `/etc/nix/machines`.
pub(crate) fn names_machines(builders: &str) -> bool {
    builders.split([';', '\n']).any(|entry| entry.trim() == MACHINES)
}

/// An included path: a relative one starts at the including file's folder. Its `.` and `..` are taken out.
fn resolve(from: &str, file: &str) -> String {
    let folder = from.rsplit_once('/').map_or("", |(folder, _)| folder);
    let whole = if file.starts_with('/') { file.to_owned() } else { format!("{folder}/{file}") };
    let mut words: Vec<&str> = Vec::new();
    for word in whole.split('/') {
        match word {
            "" | "." => {}
            ".." => drop(words.pop()),
            word => words.push(word),
        }
    }
    format!("/{}", words.join("/"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(files: &[(&str, &str)]) -> Settings {
        collect(&|path| files.iter().find(|(p, _)| *p == path).map(|(_, text)| (*text).to_owned()))
    }

    fn builders(files: &[(&str, &str)]) -> Option<String> {
        of(files).get("builders").map(|a| a.value.clone())
    }

    #[test]
    fn the_last_value_counts_also_from_an_included_file() {
        assert_eq!(builders(&[]), None);
        assert_eq!(builders(&[(NIX_CONF, "# builders = x\ncores = 1\n")]), None);
        assert_eq!(builders(&[(NIX_CONF, "builders = @/a\nbuilders =\n")]), Some(String::new()));
        let custom = [
            (NIX_CONF, "builders = a\n!include ./x/../custom\n!include none\ncores = 2"),
            ("/etc/nix/custom", "builders = b ; c # d"),
        ];
        assert_eq!(builders(&custom), Some("b ; c".into()));
        assert!(of(&custom).includes("/etc/nix/custom") && !of(&custom).includes("/etc/nix/other"));
        // the line behind the include is the later one
        assert_eq!(
            builders(&[(NIX_CONF, "!include /a\nbuilders = late"), ("/a", "builders = x")]),
            Some("late".into())
        );
    }

    #[test]
    fn files_that_include_each_other_come_to_an_end() {
        let chain = [(NIX_CONF, "include /a\ninclude /a\n"), ("/a", "include /a\ninclude /a\nbuilders = y")];
        let settings = of(&chain);
        assert_eq!(settings.files.len(), MAX_FILES);
    }

    #[test]
    fn extra_adds_to_a_list_and_to_nothing_else() {
        let text = "extra-builders = ssh://a\nextra-trusted-users = a\ntrusted-users = root b\nextra-trusted-users = c d";
        let settings = of(&[(NIX_CONF, text)]);
        assert_eq!(settings.get("builders"), None);
        assert_eq!(settings.list("trusted-users", &["root"]), ["root", "b", "c", "d"]);
        assert_eq!(
            of(&[(NIX_CONF, "extra-trusted-users = a")]).list("trusted-users", &["root"]),
            ["root", "a"]
        );
    }

    #[test]
    fn only_a_value_that_names_the_machines_file_reads_it() {
        let reads = |value: &str| of(&[(NIX_CONF, &format!("builders = {value}\n"))]).reads_machines();
        assert!(of(&[]).reads_machines() && reads("ssh://a;@/etc/nix/machines"));
        for no in [
            "",
            "ssh://a",
            "@/etc/nix/machines.d",
            "@/etc/other",
            "# @/etc/nix/machines",
            "ssh://a @/etc/nix/machines",
        ] {
            assert!(!reads(no), "{no}");
        }
    }
}
