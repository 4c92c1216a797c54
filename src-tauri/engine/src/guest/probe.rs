//! What `probe.sh` prints, as it stands there.

use std::{collections::BTreeMap, str::FromStr};

/// The script: one look.
pub(super) const SCRIPT: &str = include_str!("probe.sh");

/// `USER_HZ`: the clock ticks per second of /proc, 100 on every architecture that Nix builds for.
const TICKS: f64 = 100.0;

/// One look at a guest. What could not be read is `None` or absent.
#[derive(Debug, Default)]
pub(super) struct Look {
    pub cpu: Option<Counters>,
    /// Seconds since the guest's kernel started.
    pub uptime_s: Option<f64>,
    /// Total and available, in bytes.
    pub memory: Option<(u64, u64)>,
    /// Used and total, in bytes.
    pub disk: Option<(u64, u64)>,
    pub processes: Vec<Process>,
    /// Who holds a write lock by flock(2) on which inode.
    pub locks: Vec<(Pid, u64)>,
    /// The lock files in the store: inode and name without `.lock`.
    pub lock_files: Vec<(u64, String)>,
    /// Who owns a process.
    pub owners: BTreeMap<Pid, u32>,
    /// The arguments of what may be a session.
    pub arguments: BTreeMap<Pid, Vec<String>>,
}

pub(super) type Pid = u32;

/// All processors together, in ticks since the guest's kernel started.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Counters {
    pub busy: u64,
    pub total: u64,
}

/// A line of /proc/PID/stat (proc_pid_stat(5)).
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Process {
    pub pid: Pid,
    pub parent: Pid,
    /// The program's name, 15 characters of it.
    pub comm: String,
    /// Its own processor seconds and those of its children that it has waited for.
    pub cpu_s: f64,
    /// Seconds from the start of the guest's kernel to its own.
    pub start_s: f64,
}

impl Look {
    /// Reads what the script printed. Lines that are not understood are left out.
    pub(super) fn parse(printed: &[u8]) -> Look {
        let text = String::from_utf8_lossy(printed);
        let mut look = Look::default();
        let mut section = "";
        for line in text.lines() {
            match line.strip_prefix("== ") {
                Some(name) => section = name,
                None => look.take(section, line),
            }
        }
        look
    }

    fn take(&mut self, section: &str, line: &str) {
        match section {
            "cpu" => self.cpu = counters(line),
            "uptime" => self.uptime_s = field(line, 0),
            "memory" => self.take_memory(line),
            "disk" => self.take_disk(line),
            "processes" => {
                self.locks.extend(lock(line));
                self.processes.extend(process(line));
            }
            "files" => self.take_file(line),
            "arguments" => self.take_arguments(line),
            _ => (),
        }
    }

    fn take_memory(&mut self, line: &str) {
        let Some(bytes) = field::<u64>(line, 1).map(|kib| kib.saturating_mul(1024)) else { return };
        match line.split_once(':') {
            Some(("MemTotal", _)) => self.memory = Some((bytes, bytes)),
            Some(("MemAvailable", _)) => self.memory = self.memory.map(|(total, _)| (total, bytes)),
            _ => (),
        }
    }

    /// `df -P`: the device's name may hold spaces, so the fields are counted from its end.
    fn take_disk(&mut self, line: &str) {
        let fields: Vec<&str> = line.split_whitespace().rev().collect();
        let kib = |n: usize| Some(fields.get(n)?.parse::<u64>().ok()?.saturating_mul(1024));
        if let (Some(used), Some(total)) = (kib(3), kib(4)) {
            self.disk = Some((used, total));
        }
    }

    fn take_file(&mut self, line: &str) {
        let mut fields = line.splitn(3, ' ');
        let mut next = || fields.next();
        let (Some(Ok(owner)), Some(Ok(inode)), Some(path)) =
            (next().map(u32::from_str), next().map(u64::from_str), next())
        else {
            return;
        };
        if let Some(pid) = path.strip_prefix("/proc/") {
            self.owners.extend(pid.parse().ok().map(|pid: Pid| (pid, owner)));
        } else if let Some(name) = path.strip_prefix("/nix/store/").and_then(|n| n.strip_suffix(".lock")) {
            self.lock_files.push((inode, name.to_owned()));
        }
    }

    /// `grep -zH ''`: each argument after the file's name, ended by a NUL; no line ends of its own.
    fn take_arguments(&mut self, line: &str) {
        for item in line.split('\0') {
            let Some((path, argument)) = item.split_once(':') else { continue };
            let pid = path.strip_prefix("/proc/").and_then(|p| p.strip_suffix("/cmdline"));
            if let Some(pid) = pid.and_then(|p| p.parse().ok()) {
                self.arguments.entry(pid).or_default().push(argument.to_owned());
            }
        }
    }
}

