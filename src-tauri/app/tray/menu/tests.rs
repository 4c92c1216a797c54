use super::super::{
    sample::{build, builder, failed, guest, phases, seen},
    seen::Seen,
};
use super::*;
use igloo_protocol::{
    BuildState, BuilderId, Code, Command, Drift, PrepareStep, Problem, Rung, ServiceKind, ServiceState,
    ServiceView, SettingsPatch, StopMode, plan::ServiceAction,
};
use std::{collections::HashSet, fmt::Write};

const A: BuilderId = BuilderId::Aarch64;
const X: BuilderId = BuilderId::X86_64;

/// The menu as a person reads it: greyed lines in brackets, checked ones with a mark, what is in a submenu
/// indented.
fn read(model: &MenuModel) -> String {
    let picture = format!("{:?}{}", model.silhouette, if model.badge { " with a badge" } else { "" });
    let mut text = format!("({picture}) {}\n{}\n", model.title, model.tooltip.escape_debug());
    lines(&model.entries, "  ", &mut text);
    text
}

fn lines(entries: &[Entry], indent: &str, text: &mut String) {
    for e in entries {
        let (mark, within) = match &e.kind {
            Kind::Rule => ("──", &[][..]),
            Kind::Check(true) => ("✓ ", &[][..]),
            Kind::Check(false) => ("▢ ", &[][..]),
            Kind::Submenu(within) => ("▸ ", &within[..]),
            Kind::Line => ("", &[][..]),
        };
        let grey = !e.enabled() && e.kind != Kind::Rule;
        let said = if grey { format!("[{}]", e.text) } else { e.text.clone() };
        writeln!(text, "{indent}{mark}{said}").unwrap();
        lines(within, &format!("{indent}  "), text);
    }
}

fn one(b: &BuilderView) -> MenuModel {
    menu(&seen([b.clone()]), "igloo")
}

fn with_builds(phase: Phase) -> BuilderView {
    let mut b = builder(X, phase);
    let mut waiting = build("/nix/store/0c0w2x3m3m1yhzjqmm9jq5s8c5k3w1f4-linux-6.12.9.drv");
    waiting.state = BuildState::Session;
    b.builds = Some(vec![waiting, build("hello-2.12.1")]);
    b.running = Some(guest());
    b
}

#[test]
fn every_phase_has_its_menu() {
    let more = [
        Phase::Preparing { step: PrepareStep::Disk },
        Phase::Booting { rung: Some(Rung::Banner) },
        Phase::Draining { builds: 1 },
    ];
    let all: Vec<String> = phases().into_iter().chain(more).map(|p| read(&one(&builder(A, p)))).collect();
    insta::assert_snapshot!(all.join("\n"));
}

#[test]
fn two_builders_in_every_combination_of_phases() {
    let mut text = String::new();
    for a in phases() {
        for b in phases() {
            let model = menu(&seen([builder(A, a.clone()), builder(X, b)]), "igloo");
            // the rest of the menu is that of one builder
            let groups = model.entries.iter().take_while(|e| e.id != Id::Rule(2)).cloned().collect();
            text += &read(&MenuModel { entries: groups, ..model });
        }
    }
    insta::assert_snapshot!(text);
}

#[test]
fn builds_are_listed_and_offer_both_stops() {
    let mut other = builder(A, Phase::Ready);
    other.builds = Some(vec![]);
    let both = menu(&seen([other, with_builds(Phase::Ready)]), "'/opt/my igloo/igloo'");
    let draining = one(&with_builds(Phase::Draining { builds: 2 }));
    insta::assert_snapshot!(format!("{}\n{}", read(&both), read(&draining)));
}

#[test]
fn without_a_builder_to_show_it_says_why() {
    let cant = Problem::new(Code::BadSettings, "settings.toml is not valid: line 3", "mend it");
    let broken = Seen { trouble: Some(cant), ..Seen::default() };
    let mut off = builder(X, Phase::Stopped);
    off.enabled = false;
    let menus = [menu(&Seen::default(), "igloo"), menu(&broken, "igloo"), one(&off)];
    insta::assert_snapshot!(menus.map(|m| read(&m)).join("\n"));
}

#[test]
fn one_that_is_disabled_while_it_runs_can_be_stopped() {
    let mut off = builder(X, Phase::Ready);
    off.enabled = false;
    assert!(one(&off).find("toggle.x86_64").unwrap().click.is_some());
}

