//! The main job: the host's Nix builds in the guest.

use crate::support::{Home, PATIENCE, wait_for};
use igloo_protocol::{BuildState, Phase};

/// A derivation without inputs. `/bin/sh` and the tools are the guest's own.
pub fn derivation(name: &str, script: &str) -> String {
    format!(
        "derivation {{ name = \"{name}\"; system = \"x86_64-linux\"; builder = \"/bin/sh\"; \
         PATH = \"/usr/bin:/bin\"; args = [ \"-c\" {script:?} ]; }}"
    )
}

/// What tells the guest from the host, in a build without a sandbox.
const WHERE: &str = "read -r host < /proc/sys/kernel/hostname; echo built on $host > $out";

fn out_path(json: &str) -> String {
    let built: serde_json::Value = serde_json::from_str(json).unwrap();
    built[0]["outputs"]["out"].as_str().unwrap().to_owned()
}

/// An Igloo in a sandbox with a real Nix, ready and set up.
pub fn set_up(choose: impl FnOnce(&Home)) -> Home {
    let mut home = Home::in_sandbox();
    home.sandbox_mut().start_nix();
    home.serve();
    choose(&home);
    home.igloo(&["start"]).ok();
    home.igloo(&["setup", "--yes"]).ok();
    home
}

#[test]
fn a_derivation_is_built_in_the_guest_and_undo_leaves_no_trace() {
    let mut home = Home::in_sandbox();
    home.sandbox_mut().start_nix();
    let before = home.sandbox().etc();
    home.serve();
    home.igloo(&["start"]).ok();
    home.igloo(&["setup", "--yes"]).ok();
    assert_ne!(home.sandbox().etc(), before);

    let built = home.sandbox().nix_build(&derivation("where", WHERE)).ok();
    let text = home.sandbox().read(&out_path(&built.out));
    assert_eq!(text, "built on igloo-x86-64\n");

    home.igloo(&["setup", "--undo", "--yes"]).ok();
    assert_eq!(home.sandbox().etc(), before);
    home.igloo(&["stop"]).ok();
    home.assert_nothing_left();
}

#[test]
fn a_graph_of_derivations_is_built_and_the_queue_shows_it() {
    let home = set_up(|home| drop(home.igloo(&["settings", "set", "builders.x86_64.cores", "2"]).ok()));
    let gate = "/tmp/igloo-gate";
    // the guest's tools only; it ends by itself should the test not come to open the gate
    let wait = format!(
        "echo up > $out; n=0; while ! test -e {gate} && test $n -lt 600; do sleep 0.2; n=$((n+1)); done"
    );
    let graph = format!(
        "let a = {}; b = {}; in derivation {{ name = \"join\"; system = \"x86_64-linux\"; builder = \"/bin/sh\"; \
         PATH = \"/usr/bin:/bin\"; args = [ \"-c\" \"cat ${{a}} ${{b}} > $out\" ]; }}",
        derivation("left-1.0", &wait),
        derivation("right-2.0", &wait)
    );
    std::thread::scope(|scope| {
        let build = scope.spawn(|| home.sandbox().nix_build(&graph));
        wait_for("both builds in the queue", PATIENCE, || {
            assert!(!build.is_finished(), "the build ended before it was seen");
            let builds = home.builder().builds?;
            let running = builds.iter().filter(|b| b.state == BuildState::Running);
            let mut names: Vec<_> = running.filter_map(|b| b.name().map(str::to_owned)).collect();
            names.sort();
            (names == ["left-1.0", "right-2.0"]).then_some(())
        });
        let queue = home.igloo(&["queue"]).ok();
        assert!(queue.out.contains("left-1.0") && queue.out.contains("right-2.0"), "{}", queue.out);

        // a stop waits for them
        let stop = scope.spawn(|| home.igloo(&["stop"]));
        wait_for("the stop to wait", PATIENCE, || {
            matches!(home.builder().phase, Phase::Draining { builds } if builds > 0).then_some(())
        });
        home.igloo(&["start"]).ok();
        assert_eq!(home.builder().phase, Phase::Ready, "a start takes the stop back");
        stop.join().unwrap();
        home.in_guest(&format!("touch {gate}")).ok();
        let built = build.join().unwrap().ok();
        assert_eq!(home.sandbox().read(&out_path(&built.out)), "up\nup\n");
    });
    wait_for("an empty queue", PATIENCE, || {
        home.builder().builds.is_some_and(|b| b.is_empty()).then_some(())
    });
}

#[test]
fn a_build_survives_the_engine_and_a_store_path_survives_the_machine() {
    let mut home = set_up(|_| {});
    let first = home.sandbox().nix_build(&derivation("before", WHERE)).ok();
    let path = out_path(&first.out);

    home.kill_engine();
    home.serve();
    wait_for("the adoption", PATIENCE, || (home.builder().phase == Phase::Ready).then_some(()));
    home.sandbox().nix_build(&derivation("after-adoption", WHERE)).ok();

    crate::support::kill(home.qemu());
    home.failure();
    home.igloo(&["start"]).ok();
    home.in_guest(&format!("test -e {path} && nix-store --check-validity {path}")).ok();
    home.sandbox().nix_build(&derivation("after-crash", WHERE)).ok();
}
