//! Igloo as its user has it: the command line and the engine, with a home of their own.

use super::undo::Undo;
use crate::{project::Project, run};
use anyhow::{Context, Result, bail};
use rustix::process::{Pid, Signal, kill_process};
use std::{
    fs::{self, File},
    net::TcpListener,
    os::unix::process::CommandExt,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::Duration,
};

const ENGINE_STARTS: Duration = Duration::from_secs(30);
const STRAY_ENDS: Duration = Duration::from_secs(20);
/// The last lines of the engine's log that are shown when something fails.
const SHOWN_OF_LOG: usize = 30;

/// MiB: enough for the demo, and there on a small machine.
const MEMORY: &str = "2048";

/// The programs that were built, and their home.
pub struct Igloo {
    program: PathBuf,
    home: PathBuf,
}

impl Igloo {
    /// Build without the tray, which needs a web view.
    pub fn build(project: &Project, home: &Path) -> Result<Igloo> {
        let mut build = project.cargo("build");
        build.args(["--package", "igloo", "--package", "igloo-admin", "--no-default-features"]);
        run::run(build.args(["--bin", "igloo", "--bin", "igloo-admin"]))?;
        Ok(Igloo { program: project.target.join("debug/igloo"), home: home.to_owned() })
    }

    /// Start the engine in the background.
    pub fn serve(&self, undo: &mut Undo) -> Result<()> {
        let home = self.home.clone();
        undo.push("what still runs from the demo's folder", move || end_strays(&home));
        let log = File::create(self.log())?;
        let mut serve = self.command(&["serve"]);
        // an interrupt at the terminal is for us; the engine is still needed to clean up
        serve.process_group(0).stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log);
        let mut engine = run::spawn(&mut serve)?;
        let ready = run::wait_for("the engine to answer", ENGINE_STARTS, || {
            if let Some(status) = engine.try_wait()? {
                bail!("igloo serve ended: {status}");
            }
            Ok(run::outcome(&mut self.command(&["status"]))?.success.then_some(()))
        });
        undo.push("the engine", move || run::end(&mut engine));
        self.with_log(ready)
    }

    /// Say which image a builder has, and give it a port that is free.
    pub fn configure(&self, builder: &str, image: &Path) -> Result<()> {
        let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port().to_string();
        let image = image.to_str().context("the image's path is no UTF-8")?;
        // the user's own keychain is not to keep what is thrown away
        self.run(&["settings", "set", "keychain", "false"])?;
        for (setting, value) in [("image", image), ("port", &port), ("memory", MEMORY)] {
            self.run(&["settings", "set", &format!("builders.{builder}.{setting}"), value])?;
        }
        Ok(())
    }

    /// Run a command of Igloo's.
    pub fn run(&self, args: &[&str]) -> Result<()> {
        self.with_log(run::run(&mut self.command(args)))
    }

    /// Take this command of Igloo's to undo what comes now.
    pub fn undo_by(&self, what: &'static str, args: &[&str], undo: &mut Undo) {
        let mut command = self.command(args);
        undo.push(what, move || run::run(&mut command));
    }

    fn command(&self, args: &[&str]) -> Command {
        let mut command = run::command(&self.program);
        command.args(args).env("IGLOO_HOME", &self.home);
        command
    }

    fn log(&self) -> PathBuf {
        self.home.join("serve.log")
    }

    fn with_log<T>(&self, result: Result<T>) -> Result<T> {
        let Err(error) = result else { return result };
        let log = fs::read_to_string(self.log()).unwrap_or_default();
        let lines: Vec<_> = log.lines().collect();
        let end = lines[lines.len().saturating_sub(SHOWN_OF_LOG)..].join("\n");
        Err(if end.is_empty() {
            error
        } else {
            error.context(format!("the engine's log ends with:\n{end}\n"))
        })
    }
}

/// A virtual machine outlives an engine that dies. Its command line names our folder.
fn end_strays(home: &Path) -> Result<()> {
    for entry in fs::read_dir("/proc")?.flatten() {
        let Some(pid) = entry.file_name().to_str().and_then(|name| name.parse::<i32>().ok()) else {
            continue;
        };
        // a process that ended meanwhile has none
        let words = fs::read(entry.path().join("cmdline")).unwrap_or_default();
        let Some(pid) = Pid::from_raw(pid).filter(|_| names_folder(&words, home)) else { continue };
        println!("ending process {pid}, which was left");
        kill_process(pid, Signal::TERM)?;
        run::wait_for("it to end", STRAY_ENDS, || Ok((!entry.path().exists()).then_some(())))?;
    }
    Ok(())
}

fn names_folder(command_line: &[u8], folder: &Path) -> bool {
    let folder = format!("{}/", folder.display());
    String::from_utf8_lossy(command_line).contains(&folder)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strays_are_those_of_our_folder_alone() {
        let home = Path::new("/tmp/igloo-demo-12");
        assert!(names_folder(b"qemu\0-qmp\0unix:/tmp/igloo-demo-12/run/qmp\0", home));
        assert!(!names_folder(b"qemu\0-qmp\0unix:/tmp/igloo-demo-123/run/qmp\0", home));
    }
}