/// `cpu  user nice system idle iowait irq softirq steal guest guest_nice`; guests' time is in user's, too.
fn counters(line: &str) -> Option<Counters> {
    let mut fields = line.split_whitespace();
    (fields.next()? == "cpu").then_some(())?;
    let ticks: Vec<u64> = fields.take(8).map_while(|f| f.parse().ok()).collect();
    let idle = ticks.get(3)?.saturating_add(*ticks.get(4)?);
    let total = ticks.iter().fold(0, |sum: u64, t| sum.saturating_add(*t));
    Some(Counters { busy: total.saturating_sub(idle), total })
}

/// `1: FLOCK  ADVISORY  WRITE 368 fe:00:7115 0 EOF`; a waiting one has `->` after the number.
fn lock(line: &str) -> Option<(Pid, u64)> {
    let fields: Vec<&str> = line.split_whitespace().collect();
    match fields.as_slice() {
        [number, "FLOCK", _, "WRITE", pid, device, ..] if number.ends_with(':') => {
            let (_, inode) = device.rsplit_once(':')?;
            Some((pid.parse().ok()?, inode.parse().ok()?))
        }
        _ => None,
    }
}

/// `PID (comm) state ppid ...`; comm may hold anything but a line end.
fn process(line: &str) -> Option<Process> {
    let (pid, rest) = line.split_once(" (")?;
    let (comm, rest) = rest.rsplit_once(") ")?;
    // utime, stime, cutime, cstime are fields 14 to 17 and starttime 22; state, field 3, is the first of the rest
    let ticks = |n: usize| field::<i64>(rest, n - 3).map(|t| t as f64 / TICKS);
    Some(Process {
        pid: pid.parse().ok()?,
        parent: field(rest, 1)?,
        comm: comm.to_owned(),
        cpu_s: ticks(14)? + ticks(15)? + ticks(16)? + ticks(17)?,
        start_s: ticks(22)?,
    })
}

fn field<T: FromStr>(line: &str, n: usize) -> Option<T> {
    line.split_whitespace().nth(n)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn an_idle_guest_is_read() {
        let look = Look::parse(include_bytes!("fixtures/idle.txt"));
        assert!(look.cpu.is_some_and(|c| c.busy > 0 && c.busy < c.total), "{:?}", look.cpu);
        assert!(look.uptime_s.is_some_and(|u| u > 1.0));
        let (total, available) = look.memory.unwrap();
        assert!(available < total && total > 1 << 30, "{:?}", look.memory);
        let (used, total) = look.disk.unwrap();
        assert!(used < total && total > 1 << 30, "{:?}", look.disk);
        let init = look.processes.iter().find(|p| p.pid == 1).unwrap();
        assert_eq!((init.comm.as_str(), init.parent), ("tiny-init", 0));
        assert_eq!(look.owners[&1], 0);
        assert_eq!(look.lock_files, []);
    }

    #[test]
    fn odd_lines_are_read_or_left_out() {
        assert_eq!(lock("3: -> FLOCK  ADVISORY  WRITE 9 fe:00:5 0 EOF"), None, "waits, does not hold");
        assert_eq!(lock("3: POSIX  ADVISORY  WRITE 9 fe:00:5 0 EOF"), None);
        assert_eq!(lock("3: FLOCK  ADVISORY  READ 9 fe:00:5 0 EOF"), None);
        assert_eq!(lock("3: FLOCK  ADVISORY  WRITE 9 fe:00:5 0 EOF"), Some((9, 5)));
        let odd = process("7 (a) S (b) c) S 3 0 0 0 -1 0 0 0 0 0 100 50 25 25 20 0 1 0 400 0 0").unwrap();
        assert_eq!((odd.comm.as_str(), odd.parent, odd.cpu_s, odd.start_s), ("a) S (b) c", 3, 2.0, 4.0));
        assert_eq!(process("7 (short) S 3"), None);
        let mut look = Look::default();
        look.take_disk("a disk 100 40 60 40% /nix");
        assert_eq!(look.disk, Some((40 * 1024, 100 * 1024)));
        look.take_file("0 5 /nix/store/0000-with a space.lock");
        assert_eq!(look.lock_files, [(5, "0000-with a space".to_owned())]);
    }

    proptest! {
        #[test]
        fn no_text_breaks_it(text in "(== (cpu|uptime|memory|disk|processes|files|arguments)\n([a-z0-9:/() -]{0,60}\n){0,4}){0,8}") {
            let _ = Look::parse(text.as_bytes());
        }
    }
}
