//! What the tests of the commands share, and the promises of `docs/`.

use super::Cli;
use clap::CommandFactory;
use igloo_protocol::{
    API_VERSION, Accel, Build, BuildSource, BuildState, BuilderId, BuilderView, Code, DiskUse, EngineInfo,
    GuestInfo, Phase, ServiceKind, ServiceState, ServiceView, Snapshot, Usage,
};

/// Two builders that are stopped; only `x86_64` is enabled.
pub fn snapshot() -> Snapshot {
    let builders = BuilderId::ALL.map(|id| BuilderView {
        enabled: id == BuilderId::X86_64,
        since_ms: 1000,
        cores: 2,
        memory_mib: 3072,
        disk_gib: 40,
        ..BuilderView::new(id)
    });
    let engine = EngineInfo {
        version: "0.1.0".into(),
        api: API_VERSION,
        pid: 7,
        started_ms: 0,
        ..EngineInfo::default()
    };
    Snapshot { seq: 1, engine, builders: builders.into(), services: Vec::new() }
}

/// Makes a builder ready, with a guest that has run since 30 s after the epoch.
pub fn ready(view: &mut BuilderView) {
    view.phase = Phase::Ready;
    view.since_ms = 60_000;
    view.running = Some(GuestInfo {
        pid: 8,
        accel: Accel::Tcg,
        ephemeral: false,
        cores: 2,
        memory_mib: 3072,
        started_ms: 30_000,
        climbed: Vec::new(),
        user: "builder".into(),
        host_key: String::new(),
        nix_version: Some("2.31.2".into()),
        features: Vec::new(),
        usage: Some(Usage {
            cpu: 0.5,
            memory_used: 512 << 20,
            memory_total: 2970 << 20,
            disk: DiskUse { used: 4 << 30, total: 40 << 30 },
        }),
    });
    view.builds = Some(Vec::new());
}

/// nix-darwin's builder, which runs.
pub fn linux_builder() -> ServiceView {
    ServiceView {
        state: ServiceState::Running,
        pid: Some(812),
        working_directory: Some("/var/lib/linux-builder".into()),
        ephemeral: Some(true),
        disk_used: Some(7 << 30),
        ..ServiceView::new(ServiceKind::LinuxBuilder)
    }
}

/// A build that has run for 92 s.
pub fn build(name: Option<&str>) -> Build {
    Build {
        derivation: name.map(str::to_owned),
        state: BuildState::Running,
        elapsed_s: Some(92.0),
        cpu_s: None,
        source: BuildSource::GuestProcesses,
    }
}

#[test]
fn the_command_line_is_well_formed() {
    Cli::command().debug_assert();
}

#[test]
fn every_exit_code_is_documented() {
    let rows =
        Code::ALL.iter().map(|c| format!("| {} | `{}` | {} |\n", c.exit_code(), c.as_str(), c.meaning()));
    let table: String = rows.collect();
    let documented = include_str!("../../../docs/exit-codes.md");
    assert!(documented.contains(&table), "docs/exit-codes.md lacks this table:\n{table}");
}

#[test]
fn every_command_is_documented() {
    let documented = include_str!("../../../docs/cli.md");
    for command in Cli::command().get_subcommands() {
        let heading = format!("## igloo {}\n", command.get_name());
        assert!(documented.contains(&heading), "docs/cli.md lacks {heading:?}");
    }
}
