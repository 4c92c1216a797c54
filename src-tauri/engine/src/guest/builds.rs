//! From processes, locks and lock files to the builds that run.
//!
//! In the guest (Nix 2.18 to 2.36): a session is `nix-daemon --stdio` or `nix-store --serve`; the daemon has a
//! worker for it, a root process whose first argument is the session's pid. A build's first process is the
//! worker's child, under a build user's uid, and no other build has that uid meanwhile. The worker holds a lock
//! on `<output path>.lock` for each output. Compared is the inode only: on overlayfs the device differs.

mod ended;

pub(super) use ended::{Kept, validity_command};

use super::probe::{Look, Pid, Process};
use igloo_protocol::{Build, BuildSource, BuildState};
use std::collections::{BTreeMap, BTreeSet};

/// A build whose process runs.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Running {
    pub key: Key,
    /// The base names of the store paths of the outputs that the worker holds. Empty: can't be told.
    pub outputs: BTreeSet<String>,
    /// Seconds from the start of the guest's kernel to the build's.
    pub start_s: f64,
    /// Processor seconds that its processes used.
    pub cpu_s: f64,
}

/// What makes a build the same in two looks: its first process, by number and start.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Key {
    pid: Pid,
    start_ticks: u64,
}

/// What of a look has to do with builds.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Builds {
    pub running: Vec<Running>,
    /// How many sessions are open.
    pub sessions: usize,
    /// How many of them have a worker that runs no build.
    pub idle_sessions: usize,
}

/// Finds them. `None` when the processes or their owners could not be read.
pub(super) fn find(look: &Look) -> Option<Builds> {
    if look.processes.is_empty() || look.owners.is_empty() {
        return None;
    }
    let owner = |p: &Process| look.owners.get(&p.pid).copied();
    let workers: BTreeSet<Pid> = look
        .processes
        .iter()
        .filter(|p| p.comm == "nix-daemon" && owner(p) == Some(0))
        .map(|p| p.pid)
        .collect();
    // worker -> build user -> its first process
    let mut firsts: BTreeMap<Pid, BTreeMap<u32, &Process>> = BTreeMap::new();
    for process in look.processes.iter().filter(|p| workers.contains(&p.parent) && p.comm != "nix-daemon") {
        if let Some(uid) = owner(process).filter(|uid| *uid != 0) {
            firsts.entry(process.parent).or_default().entry(uid).or_insert(process);
        }
    }
    let running = firsts.iter().flat_map(|(worker, users)| {
        // with several builds in one worker the locks don't say whose they are
        let outputs = if users.len() == 1 { held_outputs(look, *worker) } else { BTreeSet::new() };
        users.iter().map(move |(uid, first)| Running {
            key: Key { pid: first.pid, start_ticks: (first.start_s * 100.0).round() as u64 },
            outputs: outputs.clone(),
            start_s: first.start_s,
            cpu_s: look.processes.iter().filter(|p| owner(p) == Some(*uid)).map(|p| p.cpu_s).sum(),
        })
    });
    let running = running.collect();
    let sessions: Vec<Pid> = look.processes.iter().filter(|p| is_session(look, p)).map(|p| p.pid).collect();
    let worker_of =
        |session: &Pid| workers.iter().find(|w| argument(look, **w, 1) == Some(&session.to_string()));
    let idle = sessions.iter().filter_map(worker_of).filter(|w| !firsts.contains_key(w)).count();
    Some(Builds { running, sessions: sessions.len(), idle_sessions: idle })
}

fn is_session(look: &Look, process: &Process) -> bool {
    let asks = match process.comm.as_str() {
        "nix-daemon" => "--stdio",
        "nix-store" => "--serve",
        _ => return false,
    };
    look.arguments.get(&process.pid).is_some_and(|args| args.iter().any(|a| a == asks))
}

fn argument(look: &Look, pid: Pid, n: usize) -> Option<&String> {
    look.arguments.get(&pid)?.get(n)
}

/// The outputs whose locks are held by whom `by` says: base names of store paths.
fn held(look: &Look, by: impl Fn(Pid) -> bool) -> BTreeSet<&str> {
    let inodes: BTreeSet<u64> =
        look.locks.iter().filter(|(pid, _)| by(*pid)).map(|(_, inode)| *inode).collect();
    let files = look.lock_files.iter().filter(|(inode, _)| inodes.contains(inode));
    files.map(|(_, base)| base.as_str()).collect()
}

fn held_outputs(look: &Look, worker: Pid) -> BTreeSet<String> {
    let held = held(look, |pid| pid == worker);
    held.into_iter().filter(|base| base.contains('-')).map(str::to_owned).collect()
}

impl Running {
    /// The names of its outputs' store paths, without the hash.
    fn names(&self) -> impl Iterator<Item = &str> {
        self.outputs.iter().filter_map(|base| base.split_once('-')).map(|(_hash, name)| name)
    }

    /// Seconds since it started.
    fn elapsed_s(&self, uptime_s: Option<f64>) -> Option<f64> {
        uptime_s.map(|now| (now - self.start_s).max(0.0))
    }

