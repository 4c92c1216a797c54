//! Making an image with the host's Nix: from a nixpkgs to a manifest that nothing collects.

mod command;
mod progress;

pub use command::{Nixpkgs, Request};
pub use progress::Progress;

use super::Library;
use crate::{host::paths::cannot, known, vm::tools};
use igloo_protocol::{Code, NixView, Problem};
use std::{
    path::{Path, PathBuf},
    process::Stdio,
};
use tokio::{
    io::{AsyncBufReadExt, BufReader},
    process::Command,
};

/// Nix' programs.
#[derive(Clone, Debug)]
pub struct Nix {
    /// `nix-build`
    pub build: PathBuf,
    /// `nix-store`
    pub store: PathBuf,
}

/// Builds an image, and keeps it in the library. `on_progress` is told how far Nix is.
///
/// # Errors
/// [`Code::MissingTool`] without a Nix, [`Code::ImageFailed`] with the cause as far as it is known.
pub async fn build(
    nix: &Nix,
    request: &Request,
    library: &Library,
    on_progress: &(dyn Fn(&NixView) + Send + Sync),
) -> Result<PathBuf, Problem> {
    let _lock = library.lock().await?;
    let link = library.building();
    let arguments = command::arguments(request, &link);
    let (succeeded, said) = run(&nix.build, &arguments, on_progress).await?;
    if !succeeded {
        return Err(failed(request, &said));
    }
    let made = std::fs::read_link(&link).map_err(|e| cannot("read", &link, &e))?;
    let root = library.root_for(&made);
    add_root(nix, &made, &root).await?;
    // another root holds it now
    crate::files::remove(&link).map_err(|e| cannot("remove", &link, &e))?;
    Ok(root)
}

/// Runs Nix and adds up what it says; whether it succeeded, and its messages.
async fn run(
    program: &Path,
    arguments: &[String],
    on_progress: &(dyn Fn(&NixView) + Send + Sync),
) -> Result<(bool, String), Problem> {
    let mut command = Command::new(program);
    command.args(arguments).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
    let mut child = command.kill_on_drop(true).spawn().map_err(|e| cannot_run(program, &e))?;
    let mut progress = Progress::default();
    if let Some(stderr) = child.stderr.take() {
        let mut lines = BufReader::new(stderr).split(b'\n');
        while let Ok(Some(line)) = lines.next_segment().await {
            if progress.line(&String::from_utf8_lossy(&line)) {
                on_progress(&progress.view());
            }
        }
    }
    let status = child.wait().await.map_err(|e| cannot_run(program, &e))?;
    Ok((status.success(), progress.said()))
}

/// Lets Nix keep `made` as long as `root` is there.
async fn add_root(nix: &Nix, made: &Path, root: &Path) -> Result<(), Problem> {
    let mut command = Command::new(&nix.store);
    // older ones make an indirect root only if they are told to
    command.arg("--add-root").arg(root).args(["--indirect", "--realise"]).arg(made);
    let output = command.stdin(Stdio::null()).kill_on_drop(true).output().await;
    let output = output.map_err(|e| cannot_run(&nix.store, &e))?;
    if output.status.success() {
        return Ok(());
    }
    Err(Problem::new(
        Code::ImageFailed,
        format!("Nix could not keep {}: {}", made.display(), String::from_utf8_lossy(&output.stderr).trim()),
        "Look at the rights of Nix' state folder, then build it again",
    ))
}

fn cannot_run(program: &Path, e: &std::io::Error) -> Problem {
    match e.kind() {
        std::io::ErrorKind::NotFound => Problem::new(
            Code::MissingTool,
            format!("{} is not there, and an image is made by Nix", program.display()),
            "Install Nix, or put it on the path",
        ),
        _ => tools::cannot_run(program, e),
    }
}

/// Why Nix did not build it. That a derivation of the guest's must be built, and nothing does, is what a user meets first.
fn failed(request: &Request, said: &str) -> Problem {
    let known = known::explain(said);
    if known.iter().any(|problem| problem.code == Code::WrongSystem) {
        let guest = request.guest;
        let (message, remedy) = match &request.config {
            Some(_) => (
                format!(
                    "The image with that configuration must be built on {guest}, and Nix knows no machine that does"
                ),
                "Build the stock image first (`igloo image build`), start it (`igloo start`), let Nix use it (`igloo setup`), then build this one",
            ),
            None => (
                format!(
                    "The image of that nixpkgs is in no cache and must be built on {guest}, and Nix knows no machine that does"
                ),
                "Choose a nixpkgs whose builder is in the cache: a release, or a channel",
            ),
        };
        return Problem::new(Code::ImageFailed, message, remedy);
    }
    let last = said.trim().lines().rfind(|line| line.contains("error")).unwrap_or("it gave no reason");
    let (why, remedy) = match known.into_iter().next() {
        Some(cause) => (cause.message, cause.remedy),
        None => (last.trim().to_owned(), "Look at what Nix says above, and try another nixpkgs".to_owned()),
    };
    Problem::new(Code::ImageFailed, format!("Nix could not build the image: {why}"), remedy)
}

#[cfg(test)]
mod tests {
    use super::*;
    use igloo_protocol::System;

    fn request(config: Option<&str>) -> Request {
        Request {
            nixpkgs: Nixpkgs::Flake("nixpkgs".into()),
            config: config.map(PathBuf::from),
            guest: System::Aarch64Linux,
        }
    }

    #[test]
    fn a_configuration_without_a_builder_says_how_to_get_one() {
        for said in [
            "error: a 'aarch64-linux' with features {} is required to build '/nix/store/x.drv', but I am a 'aarch64-darwin'",
            "error: Cannot build '/nix/store/x.drv'.\nReason: required system or feature not available\nRequired system: 'aarch64-linux' with features {}",
            "Failed to find a machine for remote build!",
        ] {
            let problem = failed(&request(Some("/c.nix")), said);
            assert_eq!(problem.code, Code::ImageFailed);
            assert!(problem.remedy.starts_with("Build the stock image first"), "{problem:?}");
            assert!(failed(&request(None), said).remedy.starts_with("Choose a nixpkgs"));
        }
    }

    #[test]
    fn another_failure_is_told_in_nixs_words() {
        let problem = failed(&request(None), "warning: x\nerror: attribute 'linux-builder' missing\n");
        assert_eq!(
            problem.message,
            "Nix could not build the image: error: attribute 'linux-builder' missing"
        );
    }
}
