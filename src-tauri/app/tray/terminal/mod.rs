//! Opening a shell in a builder, in a terminal of the user's.

mod known;

use igloo_engine::{
    api::Client,
    host::{Paths, paths::cannot},
};
use igloo_protocol::{BuilderId, Code, Problem};
use known::{Found, LINUX, MACOS};
use serde::Serialize;
use std::{
    ffi::OsString,
    fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::Arc,
};

/// A terminal program that is installed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Terminal {
    /// What it is called in settings.
    pub id: String,
    /// What it is called to people.
    pub name: String,
}

/// Something that opens terminals. Faces take this, so that their tests need none.
pub trait OpenTerminal: Send + Sync + 'static {
    /// Opens a terminal in which `igloo ssh` runs for the builder: the chosen one where it is there. Returns once it
    /// is on its way.
    ///
    /// # Errors
    /// [`Code::MissingTool`] where there is no terminal.
    fn open(&self, builder: BuilderId, chosen: Option<&str>) -> Result<(), Problem>;

    /// The terminals that are installed, the one that [`OpenTerminal::open`] takes unless told first.
    fn installed(&self) -> Vec<Terminal>;
}

/// Opens the terminal that the settings name. An engine that does not answer names none.
///
/// # Errors
/// As [`OpenTerminal::open`].
pub async fn open(
    terminal: &Arc<dyn OpenTerminal>,
    client: &Client,
    builder: BuilderId,
) -> Result<(), Problem> {
    let settings = client.settings().await.unwrap_or_default();
    let value = settings.into_iter().find(|setting| setting.key == "terminal").and_then(|s| s.value);
    let chosen = value.as_deref().map(|toml| toml.trim_matches('"'));
    terminal.open(builder, chosen)
}

/// The terminals of this desktop.
#[derive(Debug)]
pub struct Desktops {
    /// The command line's `igloo`.
    pub igloo: PathBuf,
    /// Where Igloo keeps its files.
    pub paths: Paths,
}

impl OpenTerminal for Desktops {
    fn open(&self, builder: BuilderId, chosen: Option<&str>) -> Result<(), Problem> {
        let found = found();
        let terminal = known::choose(&found, chosen).ok_or_else(none)?;
        if let Some(chosen) = chosen.filter(|chosen| *chosen != terminal.known.id) {
            tracing::warn!(chosen, taken = terminal.known.id, "the chosen terminal is not there");
        }
        let command = known::command(&self.igloo, builder.as_str(), std::env::var_os("IGLOO_HOME"));
        let file = self.paths.runtime_dir.join(format!("terminal-{builder}.command"));
        if terminal.needs_file() {
            write(&file, &known::script(&command))?;
        }
        reap(spawn(&terminal.words(&command, &file))?);
        Ok(())
    }

    fn installed(&self) -> Vec<Terminal> {
        let terminal = |f: Found| Terminal { id: f.known.id.into(), name: f.known.name.into() };
        found().into_iter().map(terminal).collect()
    }
}

fn found() -> Vec<Found> {
    let env = |name: &str| std::env::var_os(name).unwrap_or_default();
    if cfg!(target_os = "macos") {
        known::found(MACOS, &known::app_folders(Path::new(&env("HOME"))), Path::is_dir)
    } else {
        known::found(LINUX, &std::env::split_paths(&env("PATH")).collect::<Vec<_>>(), Path::is_file)
    }
}

fn write(file: &Path, script: &str) -> Result<(), Problem> {
    let failed = |e| cannot("write", file, &e);
    fs::write(file, script).map_err(failed)?;
    fs::set_permissions(file, fs::Permissions::from_mode(0o700)).map_err(failed)
}

fn spawn(words: &[OsString]) -> Result<Child, Problem> {
    let (program, arguments) = words.split_first().ok_or_else(none)?;
    let spawned = Command::new(program).args(arguments).stdin(Stdio::null()).stdout(Stdio::null()).spawn();
    spawned.map_err(|e| {
        let message = format!("can't run {}: {e}", program.display());
        Problem::new(Code::MissingTool, message, "choose another terminal in the settings")
    })
}

/// Waits for a terminal's end, so that it leaves no zombie.
fn reap(mut child: Child) {
    let waiting = std::thread::Builder::new().name("terminal".into()).spawn(move || child.wait());
    if let Err(error) = waiting {
        tracing::debug!(%error, "nobody waits for the terminal's end");
    }
}

fn none() -> Problem {
    Problem::new(
        Code::MissingTool,
        "no terminal is found: neither xdg-terminal-exec nor x-terminal-emulator",
        "install one, or run `igloo ssh` in a terminal of your own",
    )
}
