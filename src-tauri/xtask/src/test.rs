//! `cargo xtask test`: everything that has to hold before a change goes in.

use crate::{
    bundle, darwin, deny, fuzz, host_nix,
    image::{self, Arch},
    packages::{self, Purpose},
    page,
    project::Project,
    run,
    stage::Stages,
};
use anyhow::{Context, Result, bail};
use std::{path::PathBuf, process::Command, thread};

/// The stages, in their order.
pub const STAGES: [&str; 15] = [
    "packages",
    "format",
    "page",
    "page-tests",
    "lint",
    "dependencies",
    "build",
    "unit",
    "fuzz",
    "bundle",
    "images",
    "end-to-end",
    "darwin",
    "darwin-link",
    "darwin-of-itself",
];

/// Virtual machines at once: each has one CPU and about 1 GiB.
const MOST_MACHINES: usize = 4;

#[derive(clap::Args)]
pub struct Options {
    /// Run this stage alone (may be given several times)
    #[arg(long, value_parser = STAGES)]
    only: Vec<String>,
    /// Run the stages after a failed one too
    #[arg(long)]
    keep_going: bool,
}

/// Run the stages that this platform has.
pub fn run(options: Options) -> Result<()> {
    let mut stages = Stages::new(options.only, options.keep_going);
    let result = run_all(&mut stages);
    stages.finish()?;
    result
}

fn run_all(stages: &mut Stages) -> Result<()> {
    let project = &Project::find()?;
    stages.run("packages", || packages::ensure(&project.root, Purpose::Test))?;
    stages.run("format", || run::run(project.cargo("fmt").args(["--all", "--check"])))?;
    // before all that embeds it, or the app is compiled twice
    stages.run("page", || page::build(project))?;
    if cfg!(target_os = "linux") {
        stages.run("page-tests", || page::test(project))?;
    }
    stages.run("lint", || lint(project))?;
    stages.run("dependencies", || deny::check(project))?;
    stages.run("build", || build(project))?;
    stages.run("unit", || unit(project))?;
    stages.run("fuzz", || fuzz::run(project, &fuzz::Options::short()))?;
    // a Mac has no way to make the images, and checks itself in "lint"
    if cfg!(target_os = "linux") {
        let deb = stages.run("bundle", || package(project))?;
        if !project.end_to_end.is_empty() {
            stages.run("images", || Prepared::find_or_make(project))?;
            stages.run("end-to-end", || end_to_end(project, deb))?;
        }
        // clippy finds all that check finds
        stages.run("darwin", || darwin(project, darwin::Mode::Clippy))?;
        stages.run("darwin-link", || darwin(project, darwin::Mode::Link))?;
        stages.run("darwin-of-itself", || darwin(project, darwin::Mode::Test))?;
    }
    Ok(())
}

fn darwin(project: &Project, mode: darwin::Mode) -> Result<()> {
    darwin::run(project, mode, darwin::Options::default())
}

fn lint(project: &Project) -> Result<()> {
    run::run(project.cargo("clippy").args(["--workspace", "--all-targets", "--", "--deny", "warnings"]))
}

/// All programs and all tests. Always the whole workspace and its tests, so that everything is
/// built with one set of features, once. The programs too, since the end-to-end tests of the root
/// package run igloo-admin, which is another's.
fn build(project: &Project) -> Result<()> {
    run::run(project.cargo("build").args(["--workspace", "--bins", "--tests"]))
}

/// All tests but the end-to-end ones.
fn unit(project: &Project) -> Result<()> {
    let mut tests = project.cargo("test");
    tests.args(["--workspace", "--lib", "--bins"]);
    if cfg!(target_os = "linux") {
        // igloo-admin's settings are read by the real Nix
        tests.env("IGLOO_TEST_NIX", host_nix::find_or_make(host_nix::Suite::Trixie)?);
    }
    run::run(select(&mut tests, &project.integration))?;
    run::run(project.cargo("test").args(["--workspace", "--doc"]))
}

fn end_to_end(project: &Project, deb: Option<PathBuf>) -> Result<()> {
    if !run::is_root() {
        bail!("the end-to-end tests run virtual machines and a nix-daemon of their own as root: use sudo");
    }
    let deb = deb.map_or_else(|| package(project), Ok)?;
    build(project)?;
    let prepared = Prepared::find_or_make(project)?;
    let threads = thread::available_parallelism().map_or(1, |cores| cores.get().min(MOST_MACHINES));
    let mut tests = project.cargo("test");
    tests.arg("--workspace");
    select(&mut tests, &project.end_to_end);
    tests.args(["--", "--test-threads", &threads.to_string()]);
    tests.env("IGLOO_TEST_IMAGE_X86_64", prepared.amd64);
    tests.env("IGLOO_TEST_IMAGE_AARCH64", prepared.arm64);
    tests.env("IGLOO_TEST_NIX", prepared.nix);
    tests.env("IGLOO_TEST_NIX_NEW", prepared.new_nix);
    tests.env("IGLOO_TEST_DEB", deb);
    run::run(&mut tests)
}

/// The package that the tests install.
fn package(project: &Project) -> Result<PathBuf> {
    let made = bundle::run(project, bundle::Options { debug: true })?;
    made.into_iter().next().context("the bundler made no package")
}

fn select<'a>(command: &'a mut Command, tests: &[String]) -> &'a mut Command {
    for test in tests {
        command.args(["--test", test]);
    }
    command
}

/// What the end-to-end tests are given.
struct Prepared {
    amd64: PathBuf,
    arm64: PathBuf,
    nix: PathBuf,
    new_nix: PathBuf,
}

impl Prepared {
    fn find_or_make(project: &Project) -> Result<Prepared> {
        Ok(Prepared {
            amd64: image::find_or_make(&project.root, Arch::Amd64)?,
            arm64: image::find_or_make(&project.root, Arch::Arm64)?,
            nix: host_nix::find_or_make(host_nix::Suite::Trixie)?,
            new_nix: host_nix::find_or_make(host_nix::Suite::Sid)?,
        })
    }
}
