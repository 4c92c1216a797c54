//! apt with sources and lists of our own: the machine's sources and lists stay as they are.

pub mod sources;

use crate::{cache, run};
use anyhow::{Context, Result};
use sources::Source;
use std::{
    fs::{self, File},
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

/// Lists of packages older than this are fetched again.
const FRESH: Duration = Duration::from_secs(24 * 60 * 60);

/// What `/etc/os-release` says.
#[derive(Debug, PartialEq, Eq)]
pub struct Release {
    /// `debian`, `ubuntu`, …
    pub id: String,
    /// `bookworm`, …; empty where there is none, as on Debian's sid.
    pub codename: String,
}

impl Release {
    /// This machine's; `None` where there is no such file.
    pub fn of_this_machine() -> Option<Release> {
        Some(release(&fs::read_to_string("/etc/os-release").ok()?))
    }

    /// Whether packages have Debian's names and come by apt.
    pub fn has_apt(&self) -> bool {
        matches!(self.id.as_str(), "debian" | "ubuntu")
    }
}

fn release(text: &str) -> Release {
    let field = |name: &str| {
        let value = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix('='));
        value.unwrap_or_default().trim_matches('"').to_owned()
    };
    Release { id: field("ID"), codename: field("VERSION_CODENAME") }
}

/// The machine's own apt sources.
pub fn machine_sources() -> Result<Vec<Source>> {
    let mut files = vec![PathBuf::from("/etc/apt/sources.list")];
    if let Ok(dir) = fs::read_dir("/etc/apt/sources.list.d") {
        let mut parts: Vec<_> = dir.filter_map(|entry| Some(entry.ok()?.path())).collect();
        parts.sort();
        files.extend(parts);
    }
    let mut all = Vec::new();
    for file in files {
        let ending = file.extension().and_then(|ending| ending.to_str()).unwrap_or_default();
        if matches!(ending, "list" | "sources") && file.is_file() {
            let text = fs::read_to_string(&file).with_context(|| format!("reading {}", file.display()))?;
            all.extend(sources::parse(&text, ending == "sources"));
        }
    }
    Ok(all)
}

/// apt that knows some sources alone, and keeps their lists in a folder of its own. Locked.
pub struct Apt {
    dir: PathBuf,
    _lock: File,
}

impl Apt {
    /// apt with these sources, its lists in the cache under `name`.
    pub fn new(name: &str, sources: &[Source]) -> Result<Apt> {
        let dir = cache::root()?.join("apt").join(name);
        let lock = cache::lock(&dir.with_extension("lock"))?;
        for part in ["sources", "lists/partial", "archives/partial"] {
            fs::create_dir_all(dir.join(part)).with_context(|| format!("making {}", dir.display()))?;
        }
        let (file, text) = (dir.join("sources/igloo.sources"), sources::render(sources));
        if fs::read_to_string(&file).ok().as_ref() != Some(&text) {
            fs::write(&file, text)?;
            let _ = fs::remove_file(dir.join("fetched"));
        }
        Ok(Apt { dir, _lock: lock })
    }

    /// Fetch the lists, unless they are fresh.
    pub fn update_if_old(&self) -> Result<()> {
        let age = fs::metadata(self.dir.join("fetched"))
            .and_then(|stamp| stamp.modified())
            .map(|time| time.elapsed());
        if matches!(age, Ok(Ok(age)) if age < FRESH) {
            return Ok(());
        }
        self.update()
    }

    /// Fetch the lists.
    pub fn update(&self) -> Result<()> {
        run::run(self.command("apt-get").args(["-qq", "update"]))?;
        Ok(fs::write(self.dir.join("fetched"), "")?)
    }

    /// Install packages, from `suite` rather than the usual one if there is one.
    pub fn install(&self, packages: &[&str], suite: Option<&str>) -> Result<()> {
        let mut install = self.command("apt-get");
        install.args(["-qq", "-y", "--no-install-recommends", "-o", "DPkg::Lock::Timeout=600"]);
        if let Some(suite) = suite {
            install.args(["-t", suite]);
        }
        run::run(install.arg("install").args(packages).env("DEBIAN_FRONTEND", "noninteractive"))
    }

    /// The versions there are of a package, newest first.
    pub fn versions(&self, package: &str) -> Result<Vec<String>> {
        let text = run::capture(self.command("apt-cache").args(["madison", package]))?;
        Ok(madison(&text))
    }

    /// Fetch a package's file to a folder.
    pub fn download(&self, package: &str, version: &str, to: &Path) -> Result<()> {
        let mut download = self.command("apt-get");
        download.args(["-qq", "download"]);
        run::run(download.arg(format!("{package}={version}")).current_dir(to))
    }

    fn command(&self, program: &str) -> Command {
        let dir = self.dir.display();
        let mut command = run::command(program);
        for option in [
            format!("Dir::Etc::sourceparts={dir}/sources"),
            "Dir::Etc::sourcelist=/dev/null".to_owned(),
            format!("Dir::State::lists={dir}/lists"),
            format!("Dir::Cache={dir}"),
            "Acquire::Languages=none".to_owned(),
            "Acquire::Retries=3".to_owned(),
            // the folder may be in root's home, which apt's own user can't enter
            "APT::Sandbox::User=root".to_owned(),
        ] {
            command.args(["-o", &option]);
        }
        command
    }
}

/// `apt-cache madison`: `package | version | source` lines.
fn madison(text: &str) -> Vec<String> {
    let mut versions: Vec<String> = Vec::new();
    for version in text.lines().filter_map(|line| line.split('|').nth(1)).map(str::trim) {
        if !versions.iter().any(|known| known == version) {
            versions.push(version.to_owned());
        }
    }
    versions
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_release_is_read() {
        let text = "PRETTY_NAME=\"Debian\"\nVERSION_CODENAME=bookworm\nID=debian\nVERSION_ID=\"12\"\n";
        assert_eq!(release(text), Release { id: "debian".into(), codename: "bookworm".into() });
        assert!(release(text).has_apt());
        assert!(!release("ID=\"nixos\"\n").has_apt());
    }

    #[test]
    fn madison_gives_each_version_once() {
        let text = " rust-src | 1.95.0+dfsg1-1 | http://d sid/main amd64 Packages\n \
                    rust-src | 1.95.0+dfsg1-1 | http://d testing/main amd64 Packages\n \
                    rust-src | 1.85.0+dfsg3-1 | http://d trixie/main amd64 Packages\n";
        assert_eq!(madison(text), ["1.95.0+dfsg1-1", "1.85.0+dfsg3-1"]);
    }
}
