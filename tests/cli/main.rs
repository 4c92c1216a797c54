//! The command line as a user meets it: the real program, the real API, builders that only say
//! that they run.

#![allow(clippy::panic, clippy::unwrap_used, reason = "a test may panic, and its helpers are tests too")]

mod engine;
mod igloo;

use engine::{Engine, HOST_KEY, ready};
use igloo::{
    command, command_of, executable, finish, igloo, interrupt_after_a_line, on_terminal, watched_on_terminal,
};
use igloo_protocol::{
    BuilderId, BuilderQueue, BuilderView, Code, Command, Phase, Problem, ServiceKind, ServiceState,
    ServiceView, Snapshot, StopMode,
};
use std::{
    fs,
    path::{Path, PathBuf},
    process,
};

const X86: BuilderId = BuilderId::X86_64;

fn problem(text: &str) -> Problem {
    serde_json::from_str(text).unwrap_or_else(|e| panic!("{e}: {text}"))
}

#[test]
fn without_an_engine_each_command_says_how_to_start_one() {
    let home = tempfile::tempdir().unwrap();
    let commands: [&[&str]; 13] = [
        &["status"],
        &["start"],
        &["stop", "x86_64"],
        &["restart"],
        &["log"],
        &["queue"],
        &["ssh"],
        &["ephemeral", "x86_64", "on"],
        &["reset", "--yes"],
        &["image", "show"],
        &["settings"],
        &["settings", "set", "a", "1"],
        &["setup", "--yes"],
    ];
    for args in commands {
        let ran = igloo(home.path(), args);
        assert_eq!(ran.code, Some(3), "{args:?}: {}", ran.err);
        let way = if args == ["start"] {
            "`igloo start --serve`, which starts one in the background,"
        } else {
            "`igloo serve`"
        };
        assert_eq!(ran.err, format!("error: no engine runs\n  → run {way} or open Igloo\n"));
        assert_eq!(ran.out, "");
    }
    let ran = igloo(home.path(), &["status", "--json"]);
    assert_eq!((ran.code, problem(&ran.err).code), (Some(3), Code::NoEngine));
}

#[test]
fn status_shows_the_builders() {
    let engine = Engine::start();
    let shown = igloo(engine.home.path(), &["status"]).ok();
    assert!(shown.contains("x86_64   stopped") && shown.contains("aarch64  not enabled"), "{shown}");
    engine.show(ready);
    let shown = igloo(engine.home.path(), &["status"]).ok();
    assert!(shown.contains("ready, up 0 s") && shown.contains("1 build: hello-2.12.1"), "{shown}");
    let json: Snapshot =
        serde_json::from_str(&igloo(engine.home.path(), &["status", "--json"]).ok()).unwrap();
    assert_eq!(json.builders[1].phase, Phase::Ready);
}

#[test]
fn a_start_is_followed_in_plain_lines() {
    let engine = Engine::start();
    engine.state.go_on.notify_one();
    let out = igloo(engine.home.path(), &["start"]).ok();
    let lines: Vec<_> = out.lines().collect();
    assert_eq!(lines[0], "x86_64: disk and keys are prepared");
    assert!(lines.contains(&"x86_64: builds the promised systems (0.1 s)"), "{out}");
    assert_eq!(lines.len(), 10, "{out}");
    assert!(lines[9].starts_with("x86_64 is ready after"), "{out}");
    assert!(!out.contains('\x1b'));
    assert_eq!(igloo(engine.home.path(), &["start"]).ok(), "x86_64 is ready already\n");
    assert_eq!(engine.commands(), [Command::Start { builder: X86 }]);
}

#[test]
fn a_start_is_drawn_in_place_on_a_terminal() {
    let engine = Engine::start();
    let ran = watched_on_terminal(engine.home.path(), &["start"], &[], "", |shown| {
        if shown.contains("\x1b[33m…\x1b[0m host key is the expected one") {
            engine.state.go_on.notify_one();
        }
    });
    assert!(ran.out.contains("\x1b[9A\r"), "{:?}", ran.out);
    assert!(ran.out.contains("\x1b[32m✓\x1b[0m builds the promised systems"), "{:?}", ran.out);
    assert!(ran.ok().contains("x86_64 is ready after"));

    let engine = Engine::start();
    engine.state.go_on.notify_one();
    let out = on_terminal(engine.home.path(), &["start"], &[("NO_COLOR", "1")], "").ok();
    assert!(out.contains("✓ builds the promised systems") && !out.contains("\x1b[32m"), "{out:?}");

    let engine = Engine::start();
    engine.state.go_on.notify_one();
    let out = on_terminal(engine.home.path(), &["start"], &[("TERM", "dumb")], "").ok();
    assert!(!out.contains('\x1b'), "{out:?}");
}

