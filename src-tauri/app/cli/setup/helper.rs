//! Running `igloo-admin`.

use igloo_admin::elevate::{self, Verb};
use igloo_protocol::{Code, Problem, plan::Report};
use std::{
    ffi::OsString,
    io,
    path::PathBuf,
    process::{Command, Stdio},
};

/// Runs the `igloo-admin` that lies beside this program, as root: itself where this is root, else by
/// `sudo`, which asks on the terminal.
///
/// # Errors
/// It is not there or could not be run. What it did, or why not, is in the report.
pub fn run(verb: Verb<'_>) -> Result<Report, Problem> {
    let words = elevate::command(&beside()?, verb, rustix::process::geteuid().is_root())?;
    let [program, args @ ..] = words.as_slice() else {
        return Err(cannot(&words, &io::ErrorKind::NotFound.into()));
    };
    let output = Command::new(program)
        .args(args)
        .stdin(Stdio::inherit())
        .stdout(Stdio::piped())
        .stderr(Stdio::inherit())
        .output()
        .map_err(|e| cannot(&words, &e))?;
    elevate::outcome(&output.stdout, output.status.code())
}

fn beside() -> Result<PathBuf, Problem> {
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

fn cannot(words: &[OsString], e: &io::Error) -> Problem {
    Problem::new(
        Code::MissingTool,
        format!("can't run {}: {e}", words.first().map_or("igloo-admin".into(), |w| w.to_string_lossy())),
        format!("run this as root: {}", elevate::shell_line(words)),
    )
}
