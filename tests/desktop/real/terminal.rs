//! "Open Terminal" leads into the guest.

use super::{await_line, logged};
use crate::support::{
    Desktop, Proc, TRAY,
    real::{Home, PATIENCE, wait_for},
};
use std::{fs, os::unix::fs::PermissionsExt, path::Path};

/// A terminal whose user asks where they are and leaves: `script` runs the command on a pty of its own, and
/// keeps what is seen there.
fn terminal(bin: &Path, seen: &Path) {
    let typed = "echo \"I am in $(uname -n).\"; exit";
    let text = format!(
        "#!/bin/sh\necho '{typed}' | script -qefc \"$*\" '{0}.new'\nmv '{0}.new' '{0}'\n",
        seen.display()
    );
    fs::create_dir(bin).unwrap();
    let file = bin.join("xdg-terminal-exec");
    fs::write(&file, text).unwrap();
    fs::set_permissions(&file, fs::Permissions::from_mode(0o755)).unwrap();
}

#[test]
fn open_terminal_leads_into_the_guest() {
    let desktop = Desktop::start();
    let home = Home::new();
    let (bin, seen) = (home.path().join("bin"), home.path().join("seen"));
    terminal(&bin, &seen);
    let path = std::env::var("PATH").unwrap();
    let mut command = logged(&home, desktop.dress(home.command(TRAY)));
    let mut app = Proc(command.env("PATH", format!("{}:{path}", bin.display())).spawn().unwrap());
    let tray = desktop.tray();
    await_line(&tray, "x86_64-linux: Stopped");
    assert!(!tray.find("Open Terminal").unwrap().enabled);
    tray.click("Start");
    await_line(&tray, "x86_64-linux: Ready");
    tray.click("Open Terminal");
    let said = wait_for("the terminal's end", PATIENCE, || fs::read_to_string(&seen).ok());
    assert!(said.contains("I am in igloo-x86-64."), "{said}");
    tray.click("Stop");
    await_line(&tray, "x86_64-linux: Stopped");
    tray.click("Quit Igloo");
    assert_eq!(app.exit_code(), Some(0));
    home.assert_nothing_left();
}
