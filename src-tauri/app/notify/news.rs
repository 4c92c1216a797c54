//! What is news between two snapshots.

use crate::cli::format::{bytes, capital};
use igloo_protocol::{
    BuildEnd, BuilderId, BuilderView, Code, DiskUse, FinishedBuild, Phase, Problem, Snapshot,
};

/// The share of a disk from which it is nearly full.
const NEARLY_FULL: f64 = 0.9;

/// What there is to tell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notice {
    /// Of which builder.
    pub builder: BuilderId,
    /// What happened.
    pub kind: Kind,
    /// It in a few words.
    pub title: String,
    /// The cause, and what to do.
    pub body: String,
}

/// What can be told of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// A build ended without its outputs.
    BuildFailed,
    /// A builder failed.
    BuilderFailed,
    /// A builder's disk is nearly full.
    DiskNearlyFull,
}

impl Kind {
    /// Whether each time is news, however soon after the last.
    pub fn may_repeat(self) -> bool {
        self != Kind::DiskNearlyFull
    }
}

/// What the user wants to hear of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Switches {
    /// `notify.build_failed`
    pub build_failed: bool,
    /// `notify.builder_failed`
    pub builder_failed: bool,
    /// `notify.disk_nearly_full`
    pub disk_nearly_full: bool,
}

impl Switches {
    /// All of it.
    pub const ALL: Switches = Switches { build_failed: true, builder_failed: true, disk_nearly_full: true };
}

/// What is news in `after`. What the user did himself is none.
pub fn news(before: &Snapshot, after: &Snapshot, switches: Switches) -> Vec<Notice> {
    let changed = after.builders.iter().filter_map(|now| Some((before.builder(now.id)?, now)));
    changed
        .flat_map(|(was, now)| {
            let builds = switches.build_failed.then(|| failed_builds(was, now)).flatten();
            let failed = switches.builder_failed.then(|| failure(was, now)).flatten();
            let full = switches.disk_nearly_full.then(|| full_disk(was, now)).flatten();
            builds.into_iter().chain(failed).chain(full)
        })
        .collect()
}

/// The builds that were not built since: one notice, however many they are. What the builder took along when it
/// ended is told as its end.
fn failed_builds(was: &BuilderView, now: &BuilderView) -> Option<Notice> {
    let new = now.finished.iter().filter(|build| !was.finished.contains(build));
    let failed: Vec<&FinishedBuild> = new.filter(|build| build.end == BuildEnd::NotBuilt).collect();
    let (first, others) = failed.split_first()?;
    let name = first.name().unwrap_or("A build");
    let title = match others.len() {
        0 => format!("{name} was not built"),
        1 => format!("{name} and another build were not built"),
        n => format!("{name} and {n} other builds were not built"),
    };
    let system = now.id.system();
    let it = if others.is_empty() { "It" } else { "They" };
    let log = first.derivation.as_deref().filter(|drv| drv.ends_with(".drv"));
    let log = log.map(|drv| format!(" What it printed: nix log {drv}")).unwrap_or_default();
    Some(Notice {
        builder: now.id,
        kind: Kind::BuildFailed,
        title,
        body: format!("{it} failed on the builder for {system}, or gave way to an interrupt.{log}"),
    })
}

fn failure(was: &BuilderView, now: &BuilderView) -> Option<Notice> {
    let Phase::Failed { problem } = &now.phase else { return None };
    // whoever stopped it, or takes no builds on it any more, knows
    let asked_for =
        matches!(was.phase, Phase::Failed { .. } | Phase::Stopping) || problem.code == Code::Cancelled;
    (!asked_for).then(|| Notice {
        builder: now.id,
        kind: Kind::BuilderFailed,
        title: format!("The builder for {} failed", now.id.system()),
        body: sentences(problem),
    })
}

fn full_disk(was: &BuilderView, now: &BuilderView) -> Option<Notice> {
    let disk = disk(now).filter(|disk| nearly_full(*disk))?;
    (!self::disk(was).is_some_and(nearly_full)).then(|| Notice {
        builder: now.id,
        kind: Kind::DiskNearlyFull,
        title: format!("The disk of the builder for {} is nearly full", now.id.system()),
        body: format!(
            "{} of {} are in use. Builds fail once it is full: give it a larger disk, or reset it.",
            bytes(disk.used),
            bytes(disk.total)
        ),
    })
}

fn disk(view: &BuilderView) -> Option<DiskUse> {
    Some(view.running.as_ref()?.usage.as_ref()?.disk)
}

fn nearly_full(disk: DiskUse) -> bool {
    disk.total > 0 && disk.used as f64 >= disk.total as f64 * NEARLY_FULL
}

