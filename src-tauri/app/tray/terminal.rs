//! Opening a shell in a builder, in a terminal of the user's.

use igloo_protocol::{BuilderId, Code, Problem};
use serde::Serialize;
use std::{
    ffi::OsStr,
    path::{Path, PathBuf},
    process::{Command, Stdio},
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
    /// Opens a terminal in which `igloo ssh` runs for the builder. Returns once it is on its way.
    ///
    /// # Errors
    /// [`Code::MissingTool`] where there is no terminal.
    fn open(&self, builder: BuilderId) -> Result<(), Problem>;

    /// The terminals that are installed, the one that [`OpenTerminal::open`] takes first.
    fn installed(&self) -> Vec<Terminal>;
}

/// Names by which Linux desktops know the user's terminal, with what comes before the command:
/// freedesktop's proposal `xdg-terminal-exec`, and Debian's alternative.
const KNOWN: [(&str, &[&str]); 2] = [("xdg-terminal-exec", &[]), ("x-terminal-emulator", &["-e"])];

/// The desktop's own terminal.
#[derive(Debug)]
pub struct Desktops {
    /// The command line's `igloo`.
    pub igloo: PathBuf,
}

impl OpenTerminal for Desktops {
    fn open(&self, builder: BuilderId) -> Result<(), Problem> {
        let path = std::env::var_os("PATH").unwrap_or_default();
        let (program, before) = found(&path).into_iter().next().ok_or_else(none)?;
        let mut command = Command::new(&program);
        command.args(before).arg(&self.igloo).args(["ssh", builder.as_str()]);
        command.stdin(Stdio::null()).stdout(Stdio::null());
        let child = command.spawn().map_err(|e| {
            let message = format!("can't run {}: {e}", program.display());
            Problem::new(Code::MissingTool, message, "choose another terminal")
        })?;
        reap(child);
        Ok(())
    }

    fn installed(&self) -> Vec<Terminal> {
        let path = std::env::var_os("PATH").unwrap_or_default();
        let name = |program: &Path| program.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let named = found(&path).into_iter().map(|(program, _)| name(&program));
        named.map(|name| Terminal { id: name.clone(), name }).collect()
    }
}

/// Waits for a terminal's end, so that it leaves no zombie.
fn reap(mut child: std::process::Child) {
    let waiting = std::thread::Builder::new().name("terminal".into()).spawn(move || child.wait());
    if let Err(error) = waiting {
        tracing::debug!(%error, "nobody waits for the terminal's end");
    }
}

/// The known terminals in the folders of `path`.
fn found(path: &OsStr) -> Vec<(PathBuf, &'static [&'static str])> {
    let place = |name: &str| std::env::split_paths(path).map(|dir| dir.join(name)).find(|p| p.is_file());
    KNOWN.into_iter().filter_map(|(name, before)| place(name).map(|program| (program, before))).collect()
}

fn none() -> Problem {
    Problem::new(
        Code::MissingTool,
        "no terminal is found: neither xdg-terminal-exec nor x-terminal-emulator",
        "install one, or run `igloo ssh` in a terminal of your own",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_known_terminal_of_the_path_is_taken() {
        let (a, b) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let path = std::env::join_paths([a.path(), b.path()]).unwrap();
        assert_eq!(found(&path), []);
        std::fs::write(a.path().join("x-terminal-emulator"), "").unwrap();
        std::fs::write(b.path().join("xdg-terminal-exec"), "").unwrap();
        std::fs::create_dir(a.path().join("xdg-terminal-exec")).unwrap();
        let expected = [
            (b.path().join("xdg-terminal-exec"), &[][..]),
            (a.path().join("x-terminal-emulator"), &["-e"][..]),
        ];
        assert_eq!(found(&path), expected);
    }
}
