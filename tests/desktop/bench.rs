//! What the app costs beside the least that is a tray app: printed by `cargo xtask bench`, never asserted.

use crate::support::{CLI, Desktop, Proc, TRAY, Windows, wait_for};
use std::{
    fs,
    path::PathBuf,
    process::{Command, Stdio},
    thread::sleep,
    time::{Duration, Instant},
};

/// Clock ticks a second: `USER_HZ` is 100 on every Linux (proc(5)).
const TICKS: f64 = 100.0;

/// The title of the window.
const TITLE: &str = "Igloo";

/// What a process and all that came from it use.
#[derive(Clone, Copy, Default)]
struct Cost {
    /// Proportional set size, in MB: what is shared is counted by its share.
    pss: f64,
    /// That part of it which is no file's, in MB. A kernel that takes back pages of files that nobody uses, and gives them
    /// again, changes the whole; a leak is here.
    anon: f64,
    /// Processor time so far, in seconds.
    cpu: f64,
}

fn cost(pid: u32) -> Cost {
    family(pid).into_iter().filter_map(cost_of_one).fold(Cost::default(), |sum, one| Cost {
        pss: sum.pss + one.pss,
        anon: sum.anon + one.anon,
        cpu: sum.cpu + one.cpu,
    })
}

fn cost_of_one(pid: u32) -> Option<Cost> {
    let memory = fs::read_to_string(format!("/proc/{pid}/smaps_rollup")).ok()?;
    let mb = |name| {
        let line = memory.lines().find_map(|line| line.strip_prefix(name))?;
        Some(line.split_whitespace().next()?.parse::<f64>().ok()? * 1024.0 / 1e6)
    };
    Some(Cost { pss: mb("Pss:")?, anon: mb("Pss_Anon:")?, cpu: cpu(pid)? })
}

/// The process and its descendants. One may go meanwhile.
fn family(pid: u32) -> Vec<u32> {
    let children = fs::read_to_string(format!("/proc/{pid}/task/{pid}/children")).unwrap_or_default();
    let below = children.split_whitespace().filter_map(|child| child.parse().ok()).flat_map(family);
    std::iter::once(pid).chain(below).collect()
}

fn cpu(pid: u32) -> Option<f64> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let fields: Vec<_> = stat.rsplit_once(')')?.1.split_whitespace().collect();
    // utime and stime, fields 14 and 15 of proc(5), counted from the state
    Some((fields.get(11)?.parse::<f64>().ok()? + fields.get(12)?.parse::<f64>().ok()?) / TICKS)
}

/// Its cost once it has come to rest: no tick of processor time within a second.
fn at_rest(pid: u32) -> Cost {
    wait_for("it to come to rest", || {
        let before = cost(pid);
        sleep(Duration::from_secs(1));
        let after = cost(pid);
        (after.cpu - before.cpu < 2.0 / TICKS).then_some(after)
    })
}

fn start(desktop: &Desktop, program: impl AsRef<std::ffi::OsStr>) -> Proc {
    let mut command = desktop.command(program);
    command.stdout(Stdio::null()).stderr(Stdio::null());
    let app = Proc(command.spawn().unwrap());
    desktop.tray();
    app
}

#[test]
#[ignore = "a measurement: cargo xtask bench"]
fn what_the_app_costs() {
    let seconds = std::env::var("IGLOO_BENCH_SECONDS").map_or(600, |s| s.parse::<u32>().unwrap());
    let bare = PathBuf::from(std::env::var_os("IGLOO_BENCH_BARE").expect("run this by `cargo xtask bench`"));
    let bare = {
        let desktop = Desktop::start();
        let app = start(&desktop, bare);
        at_rest(app.0.id()).pss
    };
    let desktop = Desktop::start();
    fs::write(desktop.paths().config_dir.join("first-run-done"), "").unwrap();
    let app = start(&desktop, TRAY);
    let pid = app.0.id();
    let own = at_rest(pid).pss;
    println!(
        "\nigloo-tray without a window: {own:.1} MB, a bare Tauri tray app {bare:.1} MB: {:.1} MB more",
        own - bare
    );
    println!("  (PSS of all processes)");
    idle(pid, seconds.min(60));
    window(&desktop, pid, own);
    changes(&desktop, pid, seconds);
}

fn idle(pid: u32, seconds: u32) {
    let before = cost(pid).cpu;
    sleep(Duration::from_secs(seconds.into()));
    println!(
        "  idle: {:.2} % of a core over {seconds} s",
        (cost(pid).cpu - before) / f64::from(seconds) * 100.0
    );
}

/// Opens the window by a second launch, and closes it as its button does.
fn window(desktop: &Desktop, pid: u32, before: f64) {
    let windows = Windows::of(desktop);
    for round in ["cold", "warm", "warm", "warm"] {
        let begin = Instant::now();
        assert!(open(desktop).status().unwrap().success());
        wait_for("the window", || windows.titles().iter().any(|t| t == TITLE).then_some(()));
        let took = begin.elapsed();
        let with = at_rest(pid).pss;
        windows.close(TITLE);
        let after = at_rest(pid).pss;
        println!(
            "  window, {round}: open after {:.2} s; {with:.1} MB with it, {after:.1} MB once closed ({:+.1} MB)",
            took.as_secs_f64(),
            after - before
        );
    }
}

fn open(desktop: &Desktop) -> Command {
    let mut command = desktop.command(TRAY);
    command.args(["--page", "builders"]).stdout(Stdio::null()).stderr(Stdio::null());
    command
}

/// One change of state a second, which the menu follows.
fn changes(desktop: &Desktop, pid: u32, seconds: u32) {
    let builder = igloo_protocol::BuilderId::native().as_str();
    let begin = cost(pid);
    let start = Instant::now();
    for second in 0..seconds {
        let state = if second % 2 == 0 { "on" } else { "off" };
        let set = desktop.command(CLI).args(["ephemeral", builder, state]).output().unwrap();
        assert!(set.status.success(), "{set:?}");
        sleep(Duration::from_secs(u64::from(second) + 1).saturating_sub(start.elapsed()));
        if (second + 1) % (seconds / 5).max(1) == 0 {
            let now = cost(pid);
            println!(
                "  after {:>3} changes of state: {:.1} MB, {:.1} MB of no file",
                second + 1,
                now.pss,
                now.anon
            );
        }
    }
    let end = cost(pid);
    let cpu = (end.cpu - begin.cpu) / f64::from(seconds) * 100.0;
    println!(
        "  in {seconds} s with a change a second: {:+.1} MB, {:+.1} MB of no file, {cpu:.2} % of a core",
        end.pss - begin.pss,
        end.anon - begin.anon
    );
}
