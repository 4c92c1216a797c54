//! `cargo xtask demo`: a real build in a real builder, and a machine left as it was.

mod diamond;
mod footprint;
mod igloo;
mod nix;
mod undo;

use crate::{
    cache,
    image::{self, Arch},
    packages::{self, Purpose},
    project::Project,
    run,
    stage::Stages,
};
use anyhow::{Result, bail};
use footprint::Footprint;
use igloo::Igloo;
use nix::Nix;
use std::{
    fs::{self, DirBuilder},
    os::unix::fs::DirBuilderExt,
    path::PathBuf,
};
use undo::Undo;

/// Run it all.
pub fn run() -> Result<()> {
    if cfg!(target_os = "macos") {
        bail!(
            "the demo makes its guest of Debian's packages; on a Mac use `igloo image build` and `igloo start`"
        );
    }
    if !run::is_root() {
        bail!("the demo installs packages and sets Nix up: run it as root");
    }
    // it uses the machine's own /etc and /nix, of which there is one
    let _lock = cache::lock(&cache::root()?.join("demo.lock"))?;
    let mut stages = Stages::new(Vec::new(), false);
    let mut undo = Undo::default();
    let result = show(&mut stages, &mut undo);
    let undone = stages.need("undo", || undo.run());
    let passed = stages.finish();
    result.and(undone).and(passed)
}

fn show(stages: &mut Stages, undo: &mut Undo) -> Result<()> {
    let project = &Project::find()?;
    let builder = Arch::NATIVE.builder();
    let nix_bin = stages.need("packages", || {
        packages::ensure(&project.root, Purpose::Demo)?;
        Nix::find_or_install()
    })?;
    let home = private_folder(undo)?;
    let igloo = stages.need("build", || Igloo::build(project, &home))?;
    let image = stages.need("image", || image::find_or_make(&project.root, Arch::NATIVE))?;
    let nix = stages.need("nix", || {
        watch(undo)?;
        Nix::start(nix_bin, &home, undo)
    })?;
    stages.need("engine", || {
        igloo.serve(undo)?;
        igloo.configure(builder, &image)
    })?;
    stages.need("start", || {
        igloo.undo_by("the builder", &["stop", "--now", builder], undo);
        igloo.run(&["start", builder])?;
        igloo.run(&["status"])
    })?;
    stages.need("setup", || {
        igloo.undo_by("Nix's setup", &["setup", "--undo", "--yes", builder], undo);
        // its own builds come next, after the daemon has read its settings anew
        igloo.run(&["setup", "--yes", "--no-proof", builder])?;
        nix.restart_own_daemon()
    })?;
    stages.need("builds", || diamond::build(&nix, &format!("{builder}-linux"), undo))
}

/// Igloo's home and that of Nix's clients. Short, since sockets are in it.
fn private_folder(undo: &mut Undo) -> Result<PathBuf> {
    let folder = std::env::temp_dir().join(format!("igloo-demo-{}", std::process::id()));
    DirBuilder::new().mode(0o700).create(&folder)?;
    let folder = fs::canonicalize(folder)?;
    let doomed = folder.clone();
    undo.push("the demo's folder", move || cache::remove(&doomed));
    Ok(folder)
}

/// Compare at the very end.
fn watch(undo: &mut Undo) -> Result<()> {
    let before = Footprint::take()?;
    undo.push("anything else (there is to be nothing)", move || before.expect(&Footprint::take()?));
    Ok(())
}
