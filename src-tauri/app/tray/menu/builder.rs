//! The lines of one builder.

use super::{Click, Entry, Id, Kind, answers, count, shorten};
use igloo_protocol::{BuilderId, BuilderView, Command, Phase, SettingsPatch, StopMode};

/// A builder's lines: always the same ones, whatever its phase.
pub fn entries(b: &BuilderView) -> Vec<Entry> {
    let group = [
        Entry::words(Id::Header(b.id), headline(b)),
        toggle(b),
        Entry::line(Id::StopNow(b.id), "Stop Now", stop_now(b)),
        ephemeral(b),
        Entry::line(Id::Terminal(b.id), "Open Terminal", answers(b).then_some(Click::Terminal(b.id))),
    ];
    group.into()
}

/// `x86_64-linux: Ready · 2 builds`
pub fn headline(b: &BuilderView) -> String {
    let problem = match &b.phase {
        Phase::Failed { problem } => Some(problem),
        _ => b.warning.as_ref(),
    };
    let cause = problem.map_or(String::new(), |p| format!(" · {}", shorten(&p.message)));
    format!("{}: {}{cause}", b.id.system(), state(b))
}

/// What a builder is doing.
pub(super) fn state(b: &BuilderView) -> String {
    match &b.phase {
        Phase::Stopped => "Stopped".into(),
        Phase::Preparing { step } => format!("Starting · {}", step.describe()),
        Phase::Booting { rung: None } => "Starting".into(),
        Phase::Booting { rung: Some(rung) } => format!("Starting · {rung}"),
        Phase::Ready => ready(b),
        Phase::Draining { builds } => format!("Stopping after {}", count(*builds)),
        Phase::Stopping => "Stopping".into(),
        Phase::Failed { .. } => "Failed".into(),
    }
}

/// `Ready · 2 builds · 4.1 GiB`, without what is not known.
fn ready(b: &BuilderView) -> String {
    let builds = b.builds.as_ref().map(|builds| count(builds.len()));
    let usage = b.running.as_ref().and_then(|guest| guest.usage.as_ref());
    let memory = usage.map(|u| format!("{:.1} GiB", u.memory_used as f64 / f64::from(1 << 30)));
    [Some("Ready".to_owned()), builds, memory].into_iter().flatten().collect::<Vec<_>>().join(" · ")
}

fn toggle(b: &BuilderView) -> Entry {
    let start = Some(Command::Start { builder: b.id });
    let (text, command) = match &b.phase {
        Phase::Stopped | Phase::Failed { .. } => ("Start", start),
        Phase::Preparing { .. } | Phase::Booting { .. } => ("Cancel Start", stop(b.id, StopMode::Now)),
        Phase::Ready if idle(b) => ("Stop", stop(b.id, StopMode::Wait)),
        Phase::Ready => ("Stop When Builds End", stop(b.id, StopMode::Wait)),
        // a start takes the stop back
        Phase::Draining { .. } => ("Keep Running", start),
        Phase::Stopping => ("Stop", None),
    };
    Entry::line(Id::Toggle(b.id), text, command.map(Click::Command))
}

/// Only where it differs from the stop above it.
fn stop_now(b: &BuilderView) -> Option<Click> {
    let differs = matches!(b.phase, Phase::Draining { .. }) || (b.phase == Phase::Ready && !idle(b));
    differs.then(|| stop(b.id, StopMode::Now).map(Click::Command)).flatten()
}

/// Whether it is known that nothing is built. Where it is not known, something may be.
fn idle(b: &BuilderView) -> bool {
    b.builds.as_ref().is_some_and(Vec::is_empty)
}

fn stop(builder: BuilderId, mode: StopMode) -> Option<Command> {
    Some(Command::Stop { builder, mode })
}

fn ephemeral(b: &BuilderView) -> Entry {
    let later = b.running.as_ref().is_some_and(|guest| guest.ephemeral != b.ephemeral);
    let value = Some((!b.ephemeral).to_string());
    let patch = SettingsPatch { set: vec![(format!("builders.{}.ephemeral", b.id), value)] };
    Entry {
        id: Id::Ephemeral(b.id),
        text: if later { "Ephemeral · From the Next Start" } else { "Ephemeral" }.into(),
        kind: Kind::Check(b.ephemeral),
        click: Some(Click::Command(Command::Settings { patch })),
    }
}
