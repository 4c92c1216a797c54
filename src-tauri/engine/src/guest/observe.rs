//! What a guest uses and what it builds: one look a poll.

use super::{
    Guest,
    builds::{self, Kept, Running},
    lock,
    probe::{Counters, Look, SCRIPT},
};
use crate::clock::now_ms;
use igloo_protocol::{Build, DiskUse, FinishedBuild, Problem, Usage};
use std::time::Duration;

/// A guest whose processors are all busy may need many seconds; that is no sign of death.
const DEADLINE: Duration = Duration::from_secs(30);

/// What a guest uses and builds, at one moment. `None`: could not be told.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Observation {
    /// What it uses. The processors' share is that since the look before, or since the guest's start.
    pub usage: Option<Usage>,
    /// The builds whose process runs, then an entry without a derivation for each session that runs none: it
    /// copies, or waits.
    pub builds: Option<Vec<Build>>,
    /// The builds that ended since the look before.
    pub finished: Vec<FinishedBuild>,
    /// How many sessions are open: at least one a build that the other machine's Nix has here.
    pub sessions: Option<usize>,
    /// Seconds since the guest's kernel started.
    pub uptime_s: Option<f64>,
}

/// What is kept from look to look.
#[derive(Debug, Default)]
pub(super) struct Memory {
    cpu: Counters,
    builds: Kept,
}

impl Guest {
    /// Looks at the guest: one command, one more when a new build is there, and one when a build is over.
    ///
    /// # Errors
    /// Those of [`Guest::run`].
    pub async fn observe(&self) -> Result<Observation, Problem> {
        let printed = self.run(SCRIPT, None, DEADLINE).await?;
        let look = Look::parse(&printed.stdout);
        let before = {
            let mut memory = lock(&self.inner.memory);
            std::mem::replace(&mut memory.cpu, look.cpu.unwrap_or_default())
        };
        let mut seen =
            Observation { usage: usage(before, &look), uptime_s: look.uptime_s, ..Observation::default() };
        if let Some(found) = builds::find(&look) {
            seen.finished = self.take(&found.running, &look).await?;
            let memory = lock(&self.inner.memory);
            let running =
                found.running.iter().map(|b| b.show(look.uptime_s, memory.builds.derivation(&b.key)));
            let idle = (0..found.idle_sessions).map(|_| builds::idle_session());
            seen.builds = Some(running.chain(idle).collect());
            seen.sessions = Some(found.sessions);
        }
        Ok(seen)
    }

    /// Takes in the builds of a look, learns their derivations, and tells of those that ended.
    async fn take(&self, running: &[Running], look: &Look) -> Result<Vec<FinishedBuild>, Problem> {
        let (over, unknown) = {
            let kept = &mut lock(&self.inner.memory).builds;
            (kept.take(running, look), kept.unknown())
        };
        if let Some(command) = builds::logs_command(&unknown) {
            let logs = builds::parse_logs(&self.run(&command, None, DEADLINE).await?.stdout);
            lock(&self.inner.memory).builds.learn(&unknown, &logs);
        }
        let invalid = match builds::validity_command(&over) {
            Some(command) => Some(self.run(&command, None, DEADLINE).await?),
            None => None,
        };
        let invalid =
            invalid.filter(|o| o.status == Some(0)).map(|o| String::from_utf8_lossy(&o.stdout).into_owned());
        let now = now_ms();
        Ok(over.into_iter().map(|build| build.finish(invalid.as_deref(), now)).collect())
    }
}

/// What is used, given the counters of the look before (zeros: none).
fn usage(before: Counters, look: &Look) -> Option<Usage> {
    let now = look.cpu?;
    let (memory_total, available) = look.memory?;
    let (used, total) = look.disk?;
    // a guest that was started anew counts from zero
    let before = if now.total < before.total { Counters::default() } else { before };
    let (busy, all) = (now.busy.saturating_sub(before.busy), now.total - before.total);
    Some(Usage {
        cpu: if all == 0 { 0.0 } else { (busy as f64 / all as f64).min(1.0) },
        memory_used: memory_total.saturating_sub(available),
        memory_total,
        disk: DiskUse { used, total },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn look(busy: u64, total: u64) -> Look {
        Look {
            cpu: Some(Counters { busy, total }),
            memory: Some((100, 70)),
            disk: Some((4, 9)),
            ..Look::default()
        }
    }

    #[test]
    fn the_share_is_that_since_the_look_before() {
        let share =
            |before: (u64, u64), now| usage(Counters { busy: before.0, total: before.1 }, &now).unwrap().cpu;
        assert_eq!(share((0, 0), look(50, 200)), 0.25);
        assert_eq!(share((50, 200), look(125, 300)), 0.75);
        assert_eq!(share((50, 200), look(50, 200)), 0.0, "no time has passed");
        assert_eq!(share((500, 2000), look(10, 40)), 0.25, "the guest was started anew");
    }

    #[test]
    fn use_is_whole_or_not_told() {
        let usage_of = |look: &Look| usage(Counters::default(), look);
        let told = usage_of(&look(1, 2)).unwrap();
        assert_eq!((told.memory_used, told.memory_total), (30, 100));
        assert_eq!(told.disk, DiskUse { used: 4, total: 9 });
        assert_eq!(usage_of(&Look { memory: None, ..look(1, 2) }), None);
        assert_eq!(usage_of(&Look { disk: None, ..look(1, 2) }), None);
    }
}
