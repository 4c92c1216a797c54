//! Against what a Debian guest with Nix 2.26.3 printed while three builds ran: `hello` and `hello-2.12.1`
//! (outputs `out` and `dev`), whose names start alike, and `tool-1.0` (outputs `bin` and `dev`, no `out`).
//! Earlier builds of the same names had left their logs.

use super::*;

const THREE: &str = include_str!("../fixtures/three-builds.txt");
const LOGS: &[u8] = include_bytes!("../fixtures/three-builds-logs.txt");
const IDLE: &str = include_str!("../fixtures/idle.txt");

fn look(text: &str) -> Look {
    Look::parse(text.as_bytes())
}

fn running(text: &str) -> Vec<Running> {
    find(&look(text)).unwrap().running
}

fn strings(names: &[&str]) -> BTreeSet<String> {
    names.iter().map(|s| s.to_string()).collect()
}

fn build(outputs: &[&str]) -> Running {
    let outputs = outputs.iter().map(|name| format!("0000-{name}")).collect();
    Running { key: Key { pid: 1, start_ticks: 0 }, outputs, start_s: 100.0, cpu_s: 0.0 }
}

#[test]
fn an_idle_guest_builds_nothing() {
    assert_eq!(find(&look(IDLE)), Some(Builds::default()));
}

#[test]
fn what_can_not_be_read_is_not_known() {
    assert_eq!(find(&look("")), None);
    let no_owners = THREE.replace("== files", "== nothing");
    assert_eq!(find(&look(&no_owners)), None);
}

#[test]
fn parallel_builds_are_told_apart() {
    let found = find(&look(THREE)).unwrap();
    assert_eq!((found.sessions, found.idle_sessions), (3, 0));
    let outputs: Vec<BTreeSet<_>> =
        found.running.iter().map(|b| b.names().map(str::to_owned).collect()).collect();
    let expected = [
        strings(&["hello-2.12.1", "hello-2.12.1-dev"]),
        strings(&["hello"]),
        strings(&["tool-1.0-bin", "tool-1.0-dev"]),
    ];
    assert_eq!(outputs, expected);
    let names: Vec<_> = found.running.iter().map(Running::name).collect();
    assert_eq!(names, [Some("hello-2.12.1"), Some("hello"), None], "no output has the third one's own name");
    let cpu: Vec<_> = found.running.iter().map(|b| b.cpu_s.round()).collect();
    assert_eq!(cpu, [20.0, 14.0, 11.0]);
}

#[test]
fn the_logs_tell_the_derivations() {
    let logs = parse_logs(LOGS);
    assert_eq!(logs.len(), 6);
    let found: Vec<_> = running(THREE).iter().map(|b| derivation(b, &logs).unwrap()).collect();
    let expected = [
        "/nix/store/ld0igdabv1gz2riw1yll7ck7kl1yg5mc-hello-2.12.1.drv",
        "/nix/store/dxaphv3imxpyardksynbvri3gambxsy4-hello.drv",
        "/nix/store/4pf7adh1819ic1rk1x2g8v6wiyw3mrgh-tool-1.0.drv",
    ];
    assert_eq!(found, expected);
}

#[test]
fn a_session_without_a_build_is_idle() {
    // the builder of the second worker has gone
    let text: String =
        THREE.lines().filter(|l| !l.starts_with("1723 (sh)")).map(|l| format!("{l}\n")).collect();
    let found = find(&look(&text)).unwrap();
    assert_eq!((found.running.len(), found.sessions, found.idle_sessions), (2, 3, 1));
    // nix-store --serve, of ssh://: two of the three
    let text = text.replace("(nix-daemon) S 17", "(nix-store) S 17").replace(":--stdio", ":--serve");
    assert_eq!(find(&look(&text)).unwrap().sessions, 2);
    // another use of nix-daemon is no session
    assert_eq!(find(&look(&text.replace(":--serve", ":--version"))).unwrap().sessions, 0);
}

#[test]
fn several_builds_of_one_worker_have_no_names() {
    let text = THREE.replace("(sh) R 1719 ", "(sh) R 1693 ");
    let builds = running(&text);
    assert_eq!(builds.len(), 3);
    let nameless = builds.iter().filter(|b| b.outputs.is_empty()).count();
    assert_eq!(nameless, 2);
    assert!(builds.iter().all(|b| b.cpu_s > 5.0), "their processes are still told apart");
}

#[test]
fn a_build_whose_lock_is_gone_has_no_name() {
    let text: String =
        THREE.lines().filter(|l| !l.contains("-hello.lock")).map(|l| format!("{l}\n")).collect();
    let builds = running(&text);
    assert_eq!(builds[1].outputs, BTreeSet::new());
    assert_eq!(builds[1].show(Some(1700.0), None).derivation, None);
}

#[test]
fn elapsed_counts_from_the_first_process() {
    let look = look(THREE);
    let build = &find(&look).unwrap().running[1];
    assert_eq!(build.show(look.uptime_s, None).elapsed_s.map(f64::round), Some(50.0));
    assert_eq!(build.show(None, None).elapsed_s, None);
}

#[test]
fn a_log_that_may_be_anothers_tells_nothing() {
    let log = |written_s, name: &str| Log { written_s, derivation: format!("/nix/store/0000-{name}.drv") };
    let hello = build(&["hello"]);
    assert_eq!(derivation(&hello, &[log(50.0, "hello")]), None, "an older build's");
    assert_eq!(
        derivation(&hello, &[log(101.0, "hello"), log(50.0, "hello")]),
        Some("/nix/store/0000-hello.drv".into())
    );
    assert_eq!(
        derivation(&hello, &[log(101.0, "hello"), log(102.0, "hello")]),
        None,
        "two of one name at once"
    );
    assert_eq!(derivation(&hello, &[log(101.0, "hello-2.12")]), None);
    let split = build(&["a-b-bin", "a-b-dev"]);
    assert_eq!(
        derivation(&split, &[log(101.0, "a-b"), log(101.0, "a")]),
        Some("/nix/store/0000-a-b.drv".into())
    );
}

#[test]
fn names_that_fit_all_outputs_are_candidates() {
    assert_eq!(build(&["a-b", "a-b-dev"]).candidates(), ["a-b", "a"]);
    assert_eq!(build(&["a-b-bin", "a-b-dev"]).candidates(), ["a-b", "a"]);
    assert_eq!(build(&["a", "b"]).candidates(), Vec::<&str>::new());
    assert_eq!(build(&[]).candidates(), Vec::<&str>::new());
    assert_eq!(logs_command(&[build(&["a'b; rm -rf /"])]), None, "no store path's name");
    assert!(logs_command(&[build(&["a+b-1.0_x"])]).unwrap().contains("*-'a+b-1.0_x'.drv*"));
}

#[test]
fn compressed_and_odd_logs_are_read_or_left_out() {
    let text = "1000 100.00 1.00\n990 /nix/var/log/nix/drvs/ab/cd-x.drv.bz2\n990 /nix/var/log/nix/drvs/ab/cd-x.drv.chroot\n\
                x /nix/var/log/nix/drvs/ab/cd-x.drv\nnonsense\n";
    let expected = [Log { written_s: 90.0, derivation: "/nix/store/abcd-x.drv".into() }];
    assert_eq!(parse_logs(text.as_bytes()), expected);
    assert_eq!(parse_logs(b""), []);
}
