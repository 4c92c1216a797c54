//! `cargo xtask bundle`: the app as its users get it, by Tauri's own bundler.
//!
//! `igloo-admin` is another package than the app, so Tauri does not build it, and a file that is missing would stop
//! every plain `cargo build`. So it is told of here alone, as a program that comes beside the app's: signed with it on a
//! Mac, and in `/usr/bin` on Debian, which is where the polkit policy expects it.

use crate::{darwin::link::app, page, page::Page, project::Project, run};
use anyhow::{Context, Result, bail};
use serde_json::json;
use std::{fs, path::PathBuf, process::Command};

#[derive(clap::Args, Clone, Copy)]
pub struct Options {
    /// Quickly made and not optimised: what the tests install
    #[arg(long)]
    pub debug: bool,
}

/// Bundles, and gives the files that were made.
pub fn run(project: &Project, options: Options) -> Result<Vec<PathBuf>> {
    page::build(project)?;
    let helper = helper(project, options)?;
    let bundles = if cfg!(target_os = "macos") { "app,dmg" } else { "deb" };
    let mut tauri = Page::prepare(project)?.program("tauri");
    // it leaves out the programs whose features it is not told
    oldest_macos(project, &mut tauri)?;
    tauri.args(["build", "--ci", "--features", "tray", "--bundles", bundles]).current_dir(&project.root);
    tauri.arg("--config").arg(json!({ "bundle": { "externalBin": [helper] } }).to_string());
    if options.debug {
        tauri.arg("--debug");
    }
    run::run(&mut tauri)?;
    made(project, options)
}

/// Builds `igloo-admin` and lays it where Tauri looks for it: under its name with the target's behind it.
fn helper(project: &Project, options: Options) -> Result<PathBuf> {
    let mut build = project.cargo("build");
    build.args(["--package", "igloo-admin", "--bin", "igloo-admin"]);
    if !options.debug {
        build.arg("--release");
    }
    oldest_macos(project, &mut build)?;
    run::run(&mut build)?;
    let staged = project.target.join("bundle/igloo-admin");
    let folder = staged.parent().context("a target folder")?;
    fs::create_dir_all(folder).with_context(|| format!("making {}", folder.display()))?;
    let triple = run::host_triple()?;
    let built = project.target.join(profile(options)).join("igloo-admin");
    fs::copy(&built, folder.join(format!("igloo-admin-{triple}")))
        .with_context(|| format!("copying {}", built.display()))?;
    Ok(staged)
}

/// Every program of the bundle is for the same oldest macOS, the one that `Info.plist` names.
fn oldest_macos(project: &Project, build: &mut Command) -> Result<()> {
    if cfg!(target_os = "macos") {
        build.env("MACOSX_DEPLOYMENT_TARGET", app::minimum(&project.root)?);
    }
    Ok(())
}

fn profile(options: Options) -> &'static str {
    if options.debug { "debug" } else { "release" }
}

fn made(project: &Project, options: Options) -> Result<Vec<PathBuf>> {
    let folder = project.target.join(profile(options)).join("bundle");
    let wanted = if cfg!(target_os = "macos") { ["app", "dmg"].as_slice() } else { &["deb"] };
    let mut made = Vec::new();
    for kind in wanted {
        let inside = folder.join(if *kind == "app" { "macos" } else { kind });
        let entries = fs::read_dir(&inside).with_context(|| format!("reading {}", inside.display()))?;
        made.extend(
            entries.flatten().map(|e| e.path()).filter(|p| p.extension().is_some_and(|e| e == *kind)),
        );
    }
    if made.is_empty() {
        bail!("the bundler made nothing in {}", folder.display());
    }
    Ok(made)
}
