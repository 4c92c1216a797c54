//! The guest's clock beside the host's. A guest does not count the time that its host slept, and not every guest sets its clock
//! by the network: then certificates are not valid yet, and files are older than what they are made from.

use super::Guest;
use crate::clock::now_ms;
use igloo_protocol::{Code, Problem};
use std::time::Duration;

/// A guest whose processors are all busy may need many seconds.
const DEADLINE: Duration = Duration::from_secs(30);

/// How far the clocks may be apart, in seconds.
const LIMIT_S: i64 = 10;

impl Guest {
    /// What is wrong with the guest's clock, if anything is.
    ///
    /// # Errors
    /// Those of [`Guest::run`].
    pub async fn clock(&self) -> Result<Option<Problem>, Problem> {
        let before = now_ms();
        let said = self.run("date +%s", None, DEADLINE).await?.stdout;
        Ok(judge(&String::from_utf8_lossy(&said), before, now_ms()))
    }
}

/// Judges the seconds that a guest said, somewhere between two moments of the host in milliseconds.
fn judge(said: &str, before: u64, after: u64) -> Option<Problem> {
    let guest: i64 = said.trim().parse().ok()?;
    let seconds = |ms: u64| i64::try_from(ms / 1000).unwrap_or(i64::MAX);
    let behind = seconds(before).saturating_sub(guest);
    let ahead = guest.saturating_sub(seconds(after));
    let (by, way) = if behind > ahead { (behind, "behind") } else { (ahead, "ahead of") };
    (by > LIMIT_S).then(|| {
        Problem::new(
            Code::ClockOff,
            format!("the guest's clock is {} {way} this machine's", time(by)),
            "restart the builder: it takes this machine's time when it boots",
        )
    })
}

fn time(seconds: i64) -> String {
    match seconds {
        0..120 => format!("{seconds} s"),
        120..7200 => format!("{} min", seconds / 60),
        7200..172_800 => format!("{} h", seconds / 3600),
        _ => format!("{} days", seconds / 86_400),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_may_be_a_little_off() {
        let said = |said: &str| judge(said, 1_000_000_000, 1_000_004_000).map(|problem| problem.message);
        assert_eq!(said("1000002\n"), None);
        assert_eq!(said("999990\n"), None);
        assert_eq!(said("1000014\n"), None);
        assert_eq!(said("999900").as_deref(), Some("the guest's clock is 100 s behind this machine's"));
        assert_eq!(said("1000100").as_deref(), Some("the guest's clock is 96 s ahead of this machine's"));
        assert_eq!(said("992800").as_deref(), Some("the guest's clock is 2 h behind this machine's"));
        assert_eq!(said("0").as_deref(), Some("the guest's clock is 11 days behind this machine's"));
        assert_eq!(said("no date here"), None);
    }
}
