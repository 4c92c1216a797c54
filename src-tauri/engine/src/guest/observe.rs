//! What a guest uses and what it builds: one look a poll.

use super::{
    Guest,
    builds::{self, Key},
    lock,
    probe::{Counters, Look, SCRIPT},
};
use igloo_protocol::{Build, DiskUse, Problem, Usage};
use std::{collections::BTreeMap, time::Duration};

/// A guest whose processors are all busy may need many seconds; that is no sign of death.
const DEADLINE: Duration = Duration::from_secs(30);
/// How often the log of a new build is looked for: it may be there only with the second look.
const TRIES: u8 = 2;

/// What a guest uses and builds, at one moment. `None`: could not be told.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Observation {
    /// What it uses. The processors' share is that since the look before, or since the guest's start.
    pub usage: Option<Usage>,
    /// The builds whose process runs, then an entry without a derivation for each session that runs none: it
    /// copies, or waits.
    pub builds: Option<Vec<Build>>,
    /// How many sessions are open: at least one a build that the other machine's Nix has here.
    pub sessions: Option<usize>,
    /// Seconds since the guest's kernel started.
    pub uptime_s: Option<f64>,
}

/// What is kept from look to look.
#[derive(Debug, Default)]
pub(super) struct Memory {
    cpu: Counters,
    derivations: BTreeMap<Key, Found>,
}

#[derive(Debug, Default)]
struct Found {
    derivation: Option<String>,
    tries: u8,
}

impl Guest {
    /// Looks at the guest: one command, and one more when a new build is there.
    ///
    /// # Errors
    /// Those of [`Guest::run`].
    pub async fn observe(&self) -> Result<Observation, Problem> {
        let printed = self.run(SCRIPT, None, DEADLINE).await?;
        let look = Look::parse(&printed.stdout);
        let found = builds::find(&look);
        let running = found.as_ref().map(|f| f.running.as_slice()).unwrap_or_default();
        let unknown: Vec<_> = {
            let mut memory = lock(&self.inner.memory);
            memory.derivations.retain(|key, _| running.iter().any(|b| b.key == *key));
            let mut ask = |b: &&builds::Running| memory.derivations.entry(b.key).or_default().ask();
            running.iter().filter(|b| !b.outputs.is_empty()).filter(|b| ask(b)).collect()
        };
        if let Some(command) = builds::logs_command(&unknown) {
            let logs = builds::parse_logs(&self.run(&command, None, DEADLINE).await?.stdout);
            let mut memory = lock(&self.inner.memory);
            for build in unknown {
                memory.derivations.entry(build.key).or_default().derivation =
                    builds::derivation(build, &logs);
            }
        }
        let mut memory = lock(&self.inner.memory);
        let builds = found.as_ref().map(|found| {
            let derivation = |key| memory.derivations.get(key).and_then(|f| f.derivation.clone());
            let running = found.running.iter().map(|b| b.show(look.uptime_s, derivation(&b.key)));
            running.chain((0..found.idle_sessions).map(|_| builds::idle_session())).collect()
        });
        let before = std::mem::replace(&mut memory.cpu, look.cpu.unwrap_or_default());
        Ok(Observation {
            usage: usage(before, &look),
            builds,
            sessions: found.map(|f| f.sessions),
            uptime_s: look.uptime_s,
        })
    }
}

impl Found {
    fn ask(&mut self) -> bool {
        let asks = self.derivation.is_none() && self.tries < TRIES;
        self.tries += u8::from(asks);
        asks
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

    #[test]
    fn a_log_is_looked_for_a_few_times() {
        let mut found = Found::default();
        let asked = (0..10).filter(|_| found.ask()).count();
        assert_eq!(asked, usize::from(TRIES));
        assert!(!Found { derivation: Some(String::new()), tries: 0 }.ask());
    }
}
