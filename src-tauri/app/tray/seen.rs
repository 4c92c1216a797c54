//! What the app knows of the engine.

use igloo_protocol::{Problem, Snapshot};
use std::sync::Arc;
use tokio::sync::watch;

/// What the app knows of the engine. All that its faces show comes from this.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Seen {
    /// What the engine says. `None`: none answers.
    pub snapshot: Option<Arc<Snapshot>>,
    /// Why this process can't run an engine itself, as long as none answers.
    pub trouble: Option<Problem>,
    /// Whether the engine is this process: it ends with the app.
    pub hosted: bool,
}

impl Seen {
    /// What an engine says, to the process with this id.
    pub fn of(snapshot: Arc<Snapshot>, own_pid: u32) -> Seen {
        Seen { hosted: snapshot.engine.pid == own_pid, snapshot: Some(snapshot), trouble: None }
    }
}

/// What the app knows of the engine, as it changes.
pub type Sight = watch::Receiver<Seen>;
