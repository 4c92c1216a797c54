//! The app's folder as a Mac's user gets it, but for the signature.

use super::{Linked, info_plist};
use crate::cache;
use anyhow::{Context, Result, bail};
use plist::Dictionary;
use serde_json::Value as Json;
use std::{
    fs,
    path::{Path, PathBuf},
};

/// Programs of the bundle. The first is the app; the others are found beside it.
pub const PROGRAMS: [&str; 3] = ["igloo-tray", "igloo", "igloo-admin"];

/// `tauri.conf.json`.
pub fn config(root: &Path) -> Result<Json> {
    let text = fs::read(root.join("tauri.conf.json")).context("reading tauri.conf.json")?;
    serde_json::from_slice(&text).context("reading tauri.conf.json")
}

/// The oldest macOS that the app is for, by its configuration.
pub fn minimum(root: &Path) -> Result<String> {
    let config = config(root)?;
    let minimum = config.pointer("/bundle/macOS/minimumSystemVersion").and_then(Json::as_str);
    Ok(minimum.context("tauri.conf.json names no oldest macOS")?.to_owned())
}

/// Its `Info.plist`.
pub fn info(root: &Path) -> Result<Dictionary> {
    let config = config(root)?;
    let own = config.pointer("/bundle/macOS/infoPlist").and_then(Json::as_str);
    let own = plist::Value::from_file(root.join(own.context("tauri.conf.json names no Info.plist")?))?;
    let own = own.into_dictionary().context("Info.plist is no dictionary")?;
    let icon = icon(&config)?;
    let icon = icon.file_name().and_then(|name| name.to_str()).context("the icon has no name")?;
    // the workspace has one version, which is this program's too
    info_plist::make(&config, env!("CARGO_PKG_VERSION"), icon, own)
}

fn icon(config: &Json) -> Result<PathBuf> {
    let icons = config.pointer("/bundle/icon").and_then(Json::as_array).into_iter().flatten();
    let mut paths = icons.filter_map(Json::as_str).map(PathBuf::from);
    paths.find(|path| path.extension().is_some_and(|end| end == "icns")).context("there is no .icns")
}

/// Puts the folder together in `into` and reads back what a Mac would.
///
/// # Errors
/// Something is missing or can't be written.
pub fn assemble(root: &Path, programs: &[Linked], into: &Path) -> Result<PathBuf> {
    let config = config(root)?;
    let name = config["productName"].as_str().context("tauri.conf.json has no productName")?;
    let app = into.join(format!("{name}.app"));
    cache::remove(&app)?;
    let contents = app.join("Contents");
    for folder in ["MacOS", "Resources"] {
        fs::create_dir_all(contents.join(folder))?;
    }
    for program in programs {
        // links cost no time and no space
        fs::hard_link(&program.file, contents.join("MacOS").join(program.name))
            .with_context(|| format!("linking {}", program.file.display()))?;
    }
    let icon = icon(&config)?;
    let icon_name = icon.file_name().context("the icon has no name")?;
    fs::copy(root.join(&icon), contents.join("Resources").join(icon_name))?;
    plist::Value::Dictionary(info(root)?).to_file_xml(contents.join("Info.plist"))?;
    check(&contents)?;
    Ok(app)
}

/// What `Info.plist` names is there, and so is the rest.
fn check(contents: &Path) -> Result<()> {
    let info = plist::Value::from_file(contents.join("Info.plist"))?;
    let info = info.into_dictionary().context("Info.plist is no dictionary")?;
    let named = |key: &str| info.get(key).and_then(plist::Value::as_string).unwrap_or_default().to_owned();
    let mut wanted = PROGRAMS.map(|name| format!("MacOS/{name}")).to_vec();
    wanted.push(format!("MacOS/{}", named("CFBundleExecutable")));
    wanted.push(format!("Resources/{}", named("CFBundleIconFile")));
    match wanted.iter().find(|file| !contents.join(file).is_file()) {
        Some(missing) => bail!("{} has no {missing}", contents.display()),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::project;

    fn linked(dir: &Path, names: &[&'static str]) -> Vec<Linked> {
        let make = |name: &&'static str| {
            let file = dir.join(name);
            fs::write(&file, name).unwrap();
            Linked { name, file }
        };
        names.iter().map(make).collect()
    }

    #[test]
    fn the_folder_is_what_a_mac_expects() {
        let (root, dir) = (project::root().unwrap(), tempfile::tempdir().unwrap());
        let programs = linked(dir.path(), &PROGRAMS);
        // twice: what is there is replaced
        assemble(&root, &programs, dir.path()).unwrap();
        let app = assemble(&root, &programs, dir.path()).unwrap();
        assert_eq!(app, dir.path().join("Igloo.app"));
        for program in PROGRAMS {
            assert_eq!(fs::read_to_string(app.join("Contents/MacOS").join(program)).unwrap(), program);
        }
        let icon = fs::read(app.join("Contents/Resources/icon.icns")).unwrap();
        assert_eq!(&icon[..4], b"icns");
        assert!(fs::read(app.join("Contents/Info.plist")).unwrap().starts_with(b"<?xml"));
    }

    #[test]
    fn a_program_that_is_missing_is_said() {
        let (root, dir) = (project::root().unwrap(), tempfile::tempdir().unwrap());
        let error = assemble(&root, &linked(dir.path(), &PROGRAMS[..2]), dir.path()).unwrap_err();
        assert!(error.to_string().contains("igloo-admin"), "{error}");
    }
}