/// A problem's cause and remedy, as whole sentences.
fn sentences(problem: &Problem) -> String {
    format!("{}. {}.", capital(&problem.message), capital(&problem.remedy))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::tests::{ready, snapshot};
    use igloo_protocol::PrepareStep;

    fn with(change: impl FnOnce(&mut BuilderView)) -> Snapshot {
        let mut snapshot = snapshot();
        ready(&mut snapshot.builders[1]);
        change(&mut snapshot.builders[1]);
        snapshot
    }

    fn failed(code: Code) -> Phase {
        Phase::Failed { problem: Problem::new(code, "the virtual machine ended", "start it again") }
    }

    fn disk(used: u64) -> Snapshot {
        with(|b| b.running.as_mut().unwrap().usage.as_mut().unwrap().disk.used = used << 30)
    }

    fn ended(name: &str, end: BuildEnd) -> FinishedBuild {
        let derivation = Some(format!("/nix/store/0c0w2x3m3m1yhzjqmm9jq5s8c5k3w1f4-{name}.drv"));
        FinishedBuild { derivation, end, elapsed_s: Some(4.0), ended_ms: 7 }
    }

    #[test]
    fn a_build_that_was_not_built_is_told_with_where_its_log_is() {
        let before = with(|b| b.finished = vec![ended("old-1.0", BuildEnd::NotBuilt)]);
        let after = |new: &[FinishedBuild]| {
            with(|b| b.finished = new.iter().cloned().chain([ended("old-1.0", BuildEnd::NotBuilt)]).collect())
        };
        let told = news(&before, &after(&[ended("hello-2.12.1", BuildEnd::NotBuilt)]), Switches::ALL);
        let expected = Notice {
            builder: BuilderId::X86_64,
            kind: Kind::BuildFailed,
            title: "hello-2.12.1 was not built".into(),
            body: "It failed on the builder for x86_64-linux, or gave way to an interrupt. What it printed: \
                   nix log /nix/store/0c0w2x3m3m1yhzjqmm9jq5s8c5k3w1f4-hello-2.12.1.drv"
                .into(),
        };
        assert_eq!(told, [expected]);
        let titles = |new: &[FinishedBuild], switches| {
            let told = news(&before, &after(new), switches);
            told.into_iter().map(|notice| notice.title).collect::<Vec<_>>()
        };
        let failed = |name| ended(name, BuildEnd::NotBuilt);
        assert_eq!(
            titles(&[failed("a"), failed("b")], Switches::ALL),
            ["a and another build were not built"]
        );
        let three = [failed("a"), failed("b"), failed("c")];
        assert_eq!(titles(&three, Switches::ALL), ["a and 2 other builds were not built"]);
        assert_eq!(titles(&three, Switches { build_failed: false, ..Switches::ALL }), Vec::<String>::new());
        assert_eq!(titles(&[], Switches::ALL), Vec::<String>::new(), "an old one is no news");
        for end in [BuildEnd::Built, BuildEnd::Unknown, BuildEnd::BuilderEnded] {
            assert_eq!(titles(&[ended("a", end)], Switches::ALL), Vec::<String>::new(), "{end:?}");
        }
    }

    #[test]
    fn a_builder_that_failed_is_told_with_cause_and_remedy() {
        for phase in
            [Phase::Ready, Phase::Preparing { step: PrepareStep::Disk }, Phase::Draining { builds: 1 }]
        {
            let after = with(|b| b.phase = failed(Code::VmCrashed));
            let told = news(&with(|b| b.phase = phase.clone()), &after, Switches::ALL);
            let expected = Notice {
                builder: BuilderId::X86_64,
                kind: Kind::BuilderFailed,
                title: "The builder for x86_64-linux failed".into(),
                body: "The virtual machine ended. Start it again.".into(),
            };
            assert_eq!(told, [expected], "{phase:?}");
            let off = Switches { builder_failed: false, ..Switches::ALL };
            assert_eq!(news(&with(|_| ()), &after, off), []);
        }
    }

    #[test]
    fn what_the_user_did_is_no_news() {
        let after = with(|b| b.phase = failed(Code::VmCrashed));
        let stopping = with(|b| b.phase = Phase::Stopping);
        assert_eq!(news(&stopping, &after, Switches::ALL), []);
        assert_eq!(news(&with(|_| ()), &with(|b| b.phase = failed(Code::Cancelled)), Switches::ALL), []);
        let stopped = with(|b| (b.phase, b.running) = (Phase::Stopped, None));
        assert_eq!(news(&with(|_| ()), &stopped, Switches::ALL), []);
        // what was told is told once
        assert_eq!(news(&after, &after, Switches::ALL), []);
    }

    #[test]
    fn a_disk_is_told_of_when_it_passes_its_mark() {
        let told = news(&disk(35), &disk(36), Switches::ALL);
        assert_eq!(told.len(), 1);
        assert_eq!(told[0].kind, Kind::DiskNearlyFull);
        assert!(told[0].body.starts_with("36.0 GiB of 40.0 GiB are in use."), "{}", told[0].body);
        for (was, now) in [(disk(36), disk(39)), (disk(39), disk(20)), (disk(1), disk(35))] {
            assert_eq!(news(&was, &now, Switches::ALL), []);
        }
        // one that starts so full is told of once more
        assert_eq!(news(&with(|b| b.running = None), &disk(37), Switches::ALL).len(), 1);
        assert_eq!(news(&disk(35), &disk(36), Switches { disk_nearly_full: false, ..Switches::ALL }), []);
    }

    #[test]
    fn a_builder_that_nothing_was_known_of_has_no_news() {
        let mut before = with(|_| ());
        before.builders.clear();
        assert_eq!(news(&before, &disk(39), Switches::ALL), []);
    }
}