fn click(phase: Phase, key: &str) -> Option<Click> {
    one(&builder(X, phase)).find(key).unwrap().click.clone()
}

#[test]
fn a_click_asks_for_what_its_text_says() {
    let stop = |mode| Some(Click::Command(Command::Stop { builder: X, mode }));
    let start = Some(Click::Command(Command::Start { builder: X }));
    for (phase, expected) in [
        (Phase::Stopped, start.clone()),
        (failed("it fell"), start.clone()),
        (Phase::Booting { rung: None }, stop(StopMode::Now)),
        (Phase::Ready, stop(StopMode::Wait)),
        (Phase::Draining { builds: 2 }, start),
        (Phase::Stopping, None),
    ] {
        assert_eq!(click(phase.clone(), "toggle.x86_64"), expected, "{phase:?}");
    }
    // not known: something may be built
    assert_eq!(click(Phase::Ready, "stop-now.x86_64"), stop(StopMode::Now));
    let mut idle = builder(X, Phase::Ready);
    idle.builds = Some(vec![]);
    assert_eq!(one(&idle).find("stop-now.x86_64").unwrap().click, None);
    assert_eq!(click(Phase::Ready, "terminal.x86_64"), Some(Click::Terminal(X)));
    assert_eq!(click(Phase::Stopped, "terminal.x86_64"), None);
    assert_eq!(click(Phase::Stopped, "nix"), Some(Click::Open(Page::Nix)));
    assert_eq!(click(Phase::Stopped, "settings"), Some(Click::Open(Page::Settings)));
    assert_eq!(click(Phase::Stopped, "quit"), Some(Click::Quit));
}

#[test]
fn ephemeral_is_turned_to_what_it_is_not() {
    let mut b = builder(X, Phase::Ready);
    for on in [false, true] {
        b.ephemeral = on;
        let set = vec![("builders.x86_64.ephemeral".to_owned(), Some((!on).to_string()))];
        let patch = SettingsPatch { set };
        let entry = one(&b).find("ephemeral.x86_64").unwrap().clone();
        assert_eq!(
            (entry.kind, entry.click),
            (Kind::Check(on), Some(Click::Command(Command::Settings { patch })))
        );
    }
    b.running = Some(guest());
    assert_eq!(one(&b).find("ephemeral.x86_64").unwrap().text, "Ephemeral · From the Next Start");
}

#[test]
fn what_is_copied_works_when_pasted() {
    let copied = |key: &str| match one(&with_builds(Phase::Ready)).find(key).unwrap().click.clone() {
        Some(Click::Copy(text)) => text,
        other => panic!("{key}: {other:?}"),
    };
    let line = copied("copy.x86_64.machine");
    let columns: Vec<&str> = line.split(' ').collect();
    assert_eq!(
        columns[..7],
        [
            "ssh-ng://builder@linux-builder-x86_64",
            "x86_64-linux",
            "/etc/nix/igloo_builder_ed25519",
            "2",
            "1",
            "big-parallel",
            "-"
        ]
    );
    assert_eq!(columns.len(), 8);
    assert_eq!(copied("copy.x86_64.flags"), format!("--max-jobs 0 --builders '{line}'"));
    assert_eq!(copied("copy.x86_64.ssh"), "igloo ssh x86_64");
}

#[test]
fn the_way_to_nix_is_named_after_what_there_is_to_do() {
    let named = |setup: Setup| {
        let b = BuilderView { setup, ..builder(X, Phase::Ready) };
        one(&b).find("nix").unwrap().text.clone()
    };
    let files = vec![Drift { path: "/etc/nix/machines".into(), how: "is gone".into() }];
    assert_eq!(named(Setup::Unknown), "Set Up Nix…");
    assert_eq!(named(Setup::Absent), "Set Up Nix…");
    assert_eq!(named(Setup::Drifted { files }), "Repair Nix Settings…");
    assert_eq!(named(Setup::InPlace), "Nix Settings…");
}

