//! Debian packages that the commands need, installed when they are missing.

use crate::{
    apt::{Apt, Release, machine_sources, sources},
    node, run,
};
use anyhow::{Context, Result, bail};
use std::{collections::HashSet, fs, path::Path};

/// What packages are for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Purpose {
    /// `cargo xtask demo`
    Demo,
    /// `cargo xtask test`
    Test,
}

/// To build without the tray, and to run a builder of this machine's own architecture.
const DEMO: &[&str] =
    &["ca-certificates", "gcc", "libc6-dev", "libssl-dev", "openssh-client", "pkg-config", "qemu-utils"];

/// The rest: the foreign builder, the tray, and the tools of the checks.
const TEST: &[&str] = &[
    // the tray and its tests
    // the bundler asks its pkg-config file which tray library the package needs
    "libayatana-appindicator3-dev",
    "libwebkit2gtk-4.1-dev",
    "dbus-daemon",
    // the Secret Service of the keychain's test
    "gnome-keyring",
    "xvfb",
    "fonts-dejavu-core",
    "adwaita-icon-theme",
    "webkit2gtk-driver",
    // the page in a browser, with the font that its pictures have
    "chromium",
    "fonts-inter",
    // the ways to become root
    "pkexec",
    "polkitd",
    "sudo",
    // the sshd of the guest module's tests
    "openssh-server",
    // libFuzzer, which comes as a crate with C++ in it
    "g++",
    // both hypervisors
    "qemu-system-arm",
    "qemu-system-x86",
    // the host Nix of the end-to-end tests
    "mmdebstrap",
    "patchelf",
];

/// For the page, where there is no Node. One that is too old fetches a newer one (`node.rs`).
const NODE: &[&str] = &["nodejs", "npm"];

/// For zig, the C compiler of the macOS link, where there is no pip.
const PIP: &[&str] = &["python3-pip"];

/// On Debian 12 these come from its backports where it has them: its own QEMU (7.2) now and then
/// loses a guest under TCG, and mmdebstrap is the one that the images are made with elsewhere.
const FROM_BACKPORTS: &[&str] =
    &["mmdebstrap", "qemu-system-arm", "qemu-system-x86", "qemu-user-static", "qemu-utils"];
const RELEASE_WITH_BACKPORTS: &str = "bookworm";
const BACKPORTS: &str = "bookworm-backports";

/// Install what is missing for a purpose.
///
/// # Errors
/// On Debian and Ubuntu: something is missing and we are not root, or apt fails. Elsewhere the
/// names are only printed.
pub fn ensure(root: &Path, purpose: Purpose) -> Result<()> {
    if !cfg!(target_os = "linux") {
        println!("no packages are needed beside Xcode's command line tools");
        return Ok(());
    }
    install(&wanted(root, purpose)?)
}

/// Install the packages of a list that are missing.
pub fn install(wanted: &[String]) -> Result<()> {
    let Some(release) = Release::of_this_machine().filter(Release::has_apt) else {
        println!("not a Debian; by Debian's names this needs: {}", wanted.join(" "));
        return Ok(());
    };
    let missing = missing(wanted, &installed()?);
    if missing.is_empty() {
        println!("all {} packages are there", wanted.len());
        return Ok(());
    }
    println!("missing: {}", missing.join(" "));
    if !run::is_root() {
        bail!("packages are missing and this is not root; run: sudo apt-get install {}", missing.join(" "));
    }
    fetch(&release, &missing)
}

