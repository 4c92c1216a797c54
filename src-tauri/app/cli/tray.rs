//! `igloo` without a command: the menu-bar app that lies beside it, else the help.

use super::{Cli, Outcome, print};
use clap::CommandFactory;
use igloo_protocol::{Code, Problem};
use std::{os::unix::process::CommandExt, process::Command};

/// Becomes the menu-bar app, or prints the help where there is none.
pub fn run() -> Outcome {
    let beside = std::env::current_exe().ok().map(|exe| exe.with_file_name("igloo-tray"));
    let Some(tray) = beside.filter(|tray| tray.is_file()) else {
        return print::out(&Cli::command().render_long_help().to_string());
    };
    let error = Command::new(&tray).exec();
    Err(Problem::new(
        Code::Internal,
        format!("can't run {}: {error}", tray.display()),
        "install Igloo again, or use a command (`igloo --help`)",
    ))
}
