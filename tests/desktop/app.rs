//! The app with the engine in it, and the app without a desktop.

use crate::support::{CLI, Desktop, Proc, TRAY, Windows, private, wait_for};
use igloo_protocol::{BuilderId, Snapshot};
use rustix::process::{Pid, Signal, kill_process};
use std::{
    fs::{self, File},
    path::Path,
    process::Command,
    sync::mpsc::Receiver,
    time::Duration,
};

const DEADLINE: Duration = Duration::from_secs(30);

/// The app on a desktop, past its first run.
fn app(desktop: &Desktop) -> Proc {
    fs::write(desktop.paths().config_dir.join("first-run-done"), "").unwrap();
    Proc(desktop.command(TRAY).spawn().unwrap())
}

/// A builder of this machine's own kind is there unless the settings say otherwise.
fn header(state: &str) -> String {
    format!("{}: {state}", BuilderId::native().system())
}

/// What the engine says, told by the command line; `None`: none runs.
fn status(desktop: &Desktop) -> Option<Snapshot> {
    let out = desktop.command(CLI).args(["status", "--json"]).output().unwrap();
    serde_json::from_slice(&out.stdout).ok()
}

/// Waits until the app says by itself that a line is called this now.
fn hear(news: &Receiver<String>, label: &str) {
    loop {
        let said = news.recv_timeout(DEADLINE).unwrap_or_else(|e| panic!("waited for {label:?}: {e}"));
        if said == label {
            return;
        }
    }
}

#[test]
fn the_app_opens_at_login_as_the_setting_has_it() {
    let desktop = Desktop::start();
    let _app = app(&desktop);
    desktop.tray().wait(&header("Stopped"));
    let entry = desktop.dir.path().join("XDG_CONFIG_HOME/autostart/dev.igloo.app.desktop");
    let set = |value: &str| {
        let out = desktop.command(CLI).args(["settings", "set", "open_at_login", value]).output().unwrap();
        assert!(out.status.success(), "{out:?}");
    };
    assert!(!entry.exists());
    set("true");
    let text = wait_for("the entry", || fs::read_to_string(&entry).ok());
    assert!(text.contains(&format!("\nExec=\"{TRAY}\"\n")), "{text}");
    set("false");
    wait_for("no entry", || (!entry.exists()).then_some(()));
}

#[test]
fn the_app_is_an_engine_that_ends_with_it() {
    let desktop = Desktop::start();
    let mut app = app(&desktop);
    let tray = desktop.tray();
    tray.wait(&header("Stopped"));
    assert_eq!(status(&desktop).unwrap().engine.pid, app.0.id());
    let labels = ["Start", "Stop Now", "Ephemeral", "Open Terminal", "", "Builds", "Copy", ""];
    assert_eq!(tray.labels()[1..9], labels);
    assert_eq!(tray.labels()[9..], ["Set Up Nix…", "Settings…", "", "Quit Igloo"]);
    assert!(tray.icon().starts_with(desktop.dir.path()), "the picture is outside the app's own folders");
    assert!(tray.picture().unwrap().starts_with(b"\x89PNG"));
    assert_eq!(tray.title(), "Igloo");
    tray.click("Quit Igloo");
    assert_eq!(app.exit_code(), Some(0));
    assert!(!desktop.paths().socket().exists(), "the engine did not end cleanly");
    assert!(!desktop.paths().runtime_dir.join("tray.sock").exists());
}

#[test]
fn the_menu_follows_what_the_command_line_does() {
    let desktop = Desktop::start();
    let _app = app(&desktop);
    let tray = desktop.tray();
    tray.wait(&header("Stopped"));
    let news = tray.news();
    let igloo = |args: &[&str]| desktop.command(CLI).args(args).output().unwrap();
    let builder = BuilderId::native().as_str();
    // there is no image, so the start fails
    let failed = igloo(&["start", builder]);
    assert_eq!(failed.status.code(), Some(20), "{}", String::from_utf8_lossy(&failed.stderr));
    // nobody asked the app for its menu: it told by itself
    hear(&news, &header(&format!("Failed · no image is chosen for the builder {builder}")));
    assert!(igloo(&["ephemeral", builder, "on"]).status.success());
    let checked = || tray.find("Ephemeral")?.checked;
    wait_for("the mark", || (checked() == Some(true)).then_some(()));
    // and back by the menu
    tray.click("Ephemeral");
    wait_for("no mark", || (checked() == Some(false)).then_some(()));
    let view = status(&desktop).unwrap().builder(BuilderId::native()).cloned().unwrap();
    assert!(!view.ephemeral);
}

#[test]
fn it_is_a_client_of_an_engine_that_runs_and_takes_over_when_that_ends() {
    let desktop = Desktop::start();
    let engine = Proc(desktop.command(CLI).arg("serve").spawn().unwrap());
    wait_for("an engine", || status(&desktop));
    let app = app(&desktop);
    let tray = desktop.tray();
    tray.wait("Quit Igloo · igloo serve goes on");
    assert_eq!(status(&desktop).unwrap().engine.pid, engine.0.id());
    drop(engine);
    tray.wait("Quit Igloo");
    assert_eq!(status(&desktop).unwrap().engine.pid, app.0.id());
}

#[test]
fn a_signal_ends_it_as_quit_does() {
    let desktop = Desktop::start();
    let mut app = app(&desktop);
    desktop.tray().wait(&header("Stopped"));
    kill_process(Pid::from_child(&app.0), Signal::TERM).unwrap();
    assert_eq!(app.exit_code(), Some(0));
    assert!(!desktop.paths().socket().exists(), "the engine did not end cleanly");
}

#[test]
fn settings_that_make_no_sense_are_told_and_mended_while_it_runs() {
    let desktop = Desktop::start();
    let settings = desktop.paths().settings_file();
    let sense = fs::read(&settings).unwrap();
    fs::write(&settings, "nonsense = 1\n").unwrap();
    let _app = app(&desktop);
    let tray = desktop.tray();
    wait_for("the trouble", || tray.labels().first()?.starts_with("Can't run: ").then_some(()));
    fs::write(&settings, sense).unwrap();
    tray.wait(&header("Stopped"));
}

#[test]
fn a_second_launch_opens_the_window_of_the_first() {
    let desktop = Desktop::start();
    let _app = app(&desktop);
    let tray = desktop.tray();
    tray.wait(&header("Stopped"));
    let windows = Windows::of(&desktop);
    assert_eq!(windows.titles(), [""; 0], "a window is there that nobody asked for");
    let again = || {
        let mut second = Proc(desktop.command(TRAY).spawn().unwrap());
        assert_eq!(second.exit_code(), Some(0));
        wait_for("the window", || windows.titles().contains(&"Igloo".to_owned()).then_some(()));
    };
    again();
    // it is one window, and closing it does not end the app
    again();
    assert_eq!(windows.titles(), ["Igloo"]);
    windows.close("Igloo");
    assert!(tray.find(&header("Stopped")).is_some());
    again();
}

#[test]
fn the_first_run_opens_the_window_by_itself() {
    let desktop = Desktop::start();
    let _app = Proc(desktop.command(TRAY).spawn().unwrap());
    let windows = Windows::of(&desktop);
    wait_for("the window", || windows.titles().contains(&"Igloo".to_owned()).then_some(()));
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
