//! The window's page, in `ui/`: what it is built with, the build, and its tests.

use crate::{cache, node::Node, project::Project, run};
use anyhow::{Context, Result};
use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

/// What the packages are made from; all of it is part of their key.
const INPUTS: [&str; 3] = ["package.json", "package-lock.json", ".npmrc"];

/// The file in `node_modules` that names what it is a copy of.
const KEY: &str = ".igloo-key";

/// Put npm's packages in place and build the page, which the app embeds.
pub fn build(project: &Project) -> Result<()> {
    Page::prepare(project)?.run("build")
}

/// Everything that has to hold of the page: types, layout, models, and each page in a browser.
pub fn test(project: &Project) -> Result<()> {
    let page = Page::prepare(project)?;
    ["check", "format", "test", "e2e"].into_iter().try_for_each(|script| page.run(script))
}

/// The page's folder, with npm's packages in it, and the Node that runs them.
pub struct Page {
    ui: PathBuf,
    node: Node,
}

impl Page {
    /// Puts npm's packages in place.
    pub fn prepare(project: &Project) -> Result<Page> {
        let page = Page { ui: project.root.join("ui"), node: Node::find_or_fetch(&project.root)? };
        page.install()?;
        Ok(page)
    }

    /// A program of npm's packages.
    pub fn program(&self, name: &str) -> Command {
        let mut command = run::command(self.ui.join("node_modules/.bin").join(name));
        if let Some(path) = self.node.path() {
            command.env("PATH", path);
        }
        command
    }

    fn run(&self, script: &str) -> Result<()> {
        run::run(self.node.npm().args(["run", "--silent", script]).current_dir(&self.ui))
    }

    /// Give `ui/` the packages of its lock file: a copy of those in the cache.
    fn install(&self) -> Result<()> {
        let key = key(&self.ui, &self.node.version)?;
        let place = self.ui.join("node_modules");
        if fs::read_to_string(place.join(KEY)).is_ok_and(|of| of == key) {
            return Ok(());
        }
        let cached = self.cached(&key)?;
        cache::remove(&place)?;
        run::run(Command::new("cp").arg("-a").arg(cached.join("node_modules")).arg(&place))?;
        fs::write(place.join(KEY), key).context("marking ui/node_modules")
    }

    fn cached(&self, key: &str) -> Result<PathBuf> {
        let dir = cache::root()?.join("npm").join(key);
        cache::made(&dir, |partial| {
            for name in INPUTS {
                fs::copy(self.ui.join(name), partial.join(name))
                    .with_context(|| format!("copying ui/{name}"))?;
            }
            run::run(self.node.npm().args(["ci", "--prefer-offline"]).current_dir(partial))
        })?;
        Ok(dir)
    }
}

fn key(ui: &Path, node: &str) -> Result<String> {
    let read = |name: &str| fs::read_to_string(ui.join(name)).with_context(|| format!("reading ui/{name}"));
    let inputs = INPUTS.into_iter().map(read).collect::<Result<Vec<_>>>()?;
    let inputs = inputs.iter().map(String::as_str);
    Ok(cache::key(&inputs.chain([node, std::env::consts::OS, std::env::consts::ARCH]).collect::<Vec<_>>()))
}

#[cfg(test)]
mod tests {
    use super::*;

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
}
