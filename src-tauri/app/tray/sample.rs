//! Snapshots for the tests.

use igloo_protocol::{API_VERSION, BuilderId, BuilderView, Code, EngineInfo, Phase, PrepareStep, Problem};
use igloo_protocol::{Rung, Snapshot};

pub fn snapshot(builders: impl IntoIterator<Item = BuilderView>) -> Snapshot {
    let engine = EngineInfo { version: "0.1.0".into(), api: API_VERSION, pid: 1, started_ms: 0 };
    Snapshot { seq: 1, engine, builders: builders.into_iter().collect() }
}

pub fn builder(id: BuilderId, phase: Phase) -> BuilderView {
    BuilderView { enabled: true, phase, cores: 2, memory_mib: 4096, disk_gib: 40, ..BuilderView::new(id) }
}

pub fn failed(message: &str) -> Phase {
    Phase::Failed { problem: Problem::new(Code::VmFailed, message, "start it again") }
}

/// One of every phase.
pub fn phases() -> Vec<Phase> {
    vec![
        Phase::Stopped,
        Phase::Preparing { step: PrepareStep::Image },
        Phase::Booting { rung: None },
        Phase::Booting { rung: Some(Rung::Login) },
        Phase::Ready,
        Phase::Draining { builds: 2 },
        Phase::Stopping,
        failed("it fell"),
    ]
}
