//! The tray follows an engine: this program starts itself as the app, fed with snapshots on its input, and
//! reads and clicks its menu over D-Bus.
//!
//! Without libtest, because the app wants the process' first thread.
// clippy sees a test only in what says #[test]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout)]

#[path = "support/desktop.rs"]
mod desktop;

use desktop::{Desktop, Item, Proc, wait_for};
use igloo_protocol::{BuilderId, Command, Snapshot, StopMode};
use serde_json::{Value, json};
use std::{
    io::{self, BufRead, BufReader, Lines, Write},
    process::{ChildStdin, ChildStdout, Stdio},
    sync::Arc,
};
use tokio::sync::watch;

const AS_APP: &str = "IGLOO_TEST_FED_TRAY";
const NAME: &str = "the_tray_follows_the_engine";

fn main() {
    if std::env::var_os(AS_APP).is_some() {
        return app();
    }
    let args: Vec<String> = std::env::args().skip(1).collect();
    let has = |flag: &str| args.iter().any(|a| a == flag);
    // what nextest asks of a test without libtest
    if has("--list") {
        if !has("--ignored") {
            println!("{NAME}: test");
        }
        return;
    }
    // elsewhere no panel can be served
    if cfg!(target_os = "linux") {
        the_tray_follows_the_engine();
        println!("test {NAME} ... ok");
    }
}

/// The app: a snapshot or `null` a line in, a command a line out.
fn app() {
    let (sender, snapshots) = watch::channel(None);
    std::thread::spawn(move || {
        for line in io::stdin().lines() {
            let snapshot: Option<Snapshot> = serde_json::from_str(&line.unwrap()).unwrap();
            sender.send_replace(snapshot.map(Arc::new));
        }
    });
    let code = igloo::tray::run(snapshots, |c| println!("{}", serde_json::to_string(&c).unwrap()));
    std::process::exit(code.unwrap());
}

/// The running app.
struct Fed {
    proc: Proc,
    to: ChildStdin,
    from: Lines<BufReader<ChildStdout>>,
}

impl Fed {
    fn start(desktop: &Desktop) -> Fed {
        let mut command = desktop.command(std::env::current_exe().unwrap());
        command.env(AS_APP, "1").stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let to = child.stdin.take().unwrap();
        let from = BufReader::new(child.stdout.take().unwrap()).lines();
        Fed { proc: Proc(child), to, from }
    }

    fn feed(&mut self, snapshot: &Value) {
        writeln!(self.to, "{snapshot}").unwrap();
    }

    fn command(&mut self) -> Command {
        serde_json::from_str(&self.from.next().expect("a command").unwrap()).unwrap()
    }
}

fn snapshot(builders: &[Value]) -> Value {
    let engine = json!({"version": "0", "api": 1, "pid": 1, "started_ms": 0});
    json!({"seq": 1, "engine": engine, "builders": builders})
}

fn builder(id: BuilderId, phase: Value) -> Value {
    json!({
        "id": id, "enabled": true, "systems": [], "phase": phase, "since_ms": 0, "alias": "a", "port": 1,
        "cores": 1, "memory_mib": 1, "disk_gib": 1, "ephemeral": false, "reset_pending": false,
        "pending": [], "running": null, "builds": null, "warning": null,
    })
}

fn the_tray_follows_the_engine() {
    let desktop = Desktop::start();
    let mut app = Fed::start(&desktop);
    let tray = desktop.tray();
    let shows =
        |labels: &[&str]| wait_for(&format!("{labels:?}"), || (tray.labels() == labels).then_some(()));
    let ids = |items: Vec<Item>| items.into_iter().map(|item| item.id).collect::<Vec<_>>();
    let one = |phase: Value| snapshot(&[builder(BuilderId::X86_64, phase)]);
    shows(&["No engine runs", "", "Quit Igloo"]);

    // an engine appears
    app.feed(&one(json!({"phase": "stopped"})));
    shows(&["x86_64-linux: Stopped", "Start", "", "Quit Igloo"]);
    let stopped = tray.picture().unwrap();
    let before = ids(tray.menu().unwrap());
    tray.click("Start");
    assert_eq!(app.command(), Command::Start { builder: BuilderId::X86_64 });

    // phases change texts and nothing else
    app.feed(&one(json!({"phase": "booting", "rung": "banner"})));
    shows(&["x86_64-linux: Starting · SSH answers", "Cancel Start", "", "Quit Igloo"]);
    wait_for("another picture", || (tray.picture()? != stopped).then_some(()));
    app.feed(&one(json!({"phase": "ready"})));
    shows(&["x86_64-linux: Ready", "Stop", "", "Quit Igloo"]);
    tray.click("Stop");
    assert_eq!(app.command(), Command::Stop { builder: BuilderId::X86_64, mode: StopMode::Wait });
    app.feed(&one(json!({"phase": "stopping"})));
    wait_for("a greyed Stop", || (!tray.find("Stop")?.enabled).then_some(()));
    app.feed(&one(json!({"phase": "stopped"})));
    shows(&["x86_64-linux: Stopped", "Start", "", "Quit Igloo"]);
    wait_for("the first picture", || (tray.picture()? == stopped).then_some(()));
    assert_eq!(ids(tray.menu().unwrap()), before, "an item was made anew");

    // another builder comes before the first; a cause comes and goes
    let problem = json!({"code": "vm_failed", "message": "no room & no _hope", "remedy": "r"});
    let failed = builder(BuilderId::Aarch64, json!({"phase": "failed", "problem": problem}));
    app.feed(&snapshot(&[failed, builder(BuilderId::X86_64, json!({"phase": "ready"}))]));
    shows(&[
        "aarch64-linux: Failed",
        "no room & no _hope",
        "Start",
        "x86_64-linux: Ready",
        "Stop",
        "",
        "Quit Igloo",
    ]);
    let after = ids(tray.menu().unwrap());
    assert!(after.ends_with(&before), "an item was made anew: {before:?}, {after:?}");

    // the engine goes
    app.feed(&Value::Null);
    shows(&["No engine runs", "", "Quit Igloo"]);
    tray.click("Quit Igloo");
    assert_eq!(app.proc.exit_code(), Some(0));
}
