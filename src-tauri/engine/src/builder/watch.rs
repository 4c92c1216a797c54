//! Watching: the machine until it ends, and the guest while it is ready.

use super::news::{News, Teller, Term};
use crate::{
    guest::{Guest, Observation},
    vm::{Console, MAX_BYTES, Vm},
};
use std::{
    sync::Arc,
    time::{Duration, Instant},
};
use tokio::sync::Notify;
use tracing::warn;

/// Between two looks into an idle guest.
const IDLE: Duration = Duration::from_secs(3);

/// Between two looks while builds run.
const BUSY: Duration = Duration::from_secs(1);

/// Between two looks at the size of the console's log.
const CONSOLE: Duration = Duration::from_secs(10);

/// Between two looks at the guest's clock.
const CLOCK: Duration = Duration::from_secs(60);

/// From a connection to the look for what it brings: its session needs a moment to be there.
const AFTER_A_VISIT: Duration = Duration::from_millis(400);

/// Looks that may fail in a row before the guest counts as lost.
const PATIENCE: u32 = 2;

/// Tells when the guest stands still for good, and when the machine ends.
pub async fn machine(vm: Arc<Vm>, teller: Teller) {
    let uuid = vm.record().uuid;
    let stuck = async {
        teller.tell(News::Stuck(uuid, vm.stuck().await));
        std::future::pending().await
    };
    let exit = tokio::select! {
        exit = vm.exited() => exit,
        never = stuck => never,
        never = rotate_console(&vm) => never,
    };
    teller.tell(News::Exited(uuid, Box::new(exit)));
}

/// Keeps the console's log from growing without end.
async fn rotate_console(vm: &Vm) -> ! {
    let console = Console::new(vm.run_dir().console());
    loop {
        tokio::time::sleep(CONSOLE).await;
        if let Err(e) = console.rotate_if_needed(MAX_BYTES) {
            warn!("can't rotate {}: {e}", console.path().display());
        }
    }
}

/// How many builds would be hurt by a stop: a session is open from before its inputs are copied
/// until its outputs are.
pub fn in_use(seen: &Observation) -> usize {
    seen.sessions.unwrap_or(0).max(seen.builds.as_ref().map_or(0, Vec::len))
}

/// Looks into the guest again and again, soon after each of the `visits`, until it is lost or the term is over.
pub async fn guest(guest: Guest, visits: Arc<Notify>, term: Term, teller: Teller) {
    let mut failed = 0;
    let mut clock_due = Instant::now();
    while term.is_current() {
        let mut pause = IDLE;
        match guest.observe().await {
            Ok(seen) => {
                failed = 0;
                if in_use(&seen) > 0 {
                    pause = BUSY;
                }
                teller.tell(News::Observed(term.clone(), Box::new(seen)));
                if Instant::now() >= clock_due
                    && let Ok(clock) = guest.clock().await
                {
                    clock_due = Instant::now() + CLOCK;
                    teller.tell(News::Clock(term.clone(), clock));
                }
            }
            Err(problem) => {
                failed += 1;
                if failed >= PATIENCE || !guest.alive() {
                    return teller.tell(News::Lost(term, problem));
                }
            }
        }
        tokio::select! {
            () = tokio::time::sleep(pause) => {}
            () = visits.notified() => tokio::time::sleep(AFTER_A_VISIT).await,
        }
    }
}
