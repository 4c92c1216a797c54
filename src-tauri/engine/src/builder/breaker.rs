//! The circuit breaker: restarts are bounded.

/// Failures within this time are counted together, in milliseconds.
pub const WINDOW_MS: u64 = 5 * 60 * 1000;

/// The failure that trips the breaker.
pub const LIMIT: usize = 3;

/// Counts failures, and trips at the third within five minutes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Breaker {
    failures_ms: Vec<u64>,
}

impl Breaker {
    /// Notes a failure. Whether it was one too many.
    pub fn failed(&mut self, now_ms: u64) -> bool {
        self.failures_ms.retain(|then| now_ms.saturating_sub(*then) < WINDOW_MS);
        self.failures_ms.push(now_ms);
        self.failures_ms.len() >= LIMIT
    }

    /// Forgets every failure: the user asked, or it went well.
    pub fn reset(&mut self) {
        self.failures_ms.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_third_failure_within_five_minutes_trips() {
        let mut b = Breaker::default();
        assert!(!b.failed(0));
        assert!(!b.failed(1000));
        assert!(b.failed(WINDOW_MS - 1));
    }

    #[test]
    fn failures_far_apart_never_trip() {
        let mut b = Breaker::default();
        assert!((0..20).all(|n| !b.failed(n * (WINDOW_MS / 2 + 1))));
    }
}
