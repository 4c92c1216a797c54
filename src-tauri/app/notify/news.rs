//! What is news between two snapshots.

use crate::cli::format::bytes;
use igloo_protocol::{BuilderId, BuilderView, Code, DiskUse, Phase, Problem, Snapshot};

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
    /// A builder failed.
    BuilderFailed,
    /// A builder's disk is nearly full.
    DiskNearlyFull,
}

impl Kind {
    /// Whether each time is news, however soon after the last.
    pub fn may_repeat(self) -> bool {
        self == Kind::BuilderFailed
    }
}

/// What the user wants to hear of. (A build that failed is not among it: no source tells of one yet.)
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Switches {
    /// `notify.builder_failed`
    pub builder_failed: bool,
    /// `notify.disk_nearly_full`
    pub disk_nearly_full: bool,
}

impl Switches {
    /// All of it.
    pub const ALL: Switches = Switches { builder_failed: true, disk_nearly_full: true };
}

/// What is news in `after`. What the user did himself is none.
pub fn news(before: &Snapshot, after: &Snapshot, switches: Switches) -> Vec<Notice> {
    let changed = after.builders.iter().filter_map(|now| Some((before.builder(now.id)?, now)));
    changed
        .flat_map(|(was, now)| {
            let failed = switches.builder_failed.then(|| failure(was, now)).flatten();
            let full = switches.disk_nearly_full.then(|| full_disk(was, now)).flatten();
            failed.into_iter().chain(full)
        })
        .collect()
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
    let sentence = |text: &str| {
        let mut chars = text.chars();
        let first = chars.next().into_iter().flat_map(char::to_uppercase);
        first.chain(chars).chain(['.']).collect::<String>()
    };
    format!("{} {}", sentence(&problem.message), sentence(&problem.remedy))
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
