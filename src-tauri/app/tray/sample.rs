//! Snapshots for the tests.

use super::seen::Seen;
use igloo_protocol::{
    API_VERSION, Accel, Build, BuildSource, BuildState, BuilderId, BuilderView, Code, DiskUse, EngineInfo,
    GuestInfo, Phase, PrepareStep, Problem, Rung, Snapshot, Usage,
};

/// The engine's process id.
pub const PID: u32 = 1;

pub const HOST_KEY: &str = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJBWcxb/Blaqt1auOtE+F8QUWrUotiC5qBJ+UuEWdVCb";

pub fn snapshot(builders: impl IntoIterator<Item = BuilderView>) -> Snapshot {
    let engine = EngineInfo {
        version: "0.1.0".into(),
        api: API_VERSION,
        pid: PID,
        started_ms: 0,
        ..EngineInfo::default()
    };
    Snapshot { seq: 1, engine, builders: builders.into_iter().collect(), services: Vec::new() }
}

/// What a hosted engine says.
pub fn seen(builders: impl IntoIterator<Item = BuilderView>) -> Seen {
    Seen::of(snapshot(builders).into(), PID)
}

pub fn builder(id: BuilderId, phase: Phase) -> BuilderView {
    BuilderView { enabled: true, phase, cores: 2, memory_mib: 4096, disk_gib: 40, ..BuilderView::new(id) }
}

pub fn failed(message: &str) -> Phase {
    Phase::Failed { problem: Problem::new(Code::VmFailed, message, "start it again") }
}

/// A build that has run for 92 seconds.
pub fn build(name: &str) -> Build {
    Build {
        derivation: Some(name.into()),
        state: BuildState::Running,
        elapsed_s: Some(92.4),
        cpu_s: None,
        source: BuildSource::GuestProcesses,
    }
}

pub fn guest() -> GuestInfo {
    let disk = DiskUse { used: 1, total: 2 };
    GuestInfo {
        pid: 1,
        accel: Accel::Tcg,
        ephemeral: false,
        cores: 1,
        memory_mib: 8192,
        started_ms: 0,
        climbed: vec![],
        user: "builder".into(),
        host_key: HOST_KEY.into(),
        nix_version: None,
        features: vec!["big-parallel".into()],
        usage: Some(Usage { cpu: 0.5, memory_used: 4_400_000_000, memory_total: 8 << 30, disk }),
    }
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
