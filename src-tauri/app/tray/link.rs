//! The tray's connection to the engine: snapshots come in, commands go out.
//!
//! It has a thread of its own, because the main thread belongs to the desktop.

use super::Snapshots;
use futures_util::StreamExt;
use igloo_engine::api::Client;
use igloo_protocol::{Command, Problem, Snapshot};
use std::{io, pin::pin, sync::Arc, time::Duration};
use tokio::{
    runtime::{Builder, Runtime},
    sync::watch,
};

/// How long after the engine is gone it is looked for again.
const FIRST_WAIT: Duration = Duration::from_millis(250);

/// How long at most between two looks for the engine: what a user waits for the tray to see one.
const LONGEST_WAIT: Duration = Duration::from_secs(2);

/// The connection. Ends when dropped, which must not happen on a thread that runs async tasks.
#[derive(Debug)]
pub struct Link {
    runtime: Runtime,
    client: Client,
    snapshots: Snapshots,
}

impl Link {
    /// Follows the engine that `client` finds, whenever there is one.
    ///
    /// # Errors
    /// If the system gives no thread.
    pub fn new(client: Client) -> io::Result<Link> {
        let runtime =
            Builder::new_multi_thread().worker_threads(1).thread_name("link").enable_all().build()?;
        let (sender, snapshots) = watch::channel(None);
        runtime.spawn(follow(client.clone(), sender));
        Ok(Link { runtime, client, snapshots })
    }

    /// What the engine says, as it changes. `None` while no engine can be followed.
    pub fn snapshots(&self) -> Snapshots {
        self.snapshots.clone()
    }

    /// Hands a command to the engine and returns at once. What fails is logged.
    ///
    /// Commands do not wait for each other: a start that takes its time must not hold up its cancelling.
    pub fn commands(&self) -> impl Fn(Command) + Send + Sync + use<> {
        let (handle, client) = (self.runtime.handle().clone(), self.client.clone());
        move |command| {
            let client = client.clone();
            handle.spawn(async move {
                if let Err(problem) = client.command(&command).await {
                    tracing::error!(?command, "{problem}; {}", problem.remedy);
                }
            });
        }
    }
}

/// Follows one engine after the other.
async fn follow(client: Client, snapshots: watch::Sender<Option<Arc<Snapshot>>>) {
    let mut wait = FIRST_WAIT;
    let mut told = None;
    loop {
        let end = follow_one(&client, &snapshots).await;
        if snapshots.send_if_modified(|shown| shown.take().is_some()) {
            tracing::info!("the engine is gone");
            (wait, told) = (FIRST_WAIT, None);
        }
        if let Err(problem) = end {
            // the same is true at each look, and said once
            if told.as_ref() != Some(&problem) {
                tracing::warn!("{problem}; {}", problem.remedy);
            }
            told = Some(problem);
        }
        tokio::time::sleep(wait).await;
        wait = (wait * 2).min(LONGEST_WAIT);
    }
}

/// Follows the engine until it ends.
async fn follow_one(
    client: &Client,
    snapshots: &watch::Sender<Option<Arc<Snapshot>>>,
) -> Result<(), Problem> {
    let mut events = pin!(client.events().await?);
    while let Some(snapshot) = events.next().await {
        let snapshot = Arc::new(snapshot?);
        if snapshots.send_replace(Some(snapshot)).is_none() {
            tracing::info!(socket = %client.socket().display(), "follows an engine");
        }
    }
    Ok(())
}