#[test]
fn a_failed_start_ends_with_the_problems_exit_code() {
    let engine = Engine::start();
    let fails = Problem::new(Code::HostKeyMismatch, "the guest showed another key", "reset it");
    *engine.state.fails.lock().unwrap() = Some(fails.clone());
    let ran = igloo(engine.home.path(), &["start"]);
    assert_eq!(ran.code, Some(33));
    assert!(ran.err.ends_with("error: the guest showed another key\n  → reset it\n"), "{}", ran.err);
    // the failure from before is not taken for that of the new start
    *engine.state.fails.lock().unwrap() = None;
    engine.state.go_on.notify_one();
    let view: BuilderView =
        serde_json::from_str(&igloo(engine.home.path(), &["start", "--json"]).ok()).unwrap();
    assert_eq!(view.phase, Phase::Ready);
}

#[test]
fn leaving_a_start_does_not_end_it() {
    let engine = Engine::start();
    let ran = interrupt_after_a_line(command(engine.home.path(), &["start"]).spawn().unwrap());
    assert_eq!(ran.code, Some(40));
    assert!(ran.err.contains("the start goes on"), "{}", ran.err);
    assert_eq!(engine.commands(), [Command::Start { builder: X86 }]);

    let ran = igloo(engine.home.path(), &["start", "--timeout", "0"]);
    assert_eq!(ran.code, Some(32), "{}", ran.err);
    assert_eq!(engine.commands().len(), 1, "a start that is under way is not asked for again");
    assert_eq!(igloo(engine.home.path(), &["start", "--no-wait"]).ok(), "x86_64 is starting\n");
}

#[test]
fn a_stop_waits_for_builds_and_says_which() {
    let engine = Engine::start();
    engine.show(ready);
    let ran = interrupt_after_a_line(command(engine.home.path(), &["stop"]).spawn().unwrap());
    assert_eq!(ran.out, "x86_64: stopping once 1 build has ended: hello-2.12.1\n");
    assert!(ran.code == Some(40) && ran.err.contains("the stop goes on"), "{}", ran.err);
    assert!(ran.err.contains("igloo stop x86_64 --now"), "{}", ran.err);
    assert!(igloo(engine.home.path(), &["stop", "--now"]).ok().ends_with("x86_64 is stopped\n"));
    let modes = [StopMode::Wait, StopMode::Now].map(|mode| Command::Stop { builder: X86, mode });
    assert_eq!(engine.commands(), modes);
}

#[test]
fn a_restart_ends_ready_again() {
    let engine = Engine::start();
    engine.show(ready);
    engine.state.go_on.notify_one();
    let out = igloo(engine.home.path(), &["restart", "--now"]).ok();
    assert!(out.ends_with("x86_64 is ready again\n"), "{out}");
    assert_eq!(engine.commands(), [Command::Restart { builder: X86, mode: StopMode::Now }]);
}

#[test]
fn a_reset_is_asked_for() {
    let engine = Engine::start();
    let home = engine.home.path();
    let ran = igloo(home, &["reset"]);
    assert!(ran.code == Some(41) && ran.err.contains("add --yes"), "{}", ran.err);
    assert_eq!(on_terminal(home, &["reset"], &[], "n\n").code, Some(41));
    assert!(engine.commands().is_empty());
    let asked = on_terminal(home, &["reset"], &[], "y\n").ok();
    assert!(
        asked.contains("Lose all that was built on x86_64") && asked.contains("clean disk the next time")
    );
    igloo(home, &["reset", "--yes"]).ok();
    assert_eq!(engine.commands(), [Command::Reset { builder: X86 }, Command::Reset { builder: X86 }]);
}

