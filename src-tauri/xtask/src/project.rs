//! The checkout that this xtask works on.

use crate::run;
use anyhow::{Context, Result};
use serde_json::Value;
use std::{
    path::{Path, PathBuf},
    process::Command,
};

/// Folders of the project.
pub struct Project {
    pub root: PathBuf,
    pub target: PathBuf,
    /// Names of the root package's integration tests: those that need a VM, root and a Nix.
    pub end_to_end: Vec<String>,
    /// Names of the other packages' integration tests.
    pub integration: Vec<String>,
}

impl Project {
    /// Ask Cargo about the checkout.
    pub fn find() -> Result<Project> {
        let root = root()?;
        let mut metadata = run::command("cargo");
        metadata.args(["metadata", "--no-deps", "--format-version", "1"]).current_dir(&root);
        let metadata: Value =
            serde_json::from_str(&run::capture(&mut metadata)?).context("reading cargo metadata")?;
        let target =
            metadata["target_directory"].as_str().context("cargo metadata names no target folder")?;
        let (end_to_end, integration) = tests(&metadata);
        Ok(Project { root, target: target.into(), end_to_end, integration })
    }

    /// A cargo command in the root.
    pub fn cargo(&self, subcommand: &str) -> Command {
        let mut command = run::command("cargo");
        command.arg(subcommand).current_dir(&self.root);
        command
    }
}

/// The checkout's root.
pub fn root() -> Result<PathBuf> {
    // cargo's word at run time comes first: checkouts that share a target folder share the binary
    let manifest = std::env::var_os("CARGO_MANIFEST_DIR").map(PathBuf::from);
    let manifest = manifest.unwrap_or_else(|| env!("CARGO_MANIFEST_DIR").into());
    let root = manifest.ancestors().nth(2).context("xtask is in src-tauri/xtask")?;
    Ok(root.to_path_buf())
}

/// This crate's own folder.
pub fn xtask_dir(root: &Path) -> PathBuf {
    root.join("src-tauri/xtask")
}

fn tests(metadata: &Value) -> (Vec<String>, Vec<String>) {
    let (mut end_to_end, mut integration) = (Vec::new(), Vec::new());
    for package in metadata["packages"].as_array().into_iter().flatten() {
        let into = if package["name"] == "igloo" { &mut end_to_end } else { &mut integration };
        let targets = package["targets"].as_array().into_iter().flatten();
        let of_kind_test = targets.filter(|target| target["kind"][0] == "test");
        into.extend(of_kind_test.filter_map(|target| target["name"].as_str().map(str::to_owned)));
    }
    (end_to_end, integration)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn the_root_packages_tests_are_the_end_to_end_ones() {
        let target = |kind, name| json!({ "kind": [kind], "name": name });
        let metadata = json!({ "packages": [
            { "name": "igloo", "targets": [target("bin", "igloo"), target("test", "build")] },
            { "name": "igloo-engine", "targets": [target("lib", "igloo_engine"), target("test", "supervisor")] },
        ] });
        assert_eq!(tests(&metadata), (vec!["build".to_owned()], vec!["supervisor".to_owned()]));
    }

    #[test]
    fn the_root_has_the_workspace() {
        assert!(root().unwrap().join("Cargo.lock").exists());
    }
}
