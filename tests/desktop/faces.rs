//! The tray and the window follow an engine that shows what the test wants, and ask it for what is clicked.

use crate::support::{CLI, Desktop, Engine, Page, Proc, TRAY, Tray, build, builder, setting, wait_for};
use igloo_protocol::{
    BuildEnd, BuilderId, BuilderView, Code, Command, FinishedBuild, Phase, Problem, Rung, SettingsPatch,
    StopMode,
};
use serde_json::{Value, json};
use std::{fs, io::Write, os::unix::fs::PermissionsExt, path::Path, process};

const X: BuilderId = BuilderId::X86_64;

fn start(desktop: &Desktop) -> Proc {
    Proc(desktop.command(TRAY).spawn().unwrap())
}

fn shows(tray: &Tray<'_>, labels: &[&str]) {
    wait_for(&format!("{labels:?}"), || tray.labels().starts_with(&labels.map_owned()).then_some(()));
}

/// Texts as a menu gives them.
trait MapOwned {
    fn map_owned(&self) -> Vec<String>;
}

impl MapOwned for &[&str] {
    fn map_owned(&self) -> Vec<String> {
        self.iter().map(|text| (*text).to_owned()).collect()
    }
}

fn building(names: &[&str], seconds: f64) -> BuilderView {
    let builds = names.iter().map(|name| build(name, seconds)).collect();
    BuilderView { builds: Some(builds), ..builder(X, Phase::Ready) }
}

#[test]
fn clicks_become_commands() {
    let desktop = Desktop::start();
    let engine = Engine::start(&desktop.paths(), [builder(X, Phase::Stopped)]);
    let mut app = start(&desktop);
    let tray = desktop.tray();
    shows(&tray, &["x86_64-linux: Stopped", "Start"]);
    let stopped = tray.picture().unwrap();
    tray.click("Start");
    assert_eq!(engine.command(), Command::Start { builder: X });

    engine.show([builder(X, Phase::Booting { rung: Some(Rung::Banner) })]);
    shows(&tray, &["x86_64-linux: Starting · SSH answers", "Cancel Start"]);
    wait_for("another picture", || (tray.picture()? != stopped).then_some(()));
    tray.click("Cancel Start");
    assert_eq!(engine.command(), Command::Stop { builder: X, mode: StopMode::Now });

    engine.show([builder(X, Phase::Ready)]);
    shows(&tray, &["x86_64-linux: Ready · no builds · 1.0 GiB", "Stop"]);
    assert!(!tray.find("Stop Now").unwrap().enabled);
    let ready = wait_for("a third picture", || tray.picture().filter(|p| *p != stopped));
    tray.click("Stop");
    assert_eq!(engine.command(), Command::Stop { builder: X, mode: StopMode::Wait });

    // builds run: both ways to stop are there, and the picture has its badge
    engine.show([building(&["hello-2.12.1"], 92.0)]);
    shows(&tray, &["x86_64-linux: Ready · 1 build · 1.0 GiB", "Stop When Builds End", "Stop Now"]);
    assert_eq!(tray.find("hello-2.12.1 · 1:32").map(|item| item.enabled), Some(true));
    wait_for("the badge", || (tray.picture()? != ready).then_some(()));
    tray.click("Stop When Builds End");
    assert_eq!(engine.command(), Command::Stop { builder: X, mode: StopMode::Wait });
    tray.click("Stop Now");
    assert_eq!(engine.command(), Command::Stop { builder: X, mode: StopMode::Now });

    // the mark is what the engine says, however often it is clicked
    for _ in 0..2 {
        tray.click("Ephemeral");
        let set = vec![("builders.x86_64.ephemeral".to_owned(), Some("true".to_owned()))];
        assert_eq!(engine.command(), Command::Settings { patch: SettingsPatch { set } });
        wait_for("no mark", || (tray.find("Ephemeral")?.checked == Some(false)).then_some(()));
    }

    engine.show([builder(X, Phase::Stopping)]);
    wait_for("a greyed Stop", || (!tray.find("Stop")?.enabled).then_some(()));
    engine.show([builder(X, Phase::Stopped)]);
    wait_for("the first picture", || (tray.picture()? == stopped).then_some(()));
    tray.click("Quit Igloo · igloo serve goes on");
    assert_eq!(app.exit_code(), Some(0));
}

