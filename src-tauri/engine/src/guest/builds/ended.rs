//! Builds from look to look: what is known of those that run, and which ended how.
//!
//! A build is over once its process is gone *and* nobody holds the locks on its outputs: in between its worker
//! moves them into the store. Then they are valid there, or they are not. (Nix leaves no other trace of a failure
//! in the guest; one whose session was closed leaves the same.)

use super::{Key, Log, Running, derivation, held};
use crate::guest::probe::Look;
use igloo_protocol::{BuildEnd, FinishedBuild};
use std::collections::{BTreeMap, BTreeSet};

/// How often the log of a new build is looked for: it may be there only with the second look.
const TRIES: u8 = 2;

/// What is kept of builds from look to look.
#[derive(Debug, Default)]
pub(in crate::guest) struct Kept {
    running: BTreeMap<Key, Known>,
    ending: Vec<Known>,
}

#[derive(Debug)]
struct Known {
    build: Running,
    derivation: Option<String>,
    tries: u8,
}

/// A build that is over; how it ended is still to be asked.
#[derive(Debug, PartialEq)]
pub(in crate::guest) struct Over {
    /// The base names of its outputs' store paths. Empty: not known.
    outputs: BTreeSet<String>,
    derivation: Option<String>,
    elapsed_s: Option<f64>,
}

impl Kept {
    /// Takes in the builds of a look, and gives those that are over.
    pub(in crate::guest) fn take(&mut self, running: &[Running], look: &Look) -> Vec<Over> {
        let before = std::mem::take(&mut self.running);
        let (on, gone): (Vec<_>, Vec<_>) =
            before.into_iter().partition(|(key, _)| running.iter().any(|b| b.key == *key));
        self.running = on.into_iter().collect();
        for build in running {
            let known = Known { build: build.clone(), derivation: None, tries: 0 };
            let known = self.running.entry(build.key).or_insert(known);
            known.build.outputs.extend(build.outputs.iter().cloned());
        }
        self.ending.extend(gone.into_iter().map(|(_, known)| known));
        let held = held(look, |_| true);
        let (ending, over) = std::mem::take(&mut self.ending)
            .into_iter()
            .partition(|known| known.build.outputs.iter().any(|o| held.contains(o.as_str())));
        self.ending = ending;
        over.into_iter().map(|known: Known| known.over(look.uptime_s)).collect()
    }

    /// The builds whose log is to be looked for now.
    pub(in crate::guest) fn unknown(&mut self) -> Vec<Running> {
        let asks = self.running.values_mut().filter(|known| !known.build.outputs.is_empty());
        asks.filter(|known| known.derivation.is_none() && known.tries < TRIES)
            .map(|known| {
                known.tries += 1;
                known.build.clone()
            })
            .collect()
    }

    /// Reads the derivations of `builds` off the logs that were found.
    pub(in crate::guest) fn learn(&mut self, builds: &[Running], logs: &[Log]) {
        for build in builds {
            if let Some(known) = self.running.get_mut(&build.key) {
                known.derivation = derivation(build, logs);
            }
        }
    }

    /// The store path of a running build's derivation, where a log told it.
    pub(in crate::guest) fn derivation(&self, key: &Key) -> Option<String> {
        self.running.get(key)?.derivation.clone()
    }
}

impl Known {
    fn over(self, uptime_s: Option<f64>) -> Over {
        Over {
            derivation: self.derivation.or_else(|| self.build.name().map(Into::into)),
            elapsed_s: self.build.elapsed_s(uptime_s),
            outputs: self.build.outputs,
        }
    }
}

/// Asks which outputs of these builds are not valid. `None` when there is nothing to ask.
pub(in crate::guest) fn validity_command(over: &[Over]) -> Option<String> {
    let outputs: BTreeSet<&String> = over.iter().filter(|o| o.can_ask()).flat_map(|o| &o.outputs).collect();
    let paths: Vec<String> = outputs.into_iter().map(|base| format!("'{STORE}{base}'")).collect();
    (!paths.is_empty()).then(|| format!("nix-store --check-validity --print-invalid {}", paths.join(" ")))
}

const STORE: &str = "/nix/store/";

impl Over {
    fn can_ask(&self) -> bool {
        !self.outputs.is_empty() && self.outputs.iter().all(|base| super::plain(base))
    }

