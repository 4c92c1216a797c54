//! Watching: the machine until it ends, and the guest while it is ready.

use super::news::{News, Teller, Term};
use crate::{guest::Guest, vm::Vm};
use std::time::Duration;

/// Between two looks into an idle guest.
const IDLE: Duration = Duration::from_secs(3);

/// Between two looks while builds run.
const BUSY: Duration = Duration::from_secs(1);

/// Looks that may fail in a row before the guest counts as lost.
const PATIENCE: u32 = 2;

/// Tells when the machine ends.
pub async fn machine(vm: Vm, teller: Teller) {
    let exit = vm.exited().await;
    teller.tell(News::Exited(vm.record().uuid.clone(), Box::new(exit)));
}

/// Looks into the guest again and again, until it is lost or the term is over.
pub async fn guest(guest: Guest, term: Term, teller: Teller) {
    let mut failed = 0;
    while term.is_current() {
        let mut pause = IDLE;
        match guest.observe().await {
            Ok(seen) => {
                failed = 0;
                if seen.in_use() > 0 {
                    pause = BUSY;
                }
                teller.tell(News::Observed(term.clone(), Box::new(seen)));
            }
            Err(problem) => {
                failed += 1;
                if failed >= PATIENCE || !guest.alive() {
                    return teller.tell(News::Lost(term, problem));
                }
            }
        }
        tokio::time::sleep(pause).await;
    }
}