    /// The derivation's name where the outputs' names tell it: an output other than `out` adds `-` and its name.
    pub(super) fn name(&self) -> Option<&str> {
        let shortest = self.names().min_by_key(|o| o.len())?;
        self.names().all(|o| is_output_of(o, shortest)).then_some(shortest)
    }

    /// The names that the derivation may have, the likeliest first.
    pub(super) fn candidates(&self) -> Vec<&str> {
        let Some(shortest) = self.names().min_by_key(|o| o.len()) else { return Vec::new() };
        let cuts = shortest.rmatch_indices('-').map(|(at, _)| &shortest[..at]);
        let mut names: Vec<&str> = std::iter::once(shortest).chain(cuts).collect();
        names.retain(|name| !name.is_empty() && self.names().all(|o| is_output_of(o, name)));
        names
    }

    /// As faces show it.
    pub(super) fn show(&self, uptime_s: Option<f64>, derivation: Option<String>) -> Build {
        Build {
            derivation: derivation.or_else(|| self.name().map(Into::into)),
            state: BuildState::Running,
            elapsed_s: self.elapsed_s(uptime_s),
            cpu_s: Some(self.cpu_s),
            source: BuildSource::GuestProcesses,
        }
    }
}

fn is_output_of(output: &str, name: &str) -> bool {
    output.strip_prefix(name).is_some_and(|rest| rest.is_empty() || rest.starts_with('-'))
}

/// A session without a build's process.
pub(super) fn idle_session() -> Build {
    Build {
        derivation: None,
        state: BuildState::Session,
        elapsed_s: None,
        cpu_s: None,
        source: BuildSource::GuestProcesses,
    }
}

/// A build's log: where the store path of its derivation can be read off.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Log {
    /// When it was last written, in seconds from the start of the guest's kernel.
    pub written_s: f64,
    /// The derivation's store path.
    pub derivation: String,
}

/// What the command of [`logs_command`] printed.
pub(super) fn parse_logs(printed: &[u8]) -> Vec<Log> {
    let text = String::from_utf8_lossy(printed);
    let mut lines = text.lines();
    let Some(boot) = lines.next().and_then(|l| {
        let (now, uptime) = l.split_once(' ')?;
        Some(now.parse::<f64>().ok()? - uptime.split_whitespace().next()?.parse::<f64>().ok()?)
    }) else {
        return Vec::new();
    };
    lines.filter_map(|line| log(line, boot)).collect()
}

/// `MTIME /nix/var/log/nix/drvs/XX/YYYY-NAME.drv[.bz2]`
fn log(line: &str, boot: f64) -> Option<Log> {
    let (mtime, path) = line.split_once(' ')?;
    let (start, rest) = path.strip_prefix(LOGS)?.strip_prefix('/')?.split_once('/')?;
    let rest = rest.strip_suffix(".bz2").unwrap_or(rest);
    rest.ends_with(".drv").then_some(())?;
    Some(Log {
        written_s: mtime.parse::<f64>().ok()? - boot,
        derivation: format!("/nix/store/{start}{rest}"),
    })
}

const LOGS: &str = "/nix/var/log/nix/drvs";

/// Lists the logs of what may be the builds' derivations. `None` when nothing is to be looked for.
pub(super) fn logs_command(builds: &[Running]) -> Option<String> {
    let names: BTreeSet<&str> = builds.iter().flat_map(|b| b.candidates().into_iter().take(4)).collect();
    let globs: Vec<String> = names
        .into_iter()
        .filter(|name| plain(name))
        .take(32)
        .map(|n| format!("{LOGS}/*/*-'{n}'.drv*"))
        .collect();
    if globs.is_empty() {
        return None;
    }
    let list = globs.join(" ");
    Some(format!("read -r up </proc/uptime; echo \"$(date +%s) $up\"; stat -c '%Y %n' {list} 2>/dev/null; :"))
}

/// Only the characters of a store path's name: none that a shell minds within quotes.
fn plain(name: &str) -> bool {
    name.chars().all(|c| c.is_ascii_alphanumeric() || "+-._?=".contains(c))
}

/// The derivation of a build, if exactly one log can be its own.
///
/// A log is made just before the build's first process, so one that was last written before is another build's.
pub(super) fn derivation(build: &Running, logs: &[Log]) -> Option<String> {
    /// Whole seconds in mtime and `date`, and the time from the log to the first process.
    const SLACK_S: f64 = 4.0;
    let name = |log: &Log| {
        let base = log.derivation.strip_prefix("/nix/store/")?.strip_suffix(".drv")?;
        Some(base.split_once('-')?.1.to_owned())
    };
    let fresh: Vec<&Log> = logs.iter().filter(|l| l.written_s >= build.start_s - SLACK_S).collect();
    for candidate in build.candidates() {
        let found: Vec<&&Log> = fresh.iter().filter(|l| name(l).as_deref() == Some(candidate)).collect();
        match found.as_slice() {
            [] => continue,
            [only] => return Some(only.derivation.clone()),
            _ => return None,
        }
    }
    None
}

#[cfg(test)]
mod tests;
