//! Programs for a Mac, linked on Linux: by zig for the C in them, by Rust's own linker, and against stubs in place of
//! Apple's SDK. It shows what only a link can: a symbol that is missing, a library of this machine that crept in, a
//! processor or a version of macOS that is not what was meant. What it makes is never given to anyone: releases are made
//! on a Mac.

pub mod app;
mod binary;
mod info_plist;
mod laws;
pub mod self_test;
mod sysroot;
mod zig;

use super::Checker;
use crate::run;
use anyhow::{Context, Result, bail};
use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};
use zig::Zig;

/// The target folder's name.
const FOLDER: &str = "darwin-link";

/// A program that was linked.
pub struct Linked {
    /// Its name.
    pub name: &'static str,
    /// Where it is.
    pub file: PathBuf,
}

/// Links the project's programs for these targets, checks them, and puts the app's folder together.
///
/// # Errors
/// A link fails, or what it made breaks a law.
pub fn run(checker: &Checker, targets: &[&str]) -> Result<()> {
    let linker = Linker::find_or_fetch(checker)?;
    for target in targets {
        let mut build = linker.build(checker, FOLDER, target);
        build.args(["--locked", "--package", "igloo", "--package", "igloo-admin", "--bins"]);
        run::run(&mut build)?;
        let folder = checker.project.target.join(FOLDER).join(target);
        let linked: Vec<_> = app::PROGRAMS
            .into_iter()
            .map(|name| Linked { name, file: folder.join("debug").join(name) })
            .collect();
        for program in &linked {
            linker.check(&program.file, target)?;
        }
        let app = app::assemble(&checker.project.root, &linked, &folder)?;
        println!("linked, checked and put together: {}", app.display());
    }
    Ok(())
}

/// All that a link needs.
pub struct Linker {
    zig: Zig,
    lld: PathBuf,
    minimum: String,
}

impl Linker {
    /// Finds or fetches it.
    ///
    /// # Errors
    /// A part can't be had.
    pub fn find_or_fetch(checker: &Checker) -> Result<Linker> {
        let root = &checker.project.root;
        Ok(Linker { zig: Zig::find_or_fetch(checker.project)?, lld: lld()?, minimum: app::minimum(root)? })
    }

    /// A build for a target, with nothing to debug it by or to compile it sooner the next time, which is most of its size.
    pub fn build(&self, checker: &Checker, folder: &str, target: &str) -> Command {
        let mut build = checker.toolchain.cargo("build");
        build.current_dir(&checker.project.root).args(["--target", target]);
        build.arg("--target-dir").arg(checker.project.target.join(folder));
        let name = target.replace('-', "_").to_uppercase();
        build.env(format!("CARGO_TARGET_{name}_LINKER"), &self.lld);
        build.env(format!("CARGO_TARGET_{name}_RUSTFLAGS"), FLAGS);
        // they would take the place of the target's
        build.env_remove("RUSTFLAGS").env_remove("CARGO_ENCODED_RUSTFLAGS");
        build
            .env("CARGO_PROFILE_DEV_DEBUG", "0")
            .env("CARGO_INCREMENTAL", "0")
            .env("SDKROOT", self.zig.sdk());
        build.env("MACOSX_DEPLOYMENT_TARGET", &self.minimum);
        self.zig.compile_with(&mut build, target, &self.minimum);
        build
    }

    /// Whether a program is what it has to be.
    ///
    /// # Errors
    /// It is not; the error says all that is wrong with it.
    pub fn check(&self, file: &Path, target: &str) -> Result<()> {
        let bytes = fs::read(file).with_context(|| format!("reading {}", file.display()))?;
        let binary = binary::read(&bytes).with_context(|| format!("reading {}", file.display()))?;
        let processor = target.split('-').next().unwrap_or_default();
        let broken = laws::broken(&binary, processor, &self.minimum);
        if broken.is_empty() {
            return Ok(());
        }
        bail!("{} for {target} is not as it has to be:\n{}", file.display(), broken.join("\n"))
    }
}

/// Mach-O by Rust's own linker; what the stubs lack is left to the program's start, and looked at by name here.
const FLAGS: &str = "-Clinker-flavor=ld64.lld -Clink-arg=-undefined -Clink-arg=dynamic_lookup";

fn lld() -> Result<PathBuf> {
    let sysroot = run::capture(run::command("rustc").args(["--print", "sysroot"]))?;
    let lld = Path::new(sysroot.trim()).join("lib/rustlib").join(run::host_triple()?).join("bin/rust-lld");
    if !lld.is_file() {
        bail!("this Rust has no linker of its own at {}", lld.display());
    }
    Ok(lld)
}
