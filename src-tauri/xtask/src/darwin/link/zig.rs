//! The C compiler of the link: zig, which has Clang and the C library's headers in one package of PyPI.

use super::{FOLDER, sysroot};
use crate::{
    cache,
    project::{Project, xtask_dir},
    run,
};
use anyhow::{Context, Result, bail};
use std::{
    fs,
    os::unix::fs::symlink,
    path::{Path, PathBuf},
    process::Command,
};

/// The package, its version and its hashes.
const PACKAGE: &str = include_str!("../../../darwin/zig.txt");

/// The names by which `zig.sh` is called.
const NAMES: [&str; 3] = ["zig-cc", "zig-ar", "zig-ranlib"];

/// Where everything for the link is.
pub struct Zig {
    dir: PathBuf,
    sdk: PathBuf,
    /// The folder of the names by which build scripts call it.
    names: PathBuf,
    headers: PathBuf,
}

impl Zig {
    /// Finds it in the cache or fetches it.
    ///
    /// # Errors
    /// There is no pip, it can't fetch the package, or what it fetched is another than was pinned.
    pub fn find_or_fetch(project: &Project) -> Result<Zig> {
        let cache = cache::root()?.join("zig");
        let dir = cache.join(cache::key(&[PACKAGE, include_str!("zig.rs")]));
        cache::made(&dir, make)?;
        let sdk = cache.join(cache::key(&[PACKAGE, include_str!("sysroot.rs"), sysroot::LIBRARIES, "sdk"]));
        cache::made(&sdk, |partial| {
            sysroot::make(partial, &dir.join("ziglang/lib/libc/darwin/libSystem.tbd"))
        })?;
        let ours = xtask_dir(&project.root).join("darwin");
        let names = project.target.join(FOLDER).join("bin");
        name(&ours.join("zig.sh"), &names)?;
        Ok(Zig { dir, sdk, names, headers: ours.join("include") })
    }

    /// The folder that stands in for Apple's SDK.
    pub fn sdk(&self) -> &Path {
        &self.sdk
    }

    /// Lets a build for `target` (Rust's name of it) compile C for that version of macOS and newer.
    pub fn compile_with(&self, build: &mut Command, target: &str, minimum: &str) {
        let name = target.replace('-', "_");
        for (variable, program) in [("CC", 0), ("CXX", 0), ("AR", 1), ("RANLIB", 2)] {
            build.env(format!("{variable}_{name}"), self.names.join(NAMES[program]));
        }
        build.env(format!("CFLAGS_{name}"), format!("-I{}", self.headers.display()));
        build.env("IGLOO_ZIG", program(&self.dir)).env("IGLOO_ZIG_TARGET", zig_target(target, minimum));
        for kind in ["GLOBAL", "LOCAL"] {
            build.env(format!("ZIG_{kind}_CACHE_DIR"), self.dir.join("made"));
        }
    }
}

/// Links to the script by each of its names.
fn name(script: &Path, folder: &Path) -> Result<()> {
    fs::create_dir_all(folder)?;
    for link in NAMES.map(|name| folder.join(name)) {
        if !fs::read_link(&link).is_ok_and(|to| to == script) {
            // of a checkout that was elsewhere
            let _ = fs::remove_file(&link);
            symlink(script, &link).with_context(|| format!("making {}", link.display()))?;
        }
    }
    Ok(())
}

/// Zig's name of a target with the oldest macOS that it is for: `aarch64-macos.12.0`.
fn zig_target(target: &str, minimum: &str) -> String {
    format!("{}-macos.{minimum}", target.split('-').next().unwrap_or_default())
}

fn program(dir: &Path) -> PathBuf {
    dir.join("ziglang/zig")
}

fn make(dir: &Path) -> Result<()> {
    println!("fetching zig, once");
    let list = dir.join("zig.txt");
    fs::write(&list, PACKAGE)?;
    let mut pip = run::command("pip3");
    pip.args(["download", "--quiet", "--disable-pip-version-check", "--no-deps", "--only-binary=:all:"]);
    run::run(pip.args(["--require-hashes", "--dest"]).arg(dir).arg("--requirement").arg(&list))?;
    let wheel = wheel(dir)?;
    run::run(run::command("python3").args(["-m", "zipfile", "--extract"]).arg(&wheel).arg(dir))?;
    fs::remove_file(&wheel)?;
    // a wheel is a zip file, whose modes that way of unpacking it leaves out
    run::run(run::command("chmod").arg("+x").arg(program(dir)))
}

fn wheel(dir: &Path) -> Result<PathBuf> {
    let files = fs::read_dir(dir).context("reading what pip fetched")?.flatten().map(|entry| entry.path());
    let wheels: Vec<_> = files.filter(|file| file.extension().is_some_and(|end| end == "whl")).collect();
    let [wheel] = wheels.as_slice() else { bail!("pip fetched {} wheels, not one", wheels.len()) };
    Ok(wheel.clone())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_version_is_pinned_with_a_hash_for_each_processor() {
        assert_eq!(PACKAGE.lines().filter(|line| line.starts_with("ziglang==")).count(), 1);
        assert_eq!(PACKAGE.matches("--hash=sha256:").count(), 2);
    }

    #[test]
    fn zig_names_its_targets_by_processor_and_version() {
        assert_eq!(zig_target("aarch64-apple-darwin", "12.0"), "aarch64-macos.12.0");
        assert_eq!(zig_target("x86_64-apple-darwin", "13.1"), "x86_64-macos.13.1");
    }
}