    /// As faces show it, given what [`validity_command`] printed; `None`: it could not be asked.
    pub(in crate::guest) fn finish(self, invalid: Option<&str>, ended_ms: u64) -> FinishedBuild {
        let end = match invalid.filter(|_| self.can_ask()) {
            None => BuildEnd::Unknown,
            Some(invalid) if self.is_among(invalid) => BuildEnd::NotBuilt,
            Some(_) => BuildEnd::Built,
        };
        FinishedBuild { derivation: self.derivation, end, elapsed_s: self.elapsed_s, ended_ms }
    }

    fn is_among(&self, invalid: &str) -> bool {
        let mut bases = invalid.lines().filter_map(|line| line.trim().strip_prefix(STORE));
        bases.any(|base| self.outputs.contains(base))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const THREE: &str = include_str!("../fixtures/three-builds.txt");
    const LOGS: &[u8] = include_bytes!("../fixtures/three-builds-logs.txt");

    fn take(kept: &mut Kept, text: &str) -> Vec<Over> {
        let look = Look::parse(text.as_bytes());
        kept.take(&super::super::find(&look).unwrap().running, &look)
    }

    fn without(text: &str, gone: &[&str]) -> String {
        let kept = text.lines().filter(|line| !gone.iter().any(|g| line.contains(g)));
        kept.map(|line| format!("{line}\n")).collect()
    }

    /// The look after the builder of `hello` has gone, its worker at work on the output.
    fn process_gone() -> String {
        without(THREE, &["1723 (sh)"])
    }

    /// The look after its worker has let the output's lock go, too.
    fn lock_gone() -> String {
        without(&process_gone(), &["-hello.lock"])
    }

    #[test]
    fn a_build_is_over_once_its_process_and_its_locks_are_gone() {
        let mut kept = Kept::default();
        assert_eq!(take(&mut kept, THREE), []);
        let unknown = kept.unknown();
        assert_eq!(unknown.len(), 3);
        kept.learn(&unknown, &super::super::parse_logs(LOGS));
        assert_eq!(take(&mut kept, &process_gone()), [], "its outputs are still on their way into the store");
        let over = take(&mut kept, &lock_gone());
        let drv = "/nix/store/dxaphv3imxpyardksynbvri3gambxsy4-hello.drv";
        assert_eq!(over.len(), 1);
        assert_eq!(over[0].derivation.as_deref(), Some(drv));
        assert_eq!(over[0].elapsed_s.map(f64::round), Some(50.0));
        assert_eq!(take(&mut kept, &lock_gone()), [], "it is told once");
    }

    #[test]
    fn a_lock_that_a_failure_left_behind_is_nobodys() {
        let mut kept = Kept::default();
        take(&mut kept, THREE);
        // the file is there, and the worker that held it has gone
        let over = take(&mut kept, &without(&process_gone(), &["FLOCK  ADVISORY  WRITE 1719 "]));
        assert_eq!(over.len(), 1);
        assert_eq!(over[0].derivation.as_deref(), Some("hello"), "by its output, where no log was read");
    }

    #[test]
    fn what_is_valid_tells_the_end() {
        let over = |outputs: &[&str]| Over {
            outputs: outputs.iter().map(|s| s.to_string()).collect(),
            derivation: None,
            elapsed_s: None,
        };
        let end = |over: Over, invalid| over.finish(invalid, 7).end;
        let two = || over(&["0-a", "1-a-dev"]);
        let command = validity_command(&[two(), over(&["2-b"]), over(&[])]).unwrap();
        let asked = "nix-store --check-validity --print-invalid '/nix/store/0-a' '/nix/store/1-a-dev' '/nix/store/2-b'";
        assert_eq!(command, asked);
        assert_eq!(end(two(), Some("")), BuildEnd::Built);
        assert_eq!(end(two(), Some("/nix/store/2-b\n")), BuildEnd::Built);
        assert_eq!(end(two(), Some("/nix/store/2-b\n/nix/store/1-a-dev\n")), BuildEnd::NotBuilt);
        assert_eq!(end(two(), None), BuildEnd::Unknown);
        assert_eq!(end(over(&[]), Some("")), BuildEnd::Unknown);
        assert_eq!(validity_command(&[over(&[])]), None);
        assert_eq!(validity_command(&[over(&["0-a'; reboot '"])]), None, "no store path's name");
    }

    #[test]
    fn a_log_is_looked_for_a_few_times() {
        let mut kept = Kept::default();
        take(&mut kept, THREE);
        let asked: Vec<_> = (0..4).map(|_| kept.unknown().len()).collect();
        assert_eq!(asked, [3, 3, 0, 0]);
        take(&mut kept, THREE);
        assert_eq!(kept.unknown().len(), 0, "nor with the next look");
    }
}