#[test]
fn the_queue_says_what_is_not_known() {
    let engine = Engine::start();
    let home = engine.home.path();
    assert_eq!(igloo(home, &["queue"]).ok(), "No builder runs\n");
    engine.show(ready);
    let out = igloo(home, &["queue"]).ok();
    assert!(out.contains("1 build, waiting: unknown") && out.contains("hello-2.12.1"), "{out}");
    let json: Vec<BuilderQueue> = serde_json::from_str(&igloo(home, &["queue", "--json"]).ok()).unwrap();
    assert!(json[0].builds.is_none() && json[1].builds.as_ref().unwrap().len() == 1);
}

#[test]
fn the_log_is_shown_and_a_reader_may_leave() {
    let engine = Engine::start();
    let home = engine.home.path();
    fs::write(home.join("x86_64.log"), "one\n\x1b[31mtwo\n").unwrap();
    assert_eq!(igloo(home, &["log", "-n", "1"]).ok(), "\x1b[31mtwo\n");
    assert_eq!(on_terminal(home, &["log", "-n", "1"], &[], "").ok(), "two\r\n");
    assert_eq!(igloo(home, &["log", "--json"]).ok(), "\"one\"\n\"\\u001b[31mtwo\"\n");
    fs::write(home.join("x86_64.log"), "line\n".repeat(200_000)).unwrap();
    let mut child = command(home, &["log", "-n", "200000"]).spawn().unwrap();
    drop(child.stdout.take());
    let ran = finish(child);
    assert_eq!((ran.code, ran.err.as_str()), (Some(0), ""));
}

#[test]
fn ssh_is_given_the_builders_keys_and_the_command() {
    let engine = Engine::start();
    let home = engine.home.path();
    let ssh = home.join("bin/ssh");
    fs::create_dir(home.join("bin")).unwrap();
    executable(&ssh, "for a; do echo \"$a\"; done\nexit 7\n");
    let ran =
        |path: &Path| finish(command(home, &["ssh", "--", "uname", "-a"]).env("PATH", path).spawn().unwrap());
    let shown = ran(&home.join("bin"));
    assert_eq!(shown.code, Some(7));
    assert!(shown.out.ends_with("-p\n1022\n-l\nbuilder\n--\n127.0.0.1\nuname\n-a\n"), "{}", shown.out);
    let known = fs::read_to_string(home.join("run/x86_64/known_hosts")).unwrap();
    assert_eq!(known, format!("linux-builder-x86_64 {HOST_KEY}\n"));
    let missing = ran(Path::new("/nonexistent"));
    assert!(missing.code == Some(25) && missing.err.contains("ssh is not installed"), "{}", missing.err);
}

#[test]
fn settings_are_shown_and_changed() {
    let engine = Engine::start();
    let home = engine.home.path();
    let set = igloo(home, &["settings", "set", "builders.x86_64.cores", "4"]).ok();
    assert_eq!(set, "builders.x86_64.cores = 4, takes effect at the next start\n");
    assert_eq!(igloo(home, &["settings", "get", "builders.x86_64.cores"]).ok(), "4\n");
    assert!(igloo(home, &["settings"]).ok().contains("builders.x86_64.image = (none)"));
    igloo(home, &["settings", "unset", "builders.x86_64.cores"]).ok();
    let path = igloo(home, &["settings", "path"]).ok();
    assert_eq!(path.trim_end(), home.join("config/settings.toml").display().to_string());
    for wrong in [&["settings", "get", "a.b"][..], &["settings", "set", "a.b", "1"]] {
        assert_eq!(igloo(home, wrong).code, Some(10));
    }
    let on = igloo(home, &["ephemeral", "on"]).ok();
    assert_eq!(on, "x86_64 uses a throwaway disk\n");
    assert_eq!(igloo(home, &["settings", "get", "builders.x86_64.ephemeral"]).ok(), "true\n");
}

