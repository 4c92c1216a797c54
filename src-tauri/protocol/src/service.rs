//! Services of other programs that build for Linux on this machine: Igloo watches them, and starts or stops one.

use crate::Problem;
use serde::{Deserialize, Serialize};

/// Which service it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(rename_all = "snake_case")]
pub enum ServiceKind {
    /// nix-darwin's `nix.linux-builder`.
    LinuxBuilder,
    /// nix-rosetta-builder.
    RosettaBuilder,
    /// virby.
    Virby,
    /// Determinate's `nixosVmBasedLinuxBuilder`.
    DeterminateVm,
    /// Determinate's native Linux builder, which Nix itself starts for each build.
    DeterminateNative,
}

impl ServiceKind {
    /// Every kind that launchd runs.
    pub const LAUNCHD: [ServiceKind; 4] = [
        ServiceKind::LinuxBuilder,
        ServiceKind::RosettaBuilder,
        ServiceKind::Virby,
        ServiceKind::DeterminateVm,
    ];

    /// Its launchd label; of the one that launchd does not run, the name of Nix' setting.
    pub const fn label(self) -> &'static str {
        match self {
            ServiceKind::LinuxBuilder => "org.nixos.linux-builder",
            ServiceKind::RosettaBuilder => "org.nixos.rosetta-builderd",
            ServiceKind::Virby => "org.nixos.virbyd",
            ServiceKind::DeterminateVm => "org.nixos.nixos-vm-based-linux-builder",
            ServiceKind::DeterminateNative => "external-builders",
        }
    }

    /// What people call it.
    pub const fn name(self) -> &'static str {
        match self {
            ServiceKind::LinuxBuilder => "nix-darwin's linux-builder",
            ServiceKind::RosettaBuilder => "nix-rosetta-builder",
            ServiceKind::Virby => "virby",
            ServiceKind::DeterminateVm => "Determinate's VM-based builder",
            ServiceKind::DeterminateNative => "Determinate's native builder",
        }
    }

    /// The port that it listens on unless told otherwise; `None`: it has none.
    pub const fn default_port(self) -> Option<u16> {
        match self {
            ServiceKind::LinuxBuilder | ServiceKind::DeterminateVm => Some(31022),
            ServiceKind::RosettaBuilder => Some(31122),
            ServiceKind::Virby => Some(31222),
            ServiceKind::DeterminateNative => None,
        }
    }

    /// Whether `igloo-admin` can start and stop it.
    pub const fn is_controllable(self) -> bool {
        matches!(self, ServiceKind::LinuxBuilder)
    }
}

/// How a service is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(rename_all = "snake_case")]
pub enum ServiceState {
    /// Its process runs.
    Running,
    /// Nothing of it runs now; a connection or a build starts it.
    OnDemand,
    /// It should run and does not: it ended, and launchd starts it again.
    Failing,
    /// launchd does not have it loaded; the next start of the Mac brings it back.
    Stopped,
    /// As [`ServiceState::Stopped`], and it was told not to come back.
    Disabled,
    /// launchd did not say.
    Unknown,
}

impl ServiceState {
    /// In a word or two.
    pub const fn word(self) -> &'static str {
        match self {
            ServiceState::Running => "running",
            ServiceState::OnDemand => "on demand",
            ServiceState::Failing => "failing",
            ServiceState::Stopped => "stopped",
            ServiceState::Disabled => "disabled",
            ServiceState::Unknown => "unknown",
        }
    }

    /// Whether launchd has it loaded, so that it has its port or may take it at any time.
    pub const fn is_loaded(self) -> bool {
        matches!(self, ServiceState::Running | ServiceState::OnDemand | ServiceState::Failing)
    }
}

/// One service as faces show it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct ServiceView {
    /// [`ServiceKind::label`]
    pub label: String,
    /// Which one.
    pub kind: ServiceKind,
    /// [`ServiceKind::name`]
    pub name: String,
    /// How it is.
    pub state: ServiceState,
    /// The process that launchd started.
    pub pid: Option<u32>,
    /// The loopback port that it listens on while it runs.
    pub port: Option<u16>,
    /// Where its disk and its keys are.
    pub working_directory: Option<String>,
    /// Whether it is configured to forget everything at each start. `None`: not known.
    pub ephemeral: Option<bool>,
    /// What its disk takes up on this machine, in bytes. `None`: not known.
    pub disk_used: Option<u64>,
    /// What launchd runs.
    pub program: Option<String>,
    /// Whether Igloo can start and stop it.
    pub controllable: bool,
    /// What is wrong with it.
    pub problem: Option<Problem>,
}

impl ServiceView {
    /// A service of which nothing is known yet.
    pub fn new(kind: ServiceKind) -> ServiceView {
        ServiceView {
            label: kind.label().into(),
            kind,
            name: kind.name().into(),
            state: ServiceState::Unknown,
            pid: None,
            port: kind.default_port(),
            working_directory: None,
            ephemeral: None,
            disk_used: None,
            program: None,
            controllable: kind.is_controllable(),
            problem: None,
        }
    }
}
