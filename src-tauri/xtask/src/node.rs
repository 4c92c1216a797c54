//! The Node that builds the page: the system's, or one from npm where the system's is too old, as Debian 12's is.

use crate::{cache, run};
use anyhow::{Context, Result, bail};
use std::{
    env,
    ffi::OsString,
    fs,
    path::{Path, PathBuf},
    process::Command,
};

/// The oldest Node that the page is built with: `engines` in `ui/package.json`.
const OLDEST: (u32, u32) = (20, 19);

/// What a newer one comes by: npm's own packages of it, with their hashes.
const INPUTS: [&str; 3] = ["package.json", "package-lock.json", ".npmrc"];

/// A Node that is new enough.
pub struct Node {
    /// The folder of its program; `None`: the system's.
    folder: Option<PathBuf>,
    /// As it tells it.
    pub version: String,
}

impl Node {
    /// Finds or fetches one.
    ///
    /// # Errors
    /// There is no npm, or it can't fetch anything.
    pub fn find_or_fetch(root: &Path) -> Result<Node> {
        let version = version("node").context("the page needs Node and npm")?;
        if is_new_enough(&version) {
            return Ok(Node { folder: None, version });
        }
        let folder = fetched(&crate::project::xtask_dir(root).join("node"))?;
        let version = self::version(folder.join("node"))?;
        if !is_new_enough(&version) {
            bail!("npm brought Node {version}, which is too old too: remove {}", folder.display());
        }
        Ok(Node { folder: Some(folder), version })
    }

    /// A command of npm that runs with this Node.
    pub fn npm(&self) -> Command {
        let mut npm = run::command("npm");
        if let Some(path) = self.path() {
            npm.env("PATH", path);
        }
        npm
    }

    /// The path on which this Node comes first; `None`: as it is.
    pub fn path(&self) -> Option<OsString> {
        let folder = self.folder.clone()?;
        let path = env::var_os("PATH").unwrap_or_default();
        env::join_paths(std::iter::once(folder).chain(env::split_paths(&path))).ok()
    }
}

/// Whether there is any Node and npm; which one is new enough is for [`Node::find_or_fetch`] to see to.
pub fn is_there() -> bool {
    run::on_path("node").is_some() && run::on_path("npm").is_some()
}

fn version(node: impl AsRef<std::ffi::OsStr>) -> Result<String> {
    Ok(run::outcome_or_error(run::command(node).arg("--version"))?.trim().to_owned())
}

/// `v20.19.2`
fn is_new_enough(version: &str) -> bool {
    let mut numbers = version.trim_start_matches('v').split('.').map(str::parse::<u32>);
    match (numbers.next(), numbers.next()) {
        (Some(Ok(major)), Some(Ok(minor))) => (major, minor) >= OLDEST,
        _ => false,
    }
}

/// The folder of the program, in the cache.
fn fetched(from: &Path) -> Result<PathBuf> {
    let read = |name: &str| fs::read_to_string(from.join(name)).with_context(|| format!("reading {name}"));
    let inputs = INPUTS.into_iter().map(read).collect::<Result<Vec<_>>>()?;
    let key = cache::key(&inputs.iter().map(String::as_str).chain([env::consts::ARCH]).collect::<Vec<_>>());
    let dir = cache::root()?.join("node").join(key);
    cache::made(&dir, |partial| {
        for name in INPUTS {
            fs::copy(from.join(name), partial.join(name)).with_context(|| format!("copying {name}"))?;
        }
        run::run(run::command("npm").args(["ci", "--ignore-scripts"]).current_dir(partial))
    })?;
    let arch = if env::consts::ARCH == "aarch64" { "arm64" } else { "x64" };
    Ok(dir.join(format!("node_modules/node-linux-{arch}/bin")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_old_node_is_none() {
        for good in ["v20.19.0", "v20.20.2", "v22.1.0"] {
            assert!(is_new_enough(good), "{good}");
        }
        for bad in ["v20.18.3", "v18.20.4", "", "v20", "node"] {
            assert!(!is_new_enough(bad), "{bad}");
        }
    }

    #[test]
    fn the_page_asks_for_the_same_node() {
        let text = fs::read_to_string(crate::project::root().unwrap().join("ui/package.json")).unwrap();
        assert!(text.contains(&format!("\"node\": \">={}.{}\"", OLDEST.0, OLDEST.1)), "{text}");
    }

    #[test]
    fn the_one_from_npm_is_new_enough() {
        let root = crate::project::root().unwrap();
        let text = fs::read_to_string(crate::project::xtask_dir(&root).join("node/package.json")).unwrap();
        let json: serde_json::Value = serde_json::from_str(&text).unwrap();
        for arch in ["arm64", "x64"] {
            let version = json["optionalDependencies"][format!("node-linux-{arch}")].as_str().unwrap();
            assert!(is_new_enough(version), "{version}");
        }
    }
}