#[test]
fn a_build_that_failed_is_notified_unless_the_user_does_not_want_to_hear_of_it() {
    let desktop = Desktop::start();
    let notifications = desktop.notifications();
    let engine = Engine::start(&desktop.paths(), [builder(X, Phase::Ready)]);
    let _app = start(&desktop);
    let tray = desktop.tray();
    shows(&tray, &["x86_64-linux: Ready · no builds · 1.0 GiB"]);
    let mut finished = Vec::new();
    let mut ends = |name: &str, end, phase| {
        let build = FinishedBuild { derivation: Some(name.into()), end, elapsed_s: Some(3.0), ended_ms: 1 };
        finished.insert(0, build);
        engine.show([BuilderView { finished: finished.clone(), ..builder(X, phase) }]);
    };
    let titles = |n| {
        let shown =
            wait_for("notifications", || Some(notifications.shown()).filter(|shown| shown.len() == n));
        shown.into_iter().map(|(app, title, _)| format!("{app}: {title}")).collect::<Vec<_>>()
    };
    ends("zlib-1.3.1", BuildEnd::Built, Phase::Ready);
    ends("hello-2.12.1", BuildEnd::NotBuilt, Phase::Ready);
    assert_eq!(titles(1), ["Igloo: hello-2.12.1 was not built"]);

    engine.has_settings(vec![setting("notify.build_failed", "false", "")]);
    let failed = Phase::Failed { problem: Problem::new(Code::VmCrashed, "it ended", "start it") };
    ends("unheard-1.0", BuildEnd::NotBuilt, failed);
    assert_eq!(titles(2)[1], "Igloo: The builder for x86_64-linux failed");
    engine.has_settings(Vec::new());
    ends("heard-1.0", BuildEnd::NotBuilt, Phase::Ready);
    assert_eq!(titles(3)[2], "Igloo: heard-1.0 was not built");
}

/// 50 changes of phases, marks, builds and settings, with the menu held open all the while.
#[test]
fn what_is_shown_is_never_made_anew() {
    let desktop = Desktop::start();
    let engine = Engine::start(&desktop.paths(), [builder(X, Phase::Stopped)]);
    let _app = start(&desktop);
    let tray = desktop.tray();
    shows(&tray, &["x86_64-linux: Stopped"]);
    let (before, builds) = (tray.ids(), |tray: &Tray<'_>| tray.menu().unwrap()[6].within.clone());
    assert_eq!(builds(&tray)[0].label, "No builds");
    let fixed = |tray: &Tray<'_>| {
        let within: Vec<i32> = builds(tray).iter().map(|item| item.id).collect();
        tray.ids().into_iter().filter(|id| !within.contains(id)).collect::<Vec<_>>()
    };
    let fixed_before = fixed(&tray);
    let phases = [
        Phase::Booting { rung: None },
        Phase::Ready,
        Phase::Draining { builds: 1 },
        Phase::Stopping,
        Phase::Failed { problem: Problem::new(Code::VmFailed, "no room & no _hope", "r") },
    ];
    for n in 0..50 {
        let mut view = builder(X, phases[n % phases.len()].clone());
        view.ephemeral = n % 2 == 0;
        // one build stays while another comes and goes
        let names = if n % 3 == 0 { &["hello"][..] } else { &["abc", "hello"][..] };
        view.builds = Some(names.iter().map(|name| build(name, n as f64)).collect());
        engine.show([view]);
        let clock = format!("hello · 0:{n:02}");
        wait_for(&clock, || tray.find(&clock));
        assert_eq!(fixed(&tray), fixed_before, "an item was made anew by change {n}");
    }
    wait_for("the cause", || tray.find("x86_64-linux: Failed · no room & no _hope"));
    engine.show([building(&["hello"], 1.0)]);
    let hello = wait_for("one build", || Some(builds(&tray)).filter(|b| b.len() == 1));
    engine.show([building(&["abc", "hello", "zlib"], 2.0)]);
    let three = wait_for("three builds", || Some(builds(&tray)).filter(|b| b.len() == 3));
    assert_eq!(three[1].id, hello[0].id, "a build's item was made anew");

    // another builder comes before the first, which keeps its items
    let other = builder(BuilderId::Aarch64, Phase::Stopped);
    engine.show([other, builder(X, Phase::Stopped)]);
    wait_for("both", || tray.find("aarch64-linux: Stopped"));
    let after = tray.ids();
    let kept = fixed_before.iter().filter(|id| after.contains(id)).count();
    assert_eq!(kept, fixed_before.len(), "{before:?}, {after:?}");
}

