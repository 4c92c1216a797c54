use super::super::sample::{builder, failed, phases, snapshot};
use super::*;
use igloo_protocol::{
    Accel, Build, BuildSource, BuildState, Code, DiskUse, GuestInfo, PrepareStep, Problem, Rung, Usage,
};

/// The menu as a person reads it: greyed lines in brackets.
fn read(model: &MenuModel) -> Vec<String> {
    let text = |e: &Entry| if e.click.is_some() { e.text.clone() } else { format!("[{}]", e.text) };
    model.entries.iter().map(text).collect()
}

/// The lines of one builder in this phase.
fn lines(phase: Phase) -> Vec<String> {
    let mut lines = read(&menu(Some(&snapshot([builder(BuilderId::Aarch64, phase)]))));
    assert_eq!(lines.split_off(lines.len() - 2), ["[]", "Quit Igloo"]);
    lines
}

fn click(phase: Phase) -> Option<Click> {
    toggle(BuilderId::X86_64, &phase).click
}

#[test]
fn without_an_engine_it_says_so_and_quits() {
    let model = menu(None);
    assert_eq!(read(&model), ["[No engine runs]", "[]", "Quit Igloo"]);
    assert_eq!(model.tooltip, "Igloo\nNo engine runs");
    assert_eq!(model.entries[2].click, Some(Click::Quit));
}

#[test]
fn every_phase_has_its_lines() {
    let step = PrepareStep::Disk;
    let rung = Some(Rung::Banner);
    assert_eq!(lines(Phase::Stopped), ["[aarch64-linux: Stopped]", "Start"]);
    assert_eq!(
        lines(Phase::Preparing { step }),
        ["[aarch64-linux: Starting · preparing the disk]", "Cancel Start"]
    );
    assert_eq!(lines(Phase::Booting { rung: None }), ["[aarch64-linux: Starting]", "Cancel Start"]);
    assert_eq!(lines(Phase::Booting { rung }), ["[aarch64-linux: Starting · SSH answers]", "Cancel Start"]);
    assert_eq!(lines(Phase::Ready), ["[aarch64-linux: Ready]", "Stop"]);
    assert_eq!(lines(Phase::Draining { builds: 1 }), ["[aarch64-linux: Stopping after 1 build]", "Stop Now"]);
    assert_eq!(lines(Phase::Stopping), ["[aarch64-linux: Stopping]", "[Stop]"]);
    assert_eq!(lines(failed("it fell")), ["[aarch64-linux: Failed]", "[it fell]", "Start"]);
}

#[test]
fn a_click_asks_for_what_its_text_says() {
    let builder = BuilderId::X86_64;
    let stop = |mode| Some(Click::Command(Command::Stop { builder, mode }));
    let start = Some(Click::Command(Command::Start { builder }));
    assert_eq!(click(Phase::Stopped), start);
    assert_eq!(click(failed("it fell")), start);
    assert_eq!(click(Phase::Booting { rung: None }), stop(StopMode::Now));
    assert_eq!(click(Phase::Ready), stop(StopMode::Wait));
    assert_eq!(click(Phase::Draining { builds: 2 }), stop(StopMode::Now));
    assert_eq!(click(Phase::Stopping), None);
}

#[test]
fn a_ready_builder_tells_what_is_known_of_it() {
    let mut b = builder(BuilderId::X86_64, Phase::Ready);
    assert_eq!(state(&b), "Ready");
    b.builds = Some(vec![]);
    assert_eq!(state(&b), "Ready · no builds");
    let build = Build {
        derivation: None,
        state: BuildState::Running,
        elapsed_s: None,
        cpu_s: None,
        source: BuildSource::GuestProcesses,
    };
    b.builds = Some(vec![build.clone(), build]);
    let usage = Usage {
        cpu: 0.5,
        memory_used: 4_400_000_000,
        memory_total: 8 << 30,
        disk: DiskUse { used: 1, total: 2 },
    };
    b.running = Some(GuestInfo {
        pid: 1,
        accel: Accel::Tcg,
        ephemeral: false,
        cores: 1,
        memory_mib: 8192,
        started_ms: 0,
        climbed: vec![],
        user: "builder".into(),
        host_key: String::new(),
        nix_version: None,
        features: Vec::new(),
        usage: Some(usage),
    });
    assert_eq!(state(&b), "Ready · 2 builds · 4.1 GiB");
}

#[test]
fn only_builders_that_matter_are_shown() {
    let mut off = builder(BuilderId::X86_64, Phase::Stopped);
    off.enabled = false;
    assert_eq!(read(&menu(Some(&snapshot([off.clone()])))), ["[No builder is enabled]", "[]", "Quit Igloo"]);
    let on = builder(BuilderId::Aarch64, Phase::Stopped);
    assert_eq!(menu(Some(&snapshot([on.clone(), off.clone()]))).entries.len(), 4);
    // disabled, yet running: it must be possible to stop it
    off.phase = Phase::Ready;
    let both = menu(Some(&snapshot([on, off])));
    assert_eq!(
        read(&both),
        ["[aarch64-linux: Stopped]", "Start", "[x86_64-linux: Ready]", "Stop", "[]", "Quit Igloo"]
    );
    assert_eq!(both.tooltip, "Igloo\naarch64-linux: Stopped\nx86_64-linux: Ready");
}

#[test]
fn a_warning_is_told_and_a_long_message_cut() {
    let mut b = builder(BuilderId::Aarch64, Phase::Ready);
    b.warning = Some(Problem::new(Code::DiskFull, "the disk is nearly full", "make room"));
    assert_eq!(
        read(&menu(Some(&snapshot([b]))))[..3],
        ["[aarch64-linux: Ready]", "[the disk is nearly full]", "Stop"]
    );
    assert_eq!(shorten(&"é".repeat(60)), "é".repeat(60));
    assert_eq!(shorten(&"é".repeat(61)), format!("{}…", "é".repeat(60)));
}

#[test]
fn ids_are_unique_in_every_menu() {
    for a in phases() {
        for b in phases() {
            let model = menu(Some(&snapshot([
                builder(BuilderId::Aarch64, a.clone()),
                builder(BuilderId::X86_64, b),
            ])));
            let keys: std::collections::HashSet<_> = model.entries.iter().map(|e| e.id.key()).collect();
            assert_eq!(keys.len(), model.entries.len(), "{model:?}");
        }
    }
}
