//! Start, stop and what comes in between.

use crate::support::{Home, PATIENCE, wait_for};
use igloo_protocol::{BuilderId, Code, Phase, Rung};

#[test]
fn a_start_shows_every_rung_and_a_stop_powers_the_guest_off() {
    let mut home = Home::new();
    home.serve();
    let start = home.igloo(&["start"]).ok();
    for rung in Rung::ALL {
        assert!(start.out.contains(rung.describe()), "no {rung:?} in {}", start.out);
    }
    let b = home.builder();
    let running = b.running.unwrap();
    let climbed: Vec<_> = running.climbed.iter().map(|(rung, _)| *rung).collect();
    assert!(climbed.is_sorted() && climbed.last() == Some(&Rung::Systems), "{climbed:?}");
    assert!(running.nix_version.unwrap().starts_with("2."));
    assert!(running.features.contains(&"big-parallel".to_owned()), "{:?}", running.features);
    let kvm = home.in_guest("test -e /dev/kvm").code == 0;
    assert_eq!(running.features.contains(&"kvm".to_owned()), kvm);
    assert_eq!(home.in_guest("nproc").ok().out.trim(), "1");
    wait_for("a look into the guest", PATIENCE, || {
        home.builder().running?.usage.filter(|u| u.memory_total > 0)
    });

    home.igloo(&["stop"]).ok();
    assert_eq!(home.builder().phase, Phase::Stopped);
    let log = home.igloo(&["log", "-n", "50"]).ok().out;
    assert!(log.contains("Power down") || log.contains("reboot:"), "powered off, not killed: {log}");
    home.assert_nothing_left();
}

#[test]
fn a_systemd_guest_starts_and_stops_too() {
    let image = crate::support::prepared("IGLOO_TEST_IMAGE_X86_64");
    let mut home = Home::with(&format!("image = {image:?}\n"));
    home.serve();
    home.igloo(&["start"]).ok();
    assert_eq!(home.in_guest("cat /proc/1/comm").ok().out, "systemd\n");
    home.igloo(&["restart"]).ok();
    assert_eq!(home.builder().phase, Phase::Ready);
    home.igloo(&["stop"]).ok();
    home.assert_nothing_left();
}

#[test]
fn a_stop_during_the_boot_leaves_nothing() {
    let mut home = Home::new();
    home.serve();
    std::thread::scope(|scope| {
        let start = scope.spawn(|| home.igloo(&["start"]));
        wait_for("the boot", PATIENCE, || {
            matches!(home.builder().phase, Phase::Booting { .. }).then_some(())
        });
        home.igloo(&["stop"]).ok();
        start.join().unwrap().failed(Code::Cancelled);
    });
    assert_eq!(home.builder().phase, Phase::Stopped);
    home.assert_nothing_left();
}

#[test]
fn a_start_during_a_stop_is_refused() {
    let home = Home::ready();
    std::thread::scope(|scope| {
        let stop = scope.spawn(|| home.igloo(&["stop"]));
        wait_for("the stop", PATIENCE, || (home.builder().phase == Phase::Stopping).then_some(()));
        home.igloo(&["start"]).failed(Code::WrongPhase);
        stop.join().unwrap().ok();
    });
    assert_eq!(home.builder().phase, Phase::Stopped);
    home.assert_nothing_left();
}

#[test]
fn both_builders_run_side_by_side() {
    let aarch64 = crate::support::prepared("IGLOO_TEST_IMAGE_AARCH64").join("tiny");
    let more = format!(
        "[builders.aarch64]\nenabled = true\nimage = {aarch64:?}\nport = {}\ncores = 1\nmemory = 1024\ndisk = 10\n",
        crate::support::free_port()
    );
    let mut home = Home::with(&more);
    home.serve();
    home.igloo(&["start"]).failed(Code::Usage);
    home.igloo(&["start", "x86_64"]).ok();
    home.igloo(&["start", "aarch64"]).ok();
    assert_eq!(home.igloo(&["ssh", "aarch64", "--", "uname", "-m"]).ok().out, "aarch64\n");
    assert_eq!(home.igloo(&["ssh", "x86_64", "--", "uname", "-m"]).ok().out, "x86_64\n");
    home.igloo(&["stop", "aarch64"]).ok();
    let s = home.snapshot();
    assert_eq!(s.builder(BuilderId::Aarch64).unwrap().phase, Phase::Stopped);
    assert_eq!(s.builder(BuilderId::X86_64).unwrap().phase, Phase::Ready);
    home.igloo(&["stop", "x86_64"]).ok();
    home.assert_nothing_left();
}
