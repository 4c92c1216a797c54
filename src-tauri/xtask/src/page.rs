//! The window's page, in `ui/`: what it is built with, the build, and its tests.

use crate::{cache, project::Project, run};
use anyhow::{Context, Result, bail};
use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

/// The oldest Node that the page is built with: `engines` in `ui/package.json`.
const NODE: (u32, u32) = (20, 19);

/// What the packages are made from; all of it is part of their key.
const INPUTS: [&str; 3] = ["package.json", "package-lock.json", ".npmrc"];

/// The file in `node_modules` that names what it is a copy of.
const KEY: &str = ".igloo-key";

/// Put npm's packages in place and build the page, which the app embeds.
pub fn build(project: &Project) -> Result<()> {
    let ui = project.root.join("ui");
    install(&ui)?;
    npm(&ui, "build")
}

/// Everything that has to hold of the page: types, layout, models, and each page in a browser.
pub fn test(project: &Project) -> Result<()> {
    let ui = project.root.join("ui");
    install(&ui)?;
    ["check", "format", "test", "e2e"].into_iter().try_for_each(|script| npm(&ui, script))
}

/// Whether a Node that is new enough is here.
pub fn has_node() -> bool {
    node().is_ok_and(|version| is_new_enough(&version))
}

fn npm(ui: &Path, script: &str) -> Result<()> {
    run::run(run::command("npm").args(["run", "--silent", script]).current_dir(ui))
}

fn node() -> Result<String> {
    run::outcome_or_error(run::command("node").arg("--version"))
}

/// `v20.19.2`
fn is_new_enough(version: &str) -> bool {
    let mut numbers = version.trim().trim_start_matches('v').split('.').map(str::parse::<u32>);
    match (numbers.next(), numbers.next()) {
        (Some(Ok(major)), Some(Ok(minor))) => (major, minor) >= NODE,
        _ => false,
    }
}

/// Give `ui/` the packages of its lock file: a copy of those in the cache.
fn install(ui: &Path) -> Result<()> {
    let version = node().context("the page needs Node")?;
    if !is_new_enough(&version) {
        bail!("this is Node {}, and the page needs {}.{} or newer", version.trim(), NODE.0, NODE.1);
    }
    let key = key(ui, &version)?;
    let place = ui.join("node_modules");
    if fs::read_to_string(place.join(KEY)).is_ok_and(|of| of == key) {
        return Ok(());
    }
    let cached = cached(ui, &key)?;
    cache::remove(&place)?;
    run::run(Command::new("cp").arg("-a").arg(cached.join("node_modules")).arg(&place))?;
    fs::write(place.join(KEY), key).context("marking ui/node_modules")
}

fn key(ui: &Path, node: &str) -> Result<String> {
    let read = |name: &str| fs::read_to_string(ui.join(name)).with_context(|| format!("reading ui/{name}"));
    let inputs = INPUTS.into_iter().map(read).collect::<Result<Vec<_>>>()?;
    let inputs = inputs.iter().map(String::as_str);
    Ok(cache::key(&inputs.chain([node, std::env::consts::OS, std::env::consts::ARCH]).collect::<Vec<_>>()))
}

fn cached(ui: &Path, key: &str) -> Result<PathBuf> {
    let dir = cache::root()?.join("npm").join(key);
    cache::made(&dir, |partial| {
        for name in INPUTS {
            fs::copy(ui.join(name), partial.join(name)).with_context(|| format!("copying ui/{name}"))?;
        }
        run::run(run::command("npm").args(["ci", "--prefer-offline"]).current_dir(partial))
    })?;
    Ok(dir)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_old_node_is_none() {
        for good in ["v20.19.0\n", "v20.20.2", "v22.1.0"] {
            assert!(is_new_enough(good), "{good}");
        }
        for bad in ["v20.18.3", "v18.20.4", "", "v20", "node"] {
            assert!(!is_new_enough(bad), "{bad}");
        }
    }

    #[test]
    fn what_the_packages_are_made_from_is_their_key() {
        let dir = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| fs::write(dir.path().join(name), text).unwrap();
        INPUTS.into_iter().for_each(|name| write(name, name));
        let before = key(dir.path(), "v20.19.2").unwrap();
        assert_ne!(key(dir.path(), "v22.0.0").unwrap(), before);
        write("package-lock.json", "{}");
        assert_ne!(key(dir.path(), "v20.19.2").unwrap(), before);
    }

    #[test]
    fn the_page_asks_for_the_same_node() {
        let text = fs::read_to_string(crate::project::root().unwrap().join("ui/package.json")).unwrap();
        assert!(text.contains(&format!("\"node\": \">={}.{}\"", NODE.0, NODE.1)), "{text}");
    }
}
