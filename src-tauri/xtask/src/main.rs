//! The project's own commands: `cargo xtask <command>`.

// a command line prints
#![allow(clippy::print_stdout, clippy::print_stderr)]

mod apt;
mod bench;
mod bundle;
mod cache;
mod darwin;
mod demo;
mod deny;
mod fuzz;
mod host_nix;
mod image;
mod node;
mod packages;
mod page;
mod pictures;
mod project;
mod run;
mod stage;
mod test;

use anyhow::Result;
use clap::{Parser, Subcommand};
use std::process::ExitCode;

#[derive(Parser)]
#[command(name = "cargo xtask", about = "The project's own commands")]
struct Cli {
    #[command(subcommand)]
    task: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Build Igloo, start a builder, build a few derivations in it, and leave everything as it was
    Demo,
    /// Formatting, lints, tests of all kinds, and the macOS check
    Test(test::Options),
    /// Time from start to ready, and what the engine costs (printed, never asserted)
    Bench(bench::Options),
    /// Photograph every page of the window and every menu of the tray, for docs/pictures
    Pictures,
    /// The app as its users get it: a package on Debian, an app folder on a Mac
    Bundle(bundle::Options),
    /// Texts that a fuzzer makes up, for what reads them as root
    Fuzz(fuzz::Options),
    /// Types, lints and a link for macOS, on Linux
    CheckDarwin {
        #[arg(default_value = "clippy")]
        mode: darwin::Mode,
        #[command(flatten)]
        options: darwin::Options,
    },
    /// Install the Debian packages that are missing
    Packages {
        #[arg(long = "for", default_value = "test")]
        purpose: packages::Purpose,
    },
    /// Find or make a builder image in the cache, and print its folder
    Image { arch: image::Arch },
    /// Find or make a newer Nix in the cache, and print the folder of its programs
    Nix { suite: host_nix::Suite },
}

fn main() -> ExitCode {
    match run::catch_signals().and_then(|()| perform(Cli::parse().task)) {
        Ok(()) => ExitCode::SUCCESS,
        // not returned from main: that prints a backtrace where RUST_BACKTRACE is set
        Err(error) => {
            eprintln!("xtask: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn perform(task: Task) -> Result<()> {
    match task {
        Task::Demo => demo::run(),
        Task::Test(options) => test::run(options),
        Task::Bench(options) => bench::run(options),
        Task::Pictures => pictures::run(),
        Task::Bundle(options) => bundle::run(&project::Project::find()?, options).map(|made| {
            made.iter().for_each(|file| println!("{}", file.display()));
        }),
        Task::Fuzz(options) => fuzz::run(&project::Project::find()?, &options),
        Task::CheckDarwin { mode, options } => darwin::run(&project::Project::find()?, mode, options),
        Task::Packages { purpose } => packages::ensure(&project::root()?, purpose),
        Task::Image { arch } => {
            println!("{}", image::find_or_make(&project::root()?, arch)?.display());
            Ok(())
        }
        Task::Nix { suite } => {
            println!("{}", host_nix::find_or_make(suite)?.display());
            Ok(())
        }
    }
}
