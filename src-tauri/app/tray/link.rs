//! The app's connection to the engine: what it says comes in, commands go out.
//!
//! It has threads of its own, because the main thread belongs to the desktop. The engine is reached through its
//! API even where this same process hosts it: there is one way, and every face sees the same.

use super::{
    host::{End, host},
    seen::{Seen, Sight},
};
use futures_util::StreamExt;
use igloo_engine::{api::Client, host::Paths};
use igloo_protocol::{Command, Problem};
use std::{io, pin::pin, process, sync::Arc, time::Duration};
use tokio::{
    runtime::{Builder, Handle, Runtime},
    sync::watch,
    task::JoinHandle,
};

/// How long after the engine is gone it is looked for again.
const FIRST_WAIT: Duration = Duration::from_millis(20);

/// How long at most between two looks for the engine: what a user waits for the tray to see one.
const LONGEST_WAIT: Duration = Duration::from_secs(1);

/// How long a hosted engine may take to end.
const ENGINE_ENDS: Duration = Duration::from_secs(5);

/// The connection. Ends when dropped, which must not happen on a thread that runs async tasks.
#[derive(Debug)]
pub struct Link {
    runtime: Runtime,
    client: Client,
    seen: watch::Sender<Seen>,
    hosting: Option<Hosting>,
}

#[derive(Debug)]
struct Hosting {
    stop: watch::Sender<bool>,
    ended: watch::Receiver<Option<End>>,
    task: JoinHandle<()>,
}

impl Link {
    /// Follows the engine that `client` finds, whenever there is one.
    ///
    /// # Errors
    /// If the system gives no thread.
    pub fn new(client: Client) -> io::Result<Link> {
        let runtime =
            Builder::new_multi_thread().worker_threads(2).thread_name("engine").enable_all().build()?;
        let seen = watch::Sender::new(Seen::default());
        runtime.spawn(follow(client.clone(), seen.clone()));
        Ok(Link { runtime, client, seen, hosting: None })
    }

    /// Runs the engine on `paths` in this process whenever no other does.
    pub fn host(&mut self, paths: Paths) {
        let (stop, stopping) = watch::channel(false);
        let (end, ended) = watch::channel(None);
        let seen = self.seen.clone();
        let task = self.runtime.spawn(async move {
            end.send_replace(Some(host(paths, seen, stopping).await));
        });
        self.hosting = Some(Hosting { stop, ended, task });
    }

    /// What the engine says, as it changes.
    pub fn sight(&self) -> Sight {
        self.seen.subscribe()
    }

    /// The client that the app follows the engine with.
    pub fn client(&self) -> Client {
        self.client.clone()
    }

    /// What runs the app's tasks.
    pub fn runtime(&self) -> Handle {
        self.runtime.handle().clone()
    }

    /// Resolves once a client asked the hosted engine to end, which is to end the app.
    pub fn asked_to_end(&self) -> impl Future<Output = ()> + Send + use<> {
        let ended = self.hosting.as_ref().map(|hosting| hosting.ended.clone());
        async move {
            if let Some(mut ended) = ended
                && ended.wait_for(|end| *end == Some(End::Asked)).await.is_ok()
            {
                return;
            }
            std::future::pending().await
        }
    }

    /// Ends the hosted engine, if one runs. Machines go on running.
    pub fn end(mut self) {
        let Some(hosting) = self.hosting.take() else { return };
        hosting.stop.send_replace(true);
        let ended = self.runtime.block_on(async { tokio::time::timeout(ENGINE_ENDS, hosting.task).await });
        if ended.is_err() {
            tracing::warn!("the engine did not end within {} s", ENGINE_ENDS.as_secs());
        }
    }
}

/// Hands a command to the engine and returns at once. What fails is logged.
///
/// Commands do not wait for each other: a start that takes its time must not hold up its cancelling.
pub fn send(runtime: &Handle, client: Client, command: Command) {
    runtime.spawn(async move {
        if let Err(problem) = client.command(&command).await {
            tracing::error!(?command, "{problem}; {}", problem.remedy);
        }
    });
}

/// Follows one engine after the other.
async fn follow(client: Client, seen: watch::Sender<Seen>) {
    let mut wait = FIRST_WAIT;
    let mut told = None;
    loop {
        let end = follow_one(&client, &seen).await;
        let gone = seen.send_if_modified(|seen| {
            seen.hosted = false;
            seen.snapshot.take().is_some()
        });
        if gone {
            tracing::info!("the engine is gone");
            (wait, told) = (FIRST_WAIT, None);
        }
        if let Err(problem) = end {
            // the same is true at each look, and said once
            if told.as_ref() != Some(&problem) {
                tracing::debug!("{problem}; {}", problem.remedy);
            }
            told = Some(problem);
        }
        tokio::time::sleep(wait).await;
        wait = (wait * 2).min(LONGEST_WAIT);
    }
}

/// Follows the engine until it ends.
async fn follow_one(client: &Client, seen: &watch::Sender<Seen>) -> Result<(), Problem> {
    let mut events = pin!(client.events().await?);
    while let Some(snapshot) = events.next().await {
        let now = Seen::of(Arc::new(snapshot?), process::id());
        let hosted = now.hosted;
        if seen.send_replace(now).snapshot.is_none() {
            tracing::info!(hosted, socket = %client.socket().display(), "follows an engine");
        }
    }
    Ok(())
}