/// A terminal that only says what it was asked.
fn terminal(bin: &Path, name: &str, said: &Path) {
    let text = format!("#!/bin/sh\necho {name} \"$@\" >{0}.new && mv {0}.new {0}\n", said.display());
    fs::write(bin.join(name), text).unwrap();
    fs::set_permissions(bin.join(name), fs::Permissions::from_mode(0o755)).unwrap();
}

#[test]
fn open_terminal_runs_a_shell_in_the_builder_in_the_chosen_terminal() {
    let desktop = Desktop::start();
    let engine = Engine::start(&desktop.paths(), [builder(X, Phase::Stopped)]);
    let (bin, said) = (desktop.dir.path().join("bin"), desktop.dir.path().join("said"));
    fs::create_dir(&bin).unwrap();
    // the engine's settings name the second of these
    for name in ["xdg-terminal-exec", "x-terminal-emulator"] {
        terminal(&bin, name, &said);
    }
    let path = format!("{}:/usr/bin:/bin", bin.display());
    let _app = Proc(desktop.command(TRAY).env("PATH", path).spawn().unwrap());
    let tray = desktop.tray();
    wait_for("the builder", || tray.find("x86_64-linux: Stopped"));
    assert!(!tray.find("Open Terminal").unwrap().enabled);
    engine.show([builder(X, Phase::Ready)]);
    wait_for("a terminal", || tray.find("Open Terminal").filter(|item| item.enabled));
    tray.click("Open Terminal");
    let words = wait_for("the terminal", || fs::read_to_string(&said).ok());
    let home = desktop.dir.path().join("igloo");
    let command = format!("/usr/bin/env IGLOO_HOME={} {CLI} ssh x86_64", home.display());
    assert_eq!(words.trim(), format!("x-terminal-emulator -e {command}"));
}

const AS_READER: &str = "IGLOO_TEST_READS_CLIPBOARD";

/// Not a test of its own: the test below runs it on its desktop.
#[test]
fn clipboard_reader() {
    if std::env::var_os(AS_READER).is_some() {
        println!("<{}>", arboard::Clipboard::new().unwrap().get_text().unwrap_or_default());
    }
}

#[test]
fn what_is_copied_is_in_the_clipboard() {
    let desktop = Desktop::start();
    let _engine = Engine::start(&desktop.paths(), [builder(X, Phase::Ready)]);
    let _app = start(&desktop);
    let tray = desktop.tray();
    wait_for("the builder", || tray.find("nix build Options"));
    let clipboard = || {
        let mut reader: process::Command = desktop.command(std::env::current_exe().unwrap());
        reader.args(["--exact", "faces::clipboard_reader", "--nocapture"]).env(AS_READER, "1");
        String::from_utf8(reader.output().unwrap().stdout).unwrap()
    };
    let holds = |text: &str| wait_for(text, || clipboard().contains(text).then_some(()));
    tray.click("ssh Command");
    holds("igloo ssh x86_64>");
    tray.click("nix build Options");
    holds("<--max-jobs 0 --builders 'ssh-ng://builder@linux-builder-x86_64 x86_64-linux ");
}

