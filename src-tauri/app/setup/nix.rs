//! The host's own Nix: where its programs are, and what it says that it is set to.

use igloo_admin::nix_config::{self, Effective, SYSTEM_ONLY};
use igloo_protocol::NixConfig;
use std::{
    path::PathBuf,
    process::{Output, Stdio},
    time::Duration,
};
use tokio::process::Command;

/// Where Nix' programs are when they are not on the path.
const PROFILES: [&str; 2] = ["/nix/var/nix/profiles/default/bin", "/run/current-system/sw/bin"];

/// How long Nix may take to say what it is set to.
const PATIENCE: Duration = Duration::from_secs(20);

/// A program of Nix: from the path, or from where installers put it.
pub fn program(name: &str) -> PathBuf {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders = std::env::split_paths(&path).chain(PROFILES.map(PathBuf::from));
    let found = folders.map(|folder| folder.join(name)).find(|file| file.is_file());
    found.unwrap_or_else(|| name.into())
}

/// What Nix says that the system is set to; `None` where there is no Nix that answers.
pub async fn effective() -> Option<Effective> {
    for arguments in NixConfig::ARGUMENTS {
        let asked = ask(arguments).await?;
        if asked.status.success() {
            return nix_config::parse(&asked.stdout).inspect_err(|e| tracing::warn!("{e}")).ok();
        }
    }
    None
}

async fn ask(arguments: &str) -> Option<Output> {
    let mut nix = Command::new(program("nix"));
    nix.args(arguments.split(' ')).envs(SYSTEM_ONLY).stdin(Stdio::null()).kill_on_drop(true);
    tokio::time::timeout(PATIENCE, nix.output()).await.ok()?.ok()
}