fn fetch(release: &Release, missing: &[&str]) -> Result<()> {
    let has_backports = release.codename == RELEASE_WITH_BACKPORTS;
    let sources = machine_sources()?;
    let with_backports = sources::debian(&sources, &release.codename, &[BACKPORTS]);
    if has_backports && !with_backports.is_empty() {
        let apt = Apt::new(&release.codename, &with_backports)?;
        // a mirror without the suite is a reason to go on without it, not to stop
        if apt.update_if_old().is_ok() {
            let (newer, plain) =
                missing.iter().partition::<Vec<&str>, _>(|name| FROM_BACKPORTS.contains(name));
            let first = install_split(&apt, &newer, &plain);
            return first.or_else(|_| apt.update().and_then(|()| install_split(&apt, &newer, &plain)));
        }
        eprintln!("no {BACKPORTS} at this machine's mirror: going on with the release's own packages");
    }
    let apt = Apt::new(&release.id, &sources)?;
    apt.update_if_old()?;
    apt.install(missing, None).or_else(|_| apt.update().and_then(|()| apt.install(missing, None)))
}

fn install_split(apt: &Apt, newer: &[&str], plain: &[&str]) -> Result<()> {
    if !newer.is_empty() {
        apt.install(newer, Some(BACKPORTS))?;
    }
    if plain.is_empty() {
        return Ok(());
    }
    // a library that QEMU brought from the backports (libelf1) may have a twin (libdw1) that fits it there alone
    apt.install(plain, None).or_else(|_| apt.install(plain, Some(BACKPORTS)))
}

fn wanted(root: &Path, purpose: Purpose) -> Result<Vec<String>> {
    let mut names: Vec<String> = DEMO.iter().map(|name| (*name).to_owned()).collect();
    names.push(if cfg!(target_arch = "aarch64") { "qemu-system-arm" } else { "qemu-system-x86" }.to_owned());
    let mut lists = vec!["tests/image/packages"];
    if purpose == Purpose::Test {
        let node = if node::is_there() { &[][..] } else { NODE };
        let pip = if run::on_path("pip3").is_some() { &[][..] } else { PIP };
        names.extend(TEST.iter().chain(node).chain(pip).map(|name| (*name).to_owned()));
        lists.push("tests/image/packages.arm64");
    }
    for list in lists {
        let text = fs::read_to_string(root.join(list)).with_context(|| format!("reading {list}"))?;
        names.extend(lines(&text));
    }
    names.sort();
    names.dedup();
    Ok(names)
}

fn lines(text: &str) -> impl Iterator<Item = String> {
    let lines = text.lines().map(|line| line.split('#').next().unwrap_or_default().trim());
    lines.filter(|line| !line.is_empty()).map(str::to_owned)
}

fn installed() -> Result<HashSet<String>> {
    let mut query = run::command("dpkg-query");
    query.args(["-W", "-f", "${Package} ${db:Status-Status}\\n"]);
    Ok(of_dpkg(&run::capture(&mut query)?))
}

fn of_dpkg(text: &str) -> HashSet<String> {
    let whole = text.lines().filter_map(|line| line.strip_suffix(" installed"));
    whole.map(str::to_owned).collect()
}

fn missing<'a>(wanted: &'a [String], installed: &HashSet<String>) -> Vec<&'a str> {
    wanted.iter().filter(|name| !installed.contains(*name)).map(String::as_str).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_whole_installations_count() {
        let installed = of_dpkg("gcc installed\nperl config-files\nmake half-installed\n");
        let wanted = ["gcc", "make", "perl"].map(str::to_owned);
        assert_eq!(missing(&wanted, &installed), ["make", "perl"]);
    }

    #[test]
    fn lists_may_have_comments() {
        assert_eq!(lines("# why\ncpio\n\n kmod # needed by depmod\n").collect::<Vec<_>>(), ["cpio", "kmod"]);
    }

    #[test]
    fn a_test_needs_what_a_demo_needs() {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir_all(dir.path().join("tests/image")).unwrap();
        fs::write(dir.path().join("tests/image/packages"), "cpio\n").unwrap();
        fs::write(dir.path().join("tests/image/packages.arm64"), "qemu-user-static\n").unwrap();
        let demo = wanted(dir.path(), Purpose::Demo).unwrap();
        let test = wanted(dir.path(), Purpose::Test).unwrap();
        assert!(demo.contains(&"cpio".to_owned()) && !demo.contains(&"qemu-user-static".to_owned()));
        assert!(demo.iter().all(|name| test.contains(name)));
    }
}
