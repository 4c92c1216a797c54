//! What outlives what: the machine outlives the engine, the engine outlives the machine.

use crate::support::{Home, PATIENCE, alive, kill, wait_for};
use igloo_protocol::{Code, Phase};
use std::time::{Duration, Instant};

#[test]
fn a_machine_outlives_its_engine_and_is_adopted() {
    let mut home = Home::ready();
    let machine = home.qemu();
    home.kill_engine();
    assert!(alive(machine));
    home.igloo(&["status"]).failed(Code::NoEngine);

    home.serve();
    wait_for("the adoption", PATIENCE, || (home.builder().phase == Phase::Ready).then_some(()));
    assert_eq!(home.qemu(), machine);
    home.in_guest("true").ok();

    // and so it does when the engine ends in order
    assert_eq!(home.end_engine(), 0);
    assert!(alive(machine));
    home.serve();
    wait_for("the adoption", PATIENCE, || (home.builder().phase == Phase::Ready).then_some(()));
    home.igloo(&["stop"]).ok();
    home.assert_nothing_left();
}

#[test]
fn a_machine_that_dies_is_noticed_with_its_cause_and_starts_again() {
    let home = Home::ready();
    home.in_guest("echo kept > kept; sync").ok();
    kill(home.qemu());
    let start = Instant::now();
    let problem = home.failure();
    assert!(start.elapsed() < Duration::from_secs(5), "noticed after {:?}", start.elapsed());
    assert_eq!(problem.code, Code::VmCrashed);
    assert!(problem.message.contains("killed") || problem.message.contains("signal"), "{problem}");
    let status = home.igloo(&["status"]).ok();
    assert!(status.out.contains(&problem.message), "{}", status.out);

    home.igloo(&["start"]).ok();
    assert_eq!(home.in_guest("cat kept").ok().out, "kept\n");
    home.igloo(&["stop"]).ok();
    home.assert_nothing_left();
}

#[test]
fn a_machine_that_died_while_no_engine_ran_is_not_adopted() {
    let mut home = Home::ready();
    let machine = home.qemu();
    home.kill_engine();
    kill(machine);
    home.serve();
    assert_eq!(home.builder().phase, Phase::Stopped);
    home.assert_nothing_left();
}