#[test]
fn an_image_is_chosen_for_the_builder_of_its_system() {
    let engine = Engine::start();
    let home = engine.home.path();
    let folder = home.join("an image");
    let name = folder.to_str().unwrap();
    assert_eq!(igloo(home, &["image", "use", name]).code, Some(20));
    fs::create_dir(&folder).unwrap();
    fs::write(folder.join("manifest.json"), r#"{"system":"x86_64-linux"}"#).unwrap();
    assert_eq!(igloo(home, &["image", "list"]).ok(), "no image was built yet\n");
    igloo(home, &["image", "use", name]).ok();
    let whole = folder.canonicalize().unwrap();
    assert_eq!(igloo(home, &["image", "show"]).ok(), format!("x86_64   {}\n", whole.display()));
}

#[test]
fn a_wrong_builder_has_its_exit_code() {
    let engine = Engine::start();
    let ran = igloo(engine.home.path(), &["start", "riscv"]);
    assert_eq!(ran.code, Some(11));
    assert!(ran.err.contains("the builders are aarch64 and x86_64"), "{}", ran.err);
    assert_eq!(igloo(engine.home.path(), &["begin"]).code, Some(2));
}

#[test]
fn help_and_completions_need_no_engine() {
    let home = tempfile::tempdir().unwrap();
    assert!(igloo(home.path(), &["--help"]).ok().contains("Usage: igloo"));
    for shell in ["bash", "zsh", "fish"] {
        let script = igloo(home.path(), &["completions", shell]).ok();
        assert!(script.contains("ephemeral") && script.contains("aarch64"), "{shell}");
    }
}

#[test]
fn without_a_command_the_tray_beside_it_is_started_or_help_is_shown() {
    let home = tempfile::tempdir().unwrap();
    let copy = with_helper(home.path(), "{}");
    let bare = || String::from_utf8(process::Command::new(&copy).output().unwrap().stdout).unwrap();
    assert!(bare().contains("Usage: igloo"));
    executable(&home.path().join("bin/igloo-tray"), "echo the tray\n");
    assert_eq!(bare(), "the tray\n");
}

/// A copy of `igloo` beside an `igloo-admin` that writes its arguments down and answers with `report`.
fn with_helper(home: &Path, report: &str) -> PathBuf {
    let bin = home.join("bin");
    fs::create_dir_all(&bin).unwrap();
    let copy = bin.join("igloo");
    if !copy.exists() {
        // not by this process: see `executable`
        let cp = process::Command::new("cp").arg(env!("CARGO_BIN_EXE_igloo")).arg(&copy).status().unwrap();
        assert!(cp.success());
    }
    let asked = home.join("asked");
    executable(&bin.join("igloo-admin"), &format!("echo \"$@\" >> {}\necho '{report}'\n", asked.display()));
    copy
}

#[test]
fn a_setup_is_shown_asked_for_and_its_key_let_in() {
    let engine = Engine::start();
    let home = engine.home.path();
    assert_eq!(igloo(home, &["setup", "--plan"]).code, Some(13), "a builder that is down tells no features");
    engine.show(engine::ready);
    let plan = igloo(home, &["setup", "--plan", "--json"]);
    if plan.code == Some(i32::from(Code::NotManaged.exit_code())) || !rustix::process::geteuid().is_root() {
        // this machine's own Nix is another's, or sudo would ask
        return;
    }
    let plan: serde_json::Value = serde_json::from_str(&plan.ok()).unwrap();
    assert_eq!(plan["plan"]["ops"].as_array().unwrap().len(), 4);
    let command = plan["command"].as_str().unwrap();
    assert!(
        command.starts_with("sudo -- /") && command.contains("igloo-admin --by-hand apply eyJ"),
        "{command}"
    );

    let applied = r#"{"version":1,"outcome":"applied","steps":[],"public_key":"ssh-ed25519 AAAA root"}"#;
    let program = with_helper(home, applied);
    let ran = |args: &[&str]| finish(command_of(&program, home, args).spawn().unwrap());
    assert_eq!(ran(&["setup"]).code, Some(41), "it asks, and nobody is there");
    assert!(!home.join("asked").exists());
    assert!(
        ran(&["setup", "--yes", "--no-proof"]).ok().ends_with("Nix is set up\nNix can build on x86_64\n")
    );
    let asked = fs::read_to_string(home.join("asked")).unwrap();
    assert!(asked.starts_with("--by-hand apply eyJ"), "{asked}");

    with_helper(home, r#"{"version":1,"outcome":"undone","steps":[]}"#);
    assert_eq!(ran(&["setup", "--undo", "--yes"]).ok(), "All is as it was before Igloo\n");
    let key = |builder, key: Option<&str>| Command::DaemonKey { builder, public_key: key.map(str::to_owned) };
    let expected = [key(X86, Some("ssh-ed25519 AAAA root")), key(BuilderId::Aarch64, None), key(X86, None)];
    assert_eq!(engine.commands(), expected);
}

#[test]
fn other_programs_builders_are_listed_and_only_nix_darwins_is_changed() {
    let engine = Engine::start();
    let home = engine.home.path();
    assert_eq!(igloo(home, &["service", "list"]).ok(), "No other program builds for Linux here\n");
    let running = ServiceView {
        state: ServiceState::Running,
        pid: Some(812),
        ..ServiceView::new(ServiceKind::LinuxBuilder)
    };
    engine.show_services(vec![running.clone()]);
    let name = "nix-darwin's linux-builder (org.nixos.linux-builder): running, process 812\n";
    let shown = igloo(home, &["service", "list"]).ok();
    assert!(
        shown.starts_with(name) && shown.contains("port 31022") && shown.contains("builds: not known"),
        "{shown}"
    );
    assert!(igloo(home, &["status"]).ok().contains(name));
    let json: Vec<ServiceView> =
        serde_json::from_str(&igloo(home, &["service", "list", "--json"]).ok()).unwrap();
    assert_eq!(json, [running]);
    let json: Snapshot = serde_json::from_str(&igloo(home, &["status", "--json"]).ok()).unwrap();
    assert_eq!(json.services.len(), 1);

    // there is no launchd here, whatever the engine says: the plan is made from the files
    for action in ["start", "stop", "wipe"] {
        let ran = igloo(home, &["service", action, "--yes"]);
        assert_eq!(ran.code, Some(i32::from(Code::MissingTool.exit_code())), "{}", ran.err);
        assert!(ran.err.contains("org.nixos.linux-builder.plist is not there"), "{}", ran.err);
    }
    let ran = igloo(home, &["service", "ssh"]);
    assert_eq!(ran.code, Some(i32::from(Code::NotAllowed.exit_code())), "{}", ran.err);
    assert!(ran.err.contains("`sudo ssh "), "{}", ran.err);
}

#[test]
fn without_an_engine_the_services_are_looked_for_all_the_same() {
    let home = tempfile::tempdir().unwrap();
    assert_eq!(igloo(home.path(), &["service", "list"]).ok(), "No other program builds for Linux here\n");
}

#[test]
fn a_setup_that_failed_ends_with_the_problem_of_igloo_admin() {
    let home = tempfile::tempdir().unwrap();
    if !rustix::process::geteuid().is_root() {
        return;
    }
    let report = r#"{"version":1,"outcome":"failed","steps":[],
        "problem":{"code":"file_changed","message":"it changed","remedy":"look"}}"#;
    let program = with_helper(home.path(), report);
    let ran = finish(command_of(&program, home.path(), &["setup", "--undo", "--yes"]).spawn().unwrap());
    assert_eq!((ran.code, ran.out.as_str()), (Some(52), "Nothing is changed\n"));
    assert_eq!(ran.err, "error: it changed\n  → look\n");
}

#[test]
fn an_engine_is_started_in_the_background_where_that_is_wanted() {
    let home = tempfile::tempdir().unwrap();
    fs::create_dir(home.path().join("config")).unwrap();
    let settings = home.path().join("config/settings.toml");
    fs::write(&settings, "[[[").unwrap();
    let ran = igloo(home.path(), &["start", "--serve"]);
    assert_eq!(ran.code, Some(10), "{}", ran.err);
    assert!(ran.err.contains("settings.toml") && ran.err.contains("engine.log"), "{}", ran.err);

    fs::write(&settings, "").unwrap();
    let ran = igloo(home.path(), &["start", "--serve"]);
    let engine: Snapshot = serde_json::from_str(&igloo(home.path(), &["status", "--json"]).ok()).unwrap();
    let end = End(engine.engine.pid);
    assert_eq!(ran.code, Some(20), "the engine runs, and has no image: {}", ran.err);
    assert!(ran.err.starts_with("the engine runs in the background"), "{}", ran.err);
    let again = igloo(home.path(), &["start", "--serve"]);
    assert!(again.code == Some(20) && !again.err.contains("in the background"), "{}", again.err);
    drop(end);
}

/// Ends an engine that was left in the background.
struct End(u32);

impl Drop for End {
    fn drop(&mut self) {
        let pid = rustix::process::Pid::from_raw(self.0.try_into().unwrap()).unwrap();
        rustix::process::kill_process(pid, rustix::process::Signal::TERM).unwrap();
    }
}
