//! The engine in the app: this process runs one whenever no other does, so that there is always one and never two.

use super::seen::{Seen, Sight};
use crate::{host_nix, keychain};
use igloo_engine::host::Paths;
use igloo_protocol::{Code, Problem};
use std::{future::pending, sync::Arc, time::Duration};
use tokio::sync::watch;

/// How soon an engine is tried again after another is seen to end: that one may hold its lock a moment longer.
const FIRST_WAIT: Duration = Duration::from_millis(20);

/// How long at most between two tries.
const LONGEST_WAIT: Duration = Duration::from_secs(5);

/// How a hosted engine's life ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// The app wanted it.
    Stopped,
    /// A client asked the engine to end.
    Asked,
}

/// Runs engines, one after the other, until `stop` says so or a client asks for the end of one. While another
/// process' engine runs it waits for that one's end, and what keeps an engine from running stands in `seen`.
pub async fn host(paths: Paths, seen: watch::Sender<Seen>, stop: watch::Receiver<bool>) -> End {
    let mut sight = seen.subscribe();
    let mut wait = FIRST_WAIT;
    loop {
        let (nix, vault) = (Arc::new(host_nix::Files), Arc::new(keychain::Desktop));
        let engine = igloo_engine::serve(paths.clone(), nix, vault, stopped(stop.clone()));
        match Box::pin(engine).await {
            Ok(()) if *stop.borrow() => return End::Stopped,
            Ok(()) => return End::Asked,
            Err(problem) => tell(&seen, problem),
        }
        tokio::select! {
            () = stopped(stop.clone()) => return End::Stopped,
            () = gone(&mut sight) => wait = FIRST_WAIT,
            () = tokio::time::sleep(wait) => wait = (wait * 2).min(LONGEST_WAIT),
        }
    }
}

/// Resolves once `stop` says so; a sender that is gone says it too.
async fn stopped(mut stop: watch::Receiver<bool>) {
    let _ = stop.wait_for(|stop| *stop).await;
}

/// Resolves when an engine that answered does no longer.
async fn gone(sight: &mut Sight) {
    sight.mark_changed();
    let mut answered = false;
    while sight.changed().await.is_ok() {
        let answers = sight.borrow_and_update().snapshot.is_some();
        if answered && !answers {
            return;
        }
        answered = answers;
    }
    pending().await
}

/// Notes what keeps the engine from running, and logs it once. That another runs is no trouble.
fn tell(seen: &watch::Sender<Seen>, problem: Problem) {
    if problem.code == Code::EngineRunning {
        return tracing::debug!("{problem}");
    }
    seen.send_if_modified(|seen| {
        let new = seen.trouble.as_ref() != Some(&problem);
        if new {
            tracing::error!("{problem}; {}", problem.remedy);
            seen.trouble = Some(problem);
        }
        new
    });
}
