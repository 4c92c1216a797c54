//! Where the builders' views come together into one snapshot.

use crate::clock::now_ms;
use igloo_protocol::{API_VERSION, BuilderId, BuilderView, EngineInfo, ServiceView, Snapshot};
use std::sync::Arc;
use tokio::sync::watch;

/// The one snapshot of everything, and its changes. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Hub(watch::Sender<Arc<Snapshot>>);

impl Hub {
    /// A hub of these builders.
    pub fn new(builders: Vec<BuilderView>) -> Hub {
        let engine = EngineInfo {
            version: env!("CARGO_PKG_VERSION").into(),
            api: API_VERSION,
            pid: std::process::id(),
            started_ms: now_ms(),
            ..EngineInfo::default()
        };
        Hub(watch::Sender::new(Arc::new(Snapshot { seq: 0, engine, builders, services: Vec::new() })))
    }

    /// What there is to show, and its changes.
    pub fn subscribe(&self) -> watch::Receiver<Arc<Snapshot>> {
        self.0.subscribe()
    }

    /// Changes what is said of the engine and its machine. Who subscribed is told only if it differs afterwards.
    pub fn update_engine(&self, change: impl FnOnce(&mut EngineInfo)) {
        self.change(|snapshot| Some(&mut snapshot.engine), change);
    }

    /// Changes one builder's view. Who subscribed is told only if it differs afterwards.
    pub fn update(&self, id: BuilderId, change: impl FnOnce(&mut BuilderView)) {
        self.change(|snapshot| snapshot.builders.iter_mut().find(|b| b.id == id), change);
    }

    /// Changes what is known of other programs' services. Who subscribed is told only if it differs, which is returned.
    pub fn set_services(&self, services: Vec<ServiceView>) -> bool {
        self.change(|snapshot| Some(&mut snapshot.services), |now| *now = services)
    }

    /// Changes the part that `part` finds; whether it differs afterwards.
    fn change<T: Clone + PartialEq>(
        &self,
        part: impl FnOnce(&mut Snapshot) -> Option<&mut T>,
        change: impl FnOnce(&mut T),
    ) -> bool {
        self.0.send_if_modified(|snapshot| {
            let snapshot = Arc::make_mut(snapshot);
            let Some(part) = part(snapshot) else { return false };
            let before = part.clone();
            change(part);
            let differs = *part != before;
            snapshot.seq += u64::from(differs);
            differs
        })
    }
}
