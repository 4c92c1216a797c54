//! The sources of the standard library, for a machine where rustup cannot fetch anything: Debian
//! packages those of each Rust that it has.

use crate::{
    apt::{Apt, Release, machine_sources, sources},
    run,
};
use anyhow::{Context, Result, bail};
use std::{
    fs,
    path::{Path, PathBuf},
};

/// Names a folder `library` of rustc's own version, used instead of Debian's package.
const OVERRIDE: &str = "IGLOO_RUST_LIBRARY";
const SUITES: [&str; 4] = ["bookworm-backports", "trixie", "trixie-backports", "sid"];
const PACKAGES: [&str; 2] = ["rust-src", "rust-web-src"];

/// Put the folder `library` for this release of Rust into `dir`.
pub fn put(release: &str, dir: &Path) -> Result<()> {
    fs::create_dir_all(dir)?;
    if let Some(library) = std::env::var_os(OVERRIDE).map(PathBuf::from) {
        return run::run(run::command("cp").arg("-a").arg(library).arg(dir.join("library")));
    }
    let unpacked = dir.join("unpacked");
    fs::create_dir(&unpacked)?;
    fetch(release, &unpacked)?;
    let parent = unpacked.join("usr/src");
    let versions = fs::read_dir(&parent).with_context(|| format!("reading {}", parent.display()))?;
    let library =
        versions.flatten().map(|entry| entry.path().join("library")).find(|library| library.is_dir());
    fs::rename(library.context("Debian's package has no folder 'library'")?, dir.join("library"))?;
    Ok(fs::remove_dir_all(unpacked)?)
}

fn fetch(release: &str, to: &Path) -> Result<()> {
    let codename =
        Release::of_this_machine().filter(Release::has_apt).map(|found| found.codename).unwrap_or_default();
    let Some(wide) = sources::other_suites(&machine_sources()?, &codename, &SUITES) else {
        bail!(
            "rustup cannot add the targets and this is no Debian; name rustc's own `library` folder in {OVERRIDE}"
        );
    };
    let apt = Apt::new("wide", &[wide])?;
    apt.update_if_old()?;
    let Some((package, version)) = find(&apt, release)? else {
        bail!("Debian has no rust-src {release} (any more); name rustc's own `library` folder in {OVERRIDE}");
    };
    println!("fetching {package} {version}");
    apt.download(package, &version, to)?;
    let files: Vec<_> = fs::read_dir(to)?.flatten().map(|entry| entry.path()).collect();
    let [file] = files.as_slice() else { bail!("apt fetched {} files, not one", files.len()) };
    run::run(run::command("dpkg-deb").arg("--extract").arg(file).arg(to))
}

fn find(apt: &Apt, release: &str) -> Result<Option<(&'static str, String)>> {
    for package in PACKAGES {
        if let Some(version) = apt.versions(package)?.into_iter().find(|version| is_release(version, release))
        {
            return Ok(Some((package, version)));
        }
    }
    Ok(None)
}

/// Debian's version of a Rust release: `1.95.0+dfsg1-1`, `1.95.0+dfsg1-1~bpo13+1`, ….
fn is_release(version: &str, release: &str) -> bool {
    version.strip_prefix(release).is_some_and(|rest| rest.starts_with(['+', '-', '~']))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_same_release_will_do() {
        assert!(is_release("1.95.0+dfsg1-1~bpo13+1", "1.95.0"));
        assert!(!is_release("1.95.01-1", "1.95.0") && !is_release("1.94.1+dfsg1-1", "1.95.0"));
    }
}
