use super::breaker::WINDOW_MS;
use super::lifecycle::{Effect, Event, Lifecycle};
use igloo_protocol::{Code, Phase, PrepareStep, Problem, Rung, StopMode};
use proptest::prelude::*;

fn problem(code: Code) -> Problem {
    Problem::new(code, "it broke", "mend it")
}

fn crashed() -> Event {
    Event::Exited(problem(Code::VmCrashed))
}

/// Handles the events one after the other, a millisecond apart; the effects of the last.
fn run(l: &mut Lifecycle, events: &[Event]) -> Vec<Effect> {
    events.iter().fold(vec![], |_, e| l.handle(e.clone(), 0).unwrap())
}

fn ready() -> Lifecycle {
    let mut l = Lifecycle::default();
    run(&mut l, &[Event::StartAsked, Event::Launched, Event::Climbed(Rung::Systems), Event::Ready]);
    assert_eq!(*l.phase(), Phase::Ready);
    l
}

#[test]
fn a_start_goes_through_every_phase() {
    let mut l = Lifecycle::default();
    assert_eq!(run(&mut l, &[Event::StartAsked]), [Effect::Start]);
    run(&mut l, &[Event::Step(PrepareStep::Disk)]);
    assert_eq!(*l.phase(), Phase::Preparing { step: PrepareStep::Disk });
    run(&mut l, &[Event::Launched, Event::Climbed(Rung::Banner)]);
    assert_eq!(*l.phase(), Phase::Booting { rung: Some(Rung::Banner) });
    run(&mut l, &[Event::Climbed(Rung::Port)]);
    assert_eq!(*l.phase(), Phase::Booting { rung: Some(Rung::Banner) }, "a ladder is not climbed down");
    assert_eq!(run(&mut l, &[Event::Ready]), []);
    assert_eq!(*l.phase(), Phase::Ready);
}

#[test]
fn asking_twice_changes_nothing() {
    for mut l in [ready(), {
        let mut l = Lifecycle::default();
        run(&mut l, &[Event::StartAsked, Event::Launched]);
        l
    }] {
        let before = l.clone();
        assert_eq!(run(&mut l, &[Event::StartAsked]), []);
        assert_eq!(l, before);
    }
    assert_eq!(run(&mut Lifecycle::default(), &[Event::StopAsked(StopMode::Wait)]), []);
}

#[test]
fn a_stop_powers_off_and_ends_stopped() {
    let mut l = ready();
    assert_eq!(run(&mut l, &[Event::StopAsked(StopMode::Wait)]), [Effect::PowerOff]);
    assert_eq!(run(&mut l, &[crashed()]), [Effect::CleanUp]);
    assert_eq!(*l.phase(), Phase::Stopped);
}

#[test]
fn a_stop_waits_for_builds_and_now_does_not() {
    let mut l = ready();
    assert_eq!(run(&mut l, &[Event::Builds(2), Event::StopAsked(StopMode::Wait)]), []);
    assert_eq!(*l.phase(), Phase::Draining { builds: 2 });
    run(&mut l, &[Event::Builds(1)]);
    assert_eq!(*l.phase(), Phase::Draining { builds: 1 });
    assert_eq!(run(&mut l.clone(), &[Event::Builds(0)]), [Effect::PowerOff]);
    assert_eq!(run(&mut l, &[Event::StopAsked(StopMode::Now)]), [Effect::PowerOff]);
}

#[test]
fn a_start_takes_back_a_stop_that_waits() {
    let mut l = ready();
    run(&mut l, &[Event::Builds(1), Event::StopAsked(StopMode::Wait)]);
    assert_eq!(run(&mut l, &[Event::StartAsked]), []);
    assert_eq!(*l.phase(), Phase::Ready);
}

#[test]
fn a_start_during_a_stop_is_refused_with_a_remedy() {
    let mut l = ready();
    run(&mut l, &[Event::StopAsked(StopMode::Now)]);
    let refused = l.handle(Event::StartAsked, 0).unwrap_err();
    assert_eq!(refused.code, Code::WrongPhase);
    assert!(refused.remedy.contains("igloo restart"));
    assert_eq!(*l.phase(), Phase::Stopping);
}

