//! The app as its user has it: the real menu and window over the real engine, machine, guest and Nix.
//!
//! They need what `cargo xtask test` prepares for the tests in `tests/e2e`.

mod menu;
mod terminal;
mod window;

use crate::support::{
    Desktop, Proc, TRAY, Tray,
    real::{Home, PATIENCE, wait_for},
};
use std::{
    fs::File,
    process::{Command, Stdio},
};

/// What a program prints goes to where the home looks when a test fails.
fn logged(home: &Home, mut command: Command) -> Command {
    let log = File::options().create(true).append(true).open(home.path().join("engine.log")).unwrap();
    command.env("IGLOO_LOG", "info,igloo=debug,igloo_engine=debug").stdout(Stdio::null()).stderr(log);
    command
}

/// The app on a desktop, with the engine of the home in it.
fn app(desktop: &Desktop, home: &Home) -> Proc {
    Proc(logged(home, desktop.dress(home.command(TRAY))).spawn().unwrap())
}

/// Waits until a line of the menu begins like this, however long a machine takes; the line.
fn await_line(tray: &Tray<'_>, start: &str) -> String {
    wait_for(start, PATIENCE, || {
        let all = tray.all_labels();
        let failed = all.iter().find(|label| label.contains(": Failed"));
        assert!(failed.is_none() || start.contains("Failed"), "{all:?}");
        all.into_iter().find(|label| label.starts_with(start))
    })
}
