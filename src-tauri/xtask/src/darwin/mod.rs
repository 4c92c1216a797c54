//! The macOS check: types and lints of the whole workspace for both Apple targets, on Linux.
//!
//! For types and lints no Apple SDK and no C compiler for macOS is needed, since nothing is linked: C sources go to a
//! stand-in, `stand-in-cc.sh`, that makes empty objects. `link` has the rest.

pub mod link;
mod self_test;
mod std_source;
mod toolchain;

use crate::project::{Project, xtask_dir};
use anyhow::Result;
use std::{path::Path, process::Command};
use toolchain::Toolchain;

/// The targets that are checked.
pub const TARGETS: [&str; 2] = ["aarch64-apple-darwin", "x86_64-apple-darwin"];

/// Where Debian has OpenSSL's headers.
const HEADERS: &str = "/usr/include";

/// What is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Mode {
    /// Types: cargo check
    Check,
    /// Types and lints: cargo clippy
    Clippy,
    /// The programs themselves, linked, checked and put into an app's folder
    Link,
    /// The check itself: a type error in macOS's part of a small crate is found, and so is a symbol that is nowhere
    Test,
}

/// How the check runs.
#[derive(clap::Args, Clone, Copy, Default)]
pub struct Options {
    /// Build macOS's standard library from its sources even where rustup has it
    #[arg(long)]
    pub build_std: bool,
    /// Link for Macs with an Intel processor too
    #[arg(long)]
    pub intel: bool,
}

/// Run the check.
pub fn run(project: &Project, mode: Mode, options: Options) -> Result<()> {
    let checker = Checker { project, toolchain: Toolchain::find_or_make(options.build_std)? };
    match mode {
        Mode::Check => checker.run(&mut checker.workspace("check")),
        Mode::Clippy => checker.run(checker.workspace("clippy").args(["--", "--deny", "warnings"])),
        Mode::Link => link::run(&checker, if options.intel { &TARGETS } else { &TARGETS[..1] }),
        Mode::Test => {
            self_test::run(&checker)?;
            link::self_test::run(&checker, &TARGETS)
        }
    }
}

/// A checkout, and the Rust that it is checked with.
pub struct Checker<'a> {
    project: &'a Project,
    toolchain: Toolchain,
}

impl Checker<'_> {
    fn run(&self, command: &mut Command) -> Result<()> {
        crate::run::run(command)
    }

    fn workspace(&self, subcommand: &str) -> Command {
        let mut command = self.cargo(subcommand, "darwin-check");
        command.args(["--workspace", "--all-targets"]);
        for target in TARGETS {
            command.args(["--target", target]);
        }
        command
    }

    /// Cargo with a target folder of its own beside the usual one, so that neither waits for or
    /// invalidates the other.
    fn cargo(&self, subcommand: &str, target_dir: &str) -> Command {
        let mut command = self.toolchain.cargo(subcommand);
        command.current_dir(&self.project.root);
        command.arg("--target-dir").arg(self.project.target.join(target_dir));
        if cfg!(target_os = "linux") {
            stand_in_for_c(&mut command, &xtask_dir(&self.project.root).join("darwin/stand-in-cc.sh"));
        }
        command
    }
}

/// Variables that the cc crate reads, and build scripts that follow it.
fn stand_in_for_c(command: &mut Command, compiler: &Path) {
    for target in TARGETS {
        let target = target.replace('-', "_");
        command.env(format!("CC_{target}"), compiler);
        command.env(format!("CXX_{target}"), compiler);
        command.env(format!("AR_{target}"), "ar");
        command.env(format!("RANLIB_{target}"), "true");
        if Path::new(HEADERS).join("openssl/opensslv.h").exists() {
            stand_in_for_openssl(command, &target.to_uppercase());
        }
    }
}

/// macOS gets an OpenSSL of its own, whose making takes minutes even with a stand-in for the
/// compiler. Since nothing is linked, the headers of this machine's will do
/// (<https://docs.rs/openssl/latest/openssl/#manual>).
fn stand_in_for_openssl(command: &mut Command, target: &str) {
    for (name, value) in
        [("NO_VENDOR", "1"), ("STATIC", "1"), ("INCLUDE_DIR", HEADERS), ("LIB_DIR", "/usr/lib")]
    {
        command.env(format!("{target}_OPENSSL_{name}"), value);
    }
}
