//! The menu-bar app on a private desktop, and without one.
#![cfg(target_os = "linux")]
// clippy sees a test only in what says #[test]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[path = "support/desktop.rs"]
mod desktop;

use desktop::{Desktop, Proc, private, wait_for};
use std::{
    fs::{self, File},
    path::Path,
    process::Command,
};

const TRAY: &str = env!("CARGO_BIN_EXE_igloo-tray");
const CLI: &str = env!("CARGO_BIN_EXE_igloo");

#[test]
fn without_an_engine_the_menu_says_so_and_quits() {
    let desktop = Desktop::start();
    let mut app = Proc(desktop.command(TRAY).spawn().unwrap());
    let tray = desktop.tray();
    assert_eq!(tray.labels(), ["No engine runs", "", "Quit Igloo"]);
    assert!(!tray.find("No engine runs").unwrap().enabled);
    assert!(tray.menu().unwrap()[1].separator);
    assert!(tray.icon().starts_with(desktop.dir.path()), "the picture is outside the app's own folders");
    assert!(tray.picture().unwrap().starts_with(b"\x89PNG"));
    tray.click("Quit Igloo");
    assert_eq!(app.exit_code(), Some(0));
}

#[test]
fn the_menu_follows_the_engine_that_runs() {
    let desktop = Desktop::start();
    let _app = Proc(desktop.command(TRAY).spawn().unwrap());
    let tray = desktop.tray();
    let alone = ["No engine runs", "", "Quit Igloo"];
    assert_eq!(tray.labels(), alone);
    let engine = Proc(desktop.command(CLI).arg("serve").spawn().unwrap());
    wait_for("a builder", || tray.find("Start"));
    drop(engine);
    wait_for("no engine", || (tray.labels() == alone).then_some(()));
}

#[test]
fn without_a_display_it_says_so() {
    let dir = tempfile::tempdir().unwrap();
    let out = private(TRAY, dir.path()).output().unwrap();
    let said = String::from_utf8_lossy(&out.stderr);
    assert_eq!(out.status.code(), Some(6), "{said}");
    assert!(said.contains("no display") && said.contains("igloo serve"), "{said}");
    assert!(!said.contains("panicked"), "{said}");
}

#[test]
fn without_a_bus_it_lives_and_says_so() {
    let desktop = Desktop::start();
    let log = desktop.dir.path().join("log");
    let mut app = Proc(
        desktop
            .command(TRAY)
            .env("DBUS_SESSION_BUS_ADDRESS", "unix:path=/nowhere")
            .stderr(File::create(&log).unwrap())
            .spawn()
            .unwrap(),
    );
    let said = wait_for("the tray", || {
        let said = fs::read_to_string(&log).unwrap();
        (said.contains("the tray is up") || app.0.try_wait().unwrap().is_some()).then_some(said)
    });
    assert!(said.contains("no D-Bus session bus answers"), "{said}");
    assert!(!said.contains("panicked"), "{said}");
    assert!(app.0.try_wait().unwrap().is_none(), "it ended: {said}");
}

/// The command line runs where there is no desktop, and is small.
#[test]
fn only_the_tray_links_a_web_view() {
    assert!(links_a_web_view(Path::new(TRAY)), "the tray links none: this test looks for the wrong thing");
    assert!(!links_a_web_view(Path::new(CLI)));
}

fn links_a_web_view(program: &Path) -> bool {
    let out = Command::new("ldd").arg(program).output().unwrap();
    assert!(out.status.success());
    String::from_utf8(out.stdout).unwrap().contains("libwebkit2gtk")
}