#[test]
fn a_restart_comes_back() {
    let mut l = ready();
    assert_eq!(run(&mut l, &[Event::RestartAsked(StopMode::Wait)]), [Effect::PowerOff]);
    assert_eq!(run(&mut l, &[crashed()]), [Effect::CleanUp, Effect::Start]);
    assert_eq!(run(&mut Lifecycle::default(), &[Event::RestartAsked(StopMode::Wait)]), [Effect::Start]);
}

#[test]
fn a_stop_takes_back_a_restart() {
    let mut l = ready();
    run(&mut l, &[Event::RestartAsked(StopMode::Now), Event::StopAsked(StopMode::Now)]);
    assert_eq!(run(&mut l, &[crashed()]), [Effect::CleanUp]);
}

#[test]
fn a_stop_during_a_start_leaves_nothing() {
    let mut preparing = Lifecycle::default();
    run(&mut preparing, &[Event::StartAsked]);
    assert_eq!(run(&mut preparing, &[Event::StopAsked(StopMode::Wait)]), [Effect::Abandon, Effect::CleanUp]);
    assert_eq!(*preparing.phase(), Phase::Stopped);
    // the launch was too far gone to be given up
    assert_eq!(run(&mut preparing, &[Event::Launched]), [Effect::Abandon, Effect::Quit]);
    assert_eq!(*preparing.phase(), Phase::Stopping);

    let mut booting = Lifecycle::default();
    run(&mut booting, &[Event::StartAsked, Event::Launched]);
    assert_eq!(run(&mut booting, &[Event::StopAsked(StopMode::Wait)]), [Effect::Abandon, Effect::Quit]);
    assert_eq!(run(&mut booting, &[crashed()]), [Effect::CleanUp]);
    assert_eq!(*booting.phase(), Phase::Stopped);
}

#[test]
fn a_crash_of_a_ready_builder_is_said_and_start_works_again() {
    let mut l = ready();
    assert_eq!(run(&mut l, &[crashed()]), [Effect::Abandon, Effect::CleanUp]);
    assert_eq!(*l.phase(), Phase::Failed { problem: problem(Code::VmCrashed) });
    assert_eq!(run(&mut l, &[Event::StartAsked]), [Effect::Start]);
}

#[test]
fn a_crash_while_booting_is_retried_twice() {
    let mut l = Lifecycle::default();
    run(&mut l, &[Event::StartAsked]);
    for _ in 0..2 {
        assert_eq!(
            run(&mut l, &[Event::Launched, crashed()]),
            [Effect::Abandon, Effect::CleanUp, Effect::Start]
        );
    }
    assert_eq!(run(&mut l, &[Event::Launched, crashed()]), [Effect::Abandon, Effect::CleanUp]);
    let Phase::Failed { problem } = l.phase() else { panic!("{:?}", l.phase()) };
    assert_eq!(problem.code, Code::TooManyRestarts);
    assert!(problem.message.contains("it broke"));
    // the user's word starts a new count
    assert_eq!(run(&mut l, &[Event::StartAsked]), [Effect::Start]);
}

#[test]
fn crashes_far_apart_are_no_endless_loop() {
    let mut l = Lifecycle::default();
    l.handle(Event::StartAsked, 0).unwrap();
    for n in 1..10 {
        l.handle(Event::Launched, n * WINDOW_MS).unwrap();
        l.handle(crashed(), n * WINDOW_MS).unwrap();
        assert!(l.phase().is_up());
    }
}

#[test]
fn what_can_not_go_well_is_not_retried() {
    for code in [Code::NoImage, Code::MissingTool, Code::DiskFull, Code::PortTaken, Code::BadDisk] {
        let mut l = Lifecycle::default();
        run(&mut l, &[Event::StartAsked]);
        run(&mut l, &[Event::StartFailed(problem(code))]);
        assert_eq!(*l.phase(), Phase::Failed { problem: problem(code) });
    }
}

