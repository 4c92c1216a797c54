//! The builds that ended, as a builder's view keeps them.

use crate::guest::Observation;
use igloo_protocol::{BuildEnd, BuildState, BuilderView, FinishedBuild};
use tracing::info;

/// Puts builds that ended before those that are known.
pub(super) fn remember(view: &mut BuilderView, ended: &[FinishedBuild]) {
    for build in ended {
        info!(builder = %view.id, name = build.name(), end = ?build.end, "a build ended");
        view.finished.insert(0, build.clone());
    }
    view.finished.truncate(FinishedBuild::MOST);
}

/// The builds that the last look showed, ended by the end of their machine.
pub(super) fn cut_off(look: &Observation, ended_ms: u64) -> Vec<FinishedBuild> {
    let running = look.builds.iter().flatten().filter(|b| b.state == BuildState::Running);
    running
        .map(|b| FinishedBuild {
            derivation: b.derivation.clone(),
            end: BuildEnd::BuilderEnded,
            elapsed_s: b.elapsed_s,
            ended_ms,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use igloo_protocol::{Build, BuildSource, BuilderId};

    fn ended(name: &str) -> FinishedBuild {
        FinishedBuild {
            derivation: Some(name.into()),
            end: BuildEnd::Built,
            elapsed_s: Some(1.0),
            ended_ms: 9,
        }
    }

    #[test]
    fn the_newest_come_first_and_the_oldest_go() {
        let mut view = BuilderView::new(BuilderId::Aarch64);
        remember(&mut view, &[ended("a"), ended("b")]);
        remember(&mut view, &[ended("c")]);
        let names: Vec<_> = view.finished.iter().filter_map(FinishedBuild::name).collect();
        assert_eq!(names, ["c", "b", "a"]);
        remember(&mut view, &vec![ended("d"); FinishedBuild::MOST - 1]);
        assert_eq!(view.finished.len(), FinishedBuild::MOST);
        assert_eq!(view.finished.last().and_then(FinishedBuild::name), Some("c"));
    }

    #[test]
    fn what_ran_when_the_machine_ended_did_not_finish() {
        let build = |state| Build {
            derivation: Some("hello".into()),
            state,
            elapsed_s: Some(3.0),
            cpu_s: None,
            source: BuildSource::GuestProcesses,
        };
        let builds = Some(vec![build(BuildState::Running), build(BuildState::Session)]);
        let cut = cut_off(&Observation { builds, ..Observation::default() }, 5);
        let expected = FinishedBuild {
            end: BuildEnd::BuilderEnded,
            elapsed_s: Some(3.0),
            ended_ms: 5,
            ..ended("hello")
        };
        assert_eq!(cut, [expected]);
        assert_eq!(cut_off(&Observation::default(), 5), []);
    }
}
