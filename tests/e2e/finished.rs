//! How builds ended, as the engine tells it.

use crate::{
    build::{derivation, set_up},
    support::{Home, PATIENCE, wait_for},
};
use igloo_protocol::{BuildEnd, BuildState, FinishedBuild};
use std::path::Path;

/// Waits for the end of the newest build, which has this name.
fn end_of(home: &Home, name: &str) -> FinishedBuild {
    wait_for(name, PATIENCE, || home.builder().finished.first().filter(|f| f.name() == Some(name)).cloned())
}

fn is_running(home: &Home, name: &str) -> bool {
    let builds = home.builder().builds.unwrap_or_default();
    builds.iter().any(|b| b.state == BuildState::Running && b.name() == Some(name))
}

#[test]
fn each_build_is_told_with_its_end() {
    let home = set_up(|_| {});
    // long enough to be seen by a look a second
    home.sandbox().nix_build(&derivation("good-1.0", "sleep 6; echo 1 > $out")).ok();
    let good = end_of(&home, "good-1.0");
    assert_eq!(good.end, BuildEnd::Built);
    assert!(good.derivation.as_deref().is_some_and(|d| d.ends_with("-good-1.0.drv")), "{good:?}");
    assert!(good.elapsed_s.is_some_and(|s| s > 2.0), "{good:?}");

    // what a failed build wrote is no output
    let failed = home.sandbox().nix_build(&derivation("bad-1.0", "echo half > $out; sleep 6; exit 3"));
    assert_ne!(failed.code, 0);
    assert_eq!(end_of(&home, "bad-1.0").end, BuildEnd::NotBuilt);

    let endless = derivation("endless-1.0", "sleep 600");
    std::thread::scope(|scope| {
        let build = scope.spawn(|| {
            let mut nix = home.sandbox().command(Path::new("timeout"));
            nix.args([
                "-s",
                "INT",
                "20",
                "nix",
                "build",
                "--impure",
                "--no-link",
                "--max-jobs",
                "0",
                "--expr",
            ]);
            nix.arg(&endless).env("NIX_REMOTE", "daemon").output().unwrap()
        });
        wait_for("the build", PATIENCE, || is_running(&home, "endless-1.0").then_some(()));
        assert!(!build.join().unwrap().status.success());
    });
    assert_eq!(end_of(&home, "endless-1.0").end, BuildEnd::NotBuilt);

    std::thread::scope(|scope| {
        let build = scope.spawn(|| home.sandbox().nix_build(&derivation("cut-off-1.0", "sleep 600")));
        wait_for("the build", PATIENCE, || is_running(&home, "cut-off-1.0").then_some(()));
        home.igloo(&["stop", "--now"]).ok();
        assert_ne!(build.join().unwrap().code, 0);
    });
    assert_eq!(end_of(&home, "cut-off-1.0").end, BuildEnd::BuilderEnded);
    let told = home.igloo(&["queue", "x86_64"]).ok().out;
    for line in
        ["good-1.0", "bad-1.0", "not built: it failed, or was interrupted", "not built: the builder ended"]
    {
        assert!(told.contains(line), "{told}");
    }
    assert_eq!(home.builder().finished.len(), 4);
}