#[test]
fn a_guest_with_the_wrong_key_is_ended() {
    let mut l = Lifecycle::default();
    run(&mut l, &[Event::StartAsked, Event::Launched]);
    let effects = run(&mut l, &[Event::StartFailed(problem(Code::HostKeyMismatch))]);
    assert_eq!(effects, [Effect::Abandon, Effect::Quit]);
    // its end does not hide the cause
    assert_eq!(run(&mut l, &[crashed()]), [Effect::CleanUp]);
    assert_eq!(*l.phase(), Phase::Failed { problem: problem(Code::HostKeyMismatch) });
}

#[test]
fn a_guest_that_does_not_answer_is_looked_for_again() {
    let mut l = ready();
    assert_eq!(run(&mut l, &[Event::Lost]), [Effect::Climb]);
    let gone = Event::StartFailed(problem(Code::GuestUnreachable));
    assert_eq!(run(&mut l, &[gone]), []);
    assert!(matches!(l.phase(), Phase::Failed { .. }));
    assert_eq!(run(&mut l.clone(), &[Event::StartAsked]), [Effect::Climb]);
    assert_eq!(run(&mut l, &[Event::StopAsked(StopMode::Wait)]), [Effect::PowerOff]);
}

#[test]
fn a_ready_machine_that_dies_has_failed_whichever_is_noticed_first() {
    for before in [&[][..], &[Event::Lost]] {
        let mut l = ready();
        run(&mut l, before);
        assert_eq!(run(&mut l, &[crashed()]), [Effect::Abandon, Effect::CleanUp], "after {before:?}");
        assert_eq!(*l.phase(), Phase::Failed { problem: problem(Code::VmCrashed) });
        // the next one is young again
        run(&mut l, &[Event::StartAsked, Event::Launched]);
        assert_eq!(run(&mut l, &[crashed()]), [Effect::Abandon, Effect::CleanUp, Effect::Start]);
    }
}

#[test]
fn an_adopted_machine_is_climbed() {
    let mut l = Lifecycle::default();
    assert_eq!(run(&mut l, &[Event::Adopted]), [Effect::Climb]);
    run(&mut l, &[Event::Ready]);
    assert_eq!(*l.phase(), Phase::Ready);
}

fn any_event() -> impl Strategy<Value = Event> {
    let mode = prop_oneof![Just(StopMode::Wait), Just(StopMode::Now)];
    prop_oneof![
        Just(Event::StartAsked),
        mode.clone().prop_map(Event::StopAsked),
        mode.prop_map(Event::RestartAsked),
        Just(Event::Launched),
        prop::sample::select(Rung::ALL.to_vec()).prop_map(Event::Climbed),
        Just(Event::Ready),
        Just(Event::StartFailed(problem(Code::VmFailed))),
        Just(Event::StartFailed(problem(Code::DiskFull))),
        Just(crashed()),
        Just(Event::Stuck(problem(Code::VmFailed))),
        (0usize..3).prop_map(Event::Builds),
        Just(Event::Lost),
    ]
}

proptest! {
    /// Whatever happens, a stop and the end of the machine lead to `Stopped`, and a start from there works.
    #[test]
    fn there_is_always_a_way_back(events in prop::collection::vec(any_event(), 0..40)) {
        let mut l = Lifecycle::default();
        for (n, e) in events.into_iter().enumerate() {
            let _ = l.handle(e, n as u64);
        }
        let _ = l.handle(Event::StopAsked(StopMode::Now), 100);
        if *l.phase() != Phase::Stopped {
            prop_assert_eq!(l.phase(), &Phase::Stopping);
            let _ = l.handle(crashed(), 100);
        }
        prop_assert_eq!(l.phase(), &Phase::Stopped);
        prop_assert_eq!(l.handle(Event::StartAsked, 100), Ok(vec![Effect::Start]));
    }
}
