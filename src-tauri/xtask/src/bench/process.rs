//! What a process uses, from Linux' `/proc`.

use anyhow::{Context, Result};
use std::fs;

/// Clock ticks a second: `USER_HZ` is 100 on every Linux (proc(5)).
const TICKS: f64 = 100.0;

/// What a process used and uses.
pub struct Usage {
    pub cpu_s: f64,
    pub rss_mb: f64,
    pub peak_mb: f64,
}

impl Usage {
    /// Of a process that runs.
    pub fn of(pid: u32) -> Result<Usage> {
        let read =
            |file: &str| fs::read_to_string(format!("/proc/{pid}/{file}")).context("the engine is gone");
        let (stat, status) = (read("stat")?, read("status")?);
        Usage::parse(&stat, &status).context("/proc reads otherwise than expected")
    }

    fn parse(stat: &str, status: &str) -> Option<Usage> {
        let after_name: Vec<_> = stat.rsplit_once(')')?.1.split_whitespace().collect();
        let ticks = |n: usize| after_name.get(n)?.parse::<f64>().ok();
        let megabytes = |key: &str| {
            let line = status.lines().find_map(|l| l.strip_prefix(key))?;
            Some(line.split_whitespace().next()?.parse::<f64>().ok()? * 1024.0 / 1e6)
        };
        Some(Usage {
            // utime and stime, fields 14 and 15 of proc(5), counted from the state
            cpu_s: (ticks(11)? + ticks(12)?) / TICKS,
            rss_mb: megabytes("VmRSS:")?,
            peak_mb: megabytes("VmHWM:")?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn proc_is_read_past_an_odd_name() {
        let stat = "7 (a) b) S 1 7 7 0 -1 4194560 1 0 0 0 150 50 0 0 20 0 4 0 1 1 1";
        let u = Usage::parse(stat, "Name:\tx\nVmHWM:\t  2000 kB\nVmRSS:\t 1000 kB\n").unwrap();
        assert_eq!((u.cpu_s, u.rss_mb, u.peak_mb), (2.0, 1.024, 2.048));
    }
}
