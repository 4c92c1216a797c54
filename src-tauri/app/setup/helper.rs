//! Running `igloo-admin`.

use igloo_admin::{
    Platform,
    elevate::{self, Elevate, Surroundings, Verb},
};
use igloo_protocol::{Code, Problem, plan::Report};
use std::{
    io::{self, IsTerminal},
    path::PathBuf,
};

/// Runs the `igloo-admin` that lies beside this program, as root, in the way that fits.
///
/// # Errors
/// It is not there, could not be run, or the right was not given. What it did, or why not, is in the report.
pub fn run(verb: Verb<'_>) -> Result<Report, Problem> {
    let way = elevate::choose(Platform::current(), &surroundings());
    way.run(&beside()?, verb).into_report()
}

/// The line for those who prefer to run it themselves.
///
/// # Errors
/// As [`run`], without running it.
pub fn line(verb: Verb<'_>) -> Result<String, Problem> {
    elevate::sudo_line(&beside()?, verb)
}

/// What decides how this process may become root.
pub fn surroundings() -> Surroundings {
    let env = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
    let desktop = match Platform::current() {
        // a shell from afar has no screen to show the dialog on
        Platform::MacOs => env("SSH_CONNECTION").is_none(),
        Platform::Linux => crate::session::has_display(env),
    };
    let (sudo, pkexec) = elevate::find(|path| path.exists());
    let root = rustix::process::geteuid().is_root();
    let terminal = io::stdin().is_terminal() && io::stderr().is_terminal();
    Surroundings { root, terminal, desktop, sudo, pkexec }
}

/// The `igloo-admin` that lies beside this program.
///
/// # Errors
/// It is not there.
pub fn beside() -> Result<PathBuf, Problem> {
    let exe = std::env::current_exe().and_then(|exe| exe.canonicalize());
    let helper = exe.map(|exe| exe.with_file_name("igloo-admin"));
    helper.ok().filter(|helper| helper.is_file()).ok_or_else(|| {
        Problem::new(
            Code::MissingTool,
            "igloo-admin is not beside igloo",
            "install Igloo as a whole; from the sources: `cargo build --workspace`",
        )
    })
}