#[test]
fn quit_says_what_stops_and_what_goes_on() {
    let quit = |seen: Seen| menu(&seen, "igloo").find("quit").unwrap().text.clone();
    let ready = || builder(A, Phase::Ready);
    assert_eq!(quit(seen([builder(X, Phase::Stopped)])), "Quit Igloo");
    assert_eq!(quit(seen([ready()])), "Quit Igloo · aarch64-linux keeps running");
    let both = quit(seen([ready(), builder(X, Phase::Booting { rung: None })]));
    assert_eq!(both, "Quit Igloo · aarch64-linux and x86_64-linux keep running");
    let building = quit(seen([with_builds(Phase::Ready)]));
    assert_eq!(building, "Quit Igloo · 2 builds stop, x86_64-linux keeps running");
    let theirs = Seen { hosted: false, ..seen([ready()]) };
    assert_eq!(quit(theirs), "Quit Igloo · igloo serve goes on");
}

#[test]
fn a_warning_is_told_and_a_long_message_cut() {
    let mut b = builder(A, Phase::Ready);
    b.warning = Some(Problem::new(Code::DiskFull, "the disk is nearly full", "make room"));
    assert_eq!(one(&b).entries[0].text, "aarch64-linux: Ready · the disk is nearly full");
    assert_eq!(shorten(&"é".repeat(60)), "é".repeat(60));
    assert_eq!(shorten(&"é".repeat(61)), format!("{}…", "é".repeat(60)));
}

#[test]
fn time_is_told_as_a_clock_does() {
    assert_eq!(
        [0.0, 59.9, 92.0, 7205.0, -3.0].map(builds::clock),
        ["0:00", "0:59", "1:32", "2:00:05", "0:00"]
    );
}

#[test]
fn ids_are_unique_in_every_menu() {
    fn keys(entries: &[Entry], all: &mut Vec<String>) {
        for e in entries {
            all.push(e.id.key());
            if let Kind::Submenu(within) = &e.kind {
                keys(within, all);
            }
        }
    }
    for a in phases() {
        for b in phases() {
            let model = menu(&seen([builder(A, a.clone()), with_builds(b)]), "igloo");
            let mut all = vec![];
            keys(&model.entries, &mut all);
            assert_eq!(all.iter().collect::<HashSet<_>>().len(), all.len(), "{all:?}");
        }
    }
}

#[test]
fn title_and_tooltip_begin_with_the_app() {
    for phase in phases() {
        let model = one(&builder(X, phase));
        assert!(model.tooltip.starts_with("Igloo\nx86_64-linux: "), "{}", model.tooltip);
        assert!(model.title.starts_with("Igloo, x86_64-linux: ") && !model.title.contains('\n'));
    }
}

fn with_services(services: Vec<ServiceView>) -> MenuModel {
    let mut snapshot = super::super::sample::snapshot([builder(A, Phase::Stopped)]);
    snapshot.services = services;
    menu(&Seen::of(snapshot.into(), super::super::sample::PID), "igloo")
}

fn service(kind: ServiceKind, state: ServiceState) -> ServiceView {
    ServiceView { state, ..ServiceView::new(kind) }
}

#[test]
fn other_programs_builders_have_a_line_each_and_nix_darwins_a_switch() {
    let problem = Some(Problem::new(Code::VmFailed, "it ended with exit code 134", "look"));
    let failing = ServiceView { problem, ..service(ServiceKind::LinuxBuilder, ServiceState::Failing) };
    let text = read(&with_services(vec![failing, service(ServiceKind::Virby, ServiceState::OnDemand)]));
    let expected = "
  ──
  [nix-darwin's linux-builder: Failing · it ended with exit code 134]
  Stop…
  [virby: On demand]
  ──
  ▸ Builds
";
    assert!(text.contains(expected), "{text}");
    assert!(!read(&with_services(vec![])).contains("darwin"));
}

#[test]
fn a_click_on_the_switch_is_what_it_says() {
    for (state, text, action) in [
        (ServiceState::Running, "Stop…", Some(ServiceAction::Stop)),
        (ServiceState::Failing, "Stop…", Some(ServiceAction::Stop)),
        (ServiceState::Stopped, "Start…", Some(ServiceAction::Start)),
        (ServiceState::Disabled, "Start…", Some(ServiceAction::Start)),
        (ServiceState::Unknown, "Start…", None),
    ] {
        let model = with_services(vec![service(ServiceKind::LinuxBuilder, state)]);
        let entry = model.find("service-toggle.org.nixos.linux-builder").unwrap();
        assert_eq!((entry.text.as_str(), &entry.click), (text, &action.map(Click::Service)), "{state:?}");
    }
}
