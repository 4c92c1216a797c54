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
        self.0.send_if_modified(|snapshot| {
            let mut engine = snapshot.engine.clone();
            change(&mut engine);
            let differs = engine != snapshot.engine;
            if differs {
                let snapshot = Arc::make_mut(snapshot);
                snapshot.engine = engine;
                snapshot.seq += 1;
            }
            differs
        });
    }

    /// Changes one builder's view. Who subscribed is told only if it differs afterwards.
    pub fn update(&self, id: BuilderId, change: impl FnOnce(&mut BuilderView)) {
        self.0.send_if_modified(|snapshot| {
            let Some(at) = snapshot.builders.iter().position(|b| b.id == id) else { return false };
            let mut view = snapshot.builders[at].clone();
            change(&mut view);
            if view == snapshot.builders[at] {
                return false;
            }
            let snapshot = Arc::make_mut(snapshot);
            snapshot.builders[at] = view;
            snapshot.seq += 1;
            true
        });
    }
}

impl Hub {
    /// Changes what is known of other programs' services. Who subscribed is told only if it differs, which is returned.
    pub fn set_services(&self, services: Vec<ServiceView>) -> bool {
        self.0.send_if_modified(|snapshot| {
            if snapshot.services == services {
                return false;
            }
            let snapshot = Arc::make_mut(snapshot);
            snapshot.services = services;
            snapshot.seq += 1;
            true
        })
    }
}