#[test]
fn the_window_may_do_what_it_needs_and_nothing_else() {
    let desktop = Desktop::start();
    let engine = Engine::start(&desktop.paths(), [builder(X, Phase::Stopped)]);
    fs::write(engine.log(), "one\ntwo\nthree\n").unwrap();
    let page = Page::start(&desktop, TRAY, &["--page", "nix"]);
    let tray = desktop.tray();
    let asked = |command: &str, args: Value| {
        let mut answer = page.invoke(command, args);
        assert!(answer["err"].is_null(), "{command}: {answer}");
        answer["ok"].take()
    };
    assert_eq!(asked("page", json!({})), "#/nix");
    assert_eq!(asked("snapshot", json!({}))["builders"][0]["phase"]["phase"], "stopped");
    assert_eq!(asked("settings", json!({}))[0]["key"], "builders.x86_64.image");
    assert_eq!(asked("log", json!({"builder": "x86_64", "lines": 2})), json!(["two", "three"]));
    assert!(asked("installation", json!({}))["kind"].is_string());
    assert!(asked("terminals", json!({})).is_array());
    assert_eq!(asked("setup_status", json!({}))["outcome"], "status");
    asked("command", json!({"command": {"command": "start", "builder": "x86_64"}}));
    assert_eq!(engine.command(), Command::Start { builder: X });
    asked("first_run_done", json!({}));
    assert!(desktop.paths().config_dir.join("first-run-done").exists());

    // a problem comes as it is
    let problem = page.invoke("setup_plan", json!({"builder": "x86_64", "options": {}}));
    assert_eq!(problem["err"]["message"], "no guest");
    let nonsense = json!({"plan": {"version": 1, "ops": ["format_disk"], "files": []}});
    assert_eq!(page.invoke("setup_apply", nonsense)["err"]["code"], "usage");

    // events come by themselves
    let listen = "window.heard = [];
        const listen = (event) => window.__TAURI_INTERNALS__.invoke('plugin:event|listen', {
            event, target: { kind: 'Any' },
            handler: window.__TAURI_INTERNALS__.transformCallback((e) => window.heard.push(e)),
        });
        Promise.all(['snapshot', 'log', 'lost'].map(listen)).then(() => done(null), (e) => done(String(e)));";
    assert_eq!(page.run(listen, json!([])), Value::Null);
    let heard = |event: &str| {
        let all = page.run("done(window.heard);", json!([]));
        all.as_array()?.iter().rev().find(|e| e["event"] == event).map(|e| e["payload"].clone())
    };
    engine.show([builder(X, Phase::Ready)]);
    let ready = |e: &Value| e["builders"][0]["phase"]["phase"] == "ready";
    wait_for("the snapshot", || heard("snapshot").filter(ready));
    asked("follow_log", json!({"builder": "x86_64"}));
    let mut log = fs::File::options().append(true).open(engine.log()).unwrap();
    log.write_all(b"four\nfi").unwrap();
    wait_for("a line", || (heard("log")? == json!({"builder": "x86_64", "lines": ["four"]})).then_some(()));
    log.write_all(b"ve\n").unwrap();
    wait_for("the next", || (heard("log")?["lines"] == json!(["five"])).then_some(()));
    asked("unfollow_log", json!({"builder": "x86_64"}));

    // the menu leads the open window to another page
    tray.click("Settings…");
    wait_for("the page", || (page.run("done(location.hash);", json!([])) == "#/settings").then_some(()));

    // nothing else is allowed, of the app or of Tauri
    for command in ["plugin:event|emit", "plugin:window|close", "plugin:webview|create_webview", "shutdown"] {
        let answer = page.invoke(command, json!({"event": "snapshot", "payload": null}));
        assert!(answer["err"].is_string(), "{command}: {answer}");
    }
    let policy = "const script = document.createElement('script');
        script.textContent = 'window.injected = true'; document.body.append(script);
        fetch('https://example.org').then(() => done('fetched'), () => done(window.injected ?? 'refused'));";
    assert_eq!(page.run(policy, json!([])), "refused");
    drop(engine);
    wait_for("the loss", || heard("lost"));
}
