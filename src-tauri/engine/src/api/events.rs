//! Snapshots as server-sent events.

use axum::response::sse::{Event, KeepAlive, Sse};
use futures_util::{Stream, StreamExt};
use igloo_protocol::Snapshot;
use std::{convert::Infallible, sync::Arc, time::Duration};
use tokio::sync::watch;
use tokio_stream::wrappers::WatchStream;

/// How often a comment shows that the connection lives.
const KEEP_ALIVE: Duration = Duration::from_secs(15);

/// The name of the event that carries a whole snapshot.
pub const SNAPSHOT_EVENT: &str = "snapshot";

/// The snapshot of now, then one for each change; a slow reader is spared those in between.
/// Ends once `closing` says so.
pub fn stream(
    snapshots: watch::Receiver<Arc<Snapshot>>,
    closing: watch::Receiver<bool>,
) -> Sse<impl Stream<Item = Result<Event, Infallible>>> {
    let events = WatchStream::new(snapshots).filter_map(async |s| event(&s)).take_until(closed(closing));
    Sse::new(events.map(Ok)).keep_alive(KeepAlive::new().interval(KEEP_ALIVE))
}

/// Resolves once the server ends.
pub async fn closed(mut closing: watch::Receiver<bool>) {
    // an error means that the server is gone, which is the same
    let _ = closing.wait_for(|closed| *closed).await;
}

fn event(snapshot: &Snapshot) -> Option<Event> {
    let event = Event::default().event(SNAPSHOT_EVENT).id(snapshot.seq.to_string());
    event.json_data(snapshot).inspect_err(|e| tracing::error!("a snapshot is no JSON: {e}")).ok()
}
