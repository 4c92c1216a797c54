//! `cargo xtask pictures`: photographs of the real app for the documentation (`docs/pictures/README.md`).

use crate::{packages, page, project::Project, run};
use anyhow::{Context, Result, bail};
use std::{
    fs,
    path::{Path, PathBuf},
};

/// Where they go.
const FOLDER: &str = "docs/pictures";

/// What one may weigh, and all together, in bytes: they are part of every clone.
const LARGEST: u64 = 150_000;
const ALL: u64 = 2_500_000;

/// What takes and draws them, beside what the tests need.
const PACKAGES: &[&str] =
    &["gir1.2-dbusmenu-gtk3-0.4", "imagemagick", "librsvg2-bin", "pngquant", "python3-gi"];

/// Take them all anew.
pub fn run() -> Result<()> {
    if !cfg!(target_os = "linux") {
        bail!("pictures are taken on Linux, where a desktop of one's own costs nothing");
    }
    let project = Project::find()?;
    packages::ensure(&project.root, packages::Purpose::Test)?;
    packages::install(&PACKAGES.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>())?;
    page::build(&project)?;
    // it lies beside the app, or there is no plan to show
    run::run(project.cargo("build").args(["--workspace", "--bin", "igloo-admin"]))?;
    let folder = project.root.join(FOLDER);
    pngs(&folder)?.into_iter().try_for_each(fs::remove_file)?;
    let mut test = project.cargo("test");
    test.args(["--test", "desktop", "--", "--ignored", "--test-threads", "2", "pictures::"]);
    run::run(test.env("IGLOO_PICTURES", &folder))?;
    let pictures = pngs(&folder)?;
    pictures.iter().try_for_each(|picture| shrink(picture))?;
    weigh(&pictures)
}

fn pngs(folder: &Path) -> Result<Vec<PathBuf>> {
    let entries = fs::read_dir(folder).with_context(|| format!("reading {}", folder.display()))?;
    let mut pngs = Vec::new();
    for entry in entries {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "png") {
            pngs.push(path);
        }
    }
    pngs.sort();
    Ok(pngs)
}

/// Flat colours need no more than 256 of them.
fn shrink(picture: &Path) -> Result<()> {
    let mut pngquant = run::command("pngquant");
    pngquant
        .args(["--speed", "1", "--strip", "--skip-if-larger", "--force", "--ext", ".png", "256", "--"])
        .arg(picture);
    // 98: it would be larger
    match pngquant.status().context("starting pngquant")?.code() {
        Some(0 | 98) => Ok(()),
        code => bail!("pngquant {} failed: {code:?}", picture.display()),
    }
}

fn weigh(pictures: &[PathBuf]) -> Result<()> {
    let mut all = 0;
    for picture in pictures {
        let size = fs::metadata(picture)?.len();
        all += size;
        if size > LARGEST {
            bail!("{} has {size} bytes, and {LARGEST} are the most", picture.display());
        }
    }
    println!("{} pictures, {} kB", pictures.len(), all / 1000);
    if all > ALL {
        bail!("together they have {all} bytes, and {ALL} are the most");
    }
    Ok(())
}
