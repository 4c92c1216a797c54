//! Everything that a face shows.

use crate::{
    Accel, Build, BuilderId, FinishedBuild, KeyPlace, Phase, Problem, Rung, ServiceView, Setup, System,
};
use serde::{Deserialize, Serialize};

/// The version of the API: the `v1` of its paths.
pub const API_VERSION: u32 = 1;

/// All that a face shows, at one moment.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct Snapshot {
    /// Counts up with every change.
    pub seq: u64,
    /// The engine itself.
    pub engine: EngineInfo,
    /// Every known builder, in the order of [`BuilderId::ALL`].
    pub builders: Vec<BuilderView>,
    /// Services of other programs that build for Linux here.
    #[serde(default)]
    pub services: Vec<ServiceView>,
}

impl Snapshot {
    /// The builder with this id.
    pub fn builder(&self, id: BuilderId) -> Option<&BuilderView> {
        self.builders.iter().find(|b| b.id == id)
    }
}

/// The engine itself, and the machine that it runs on.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct EngineInfo {
    /// Igloo's version.
    pub version: String,
    /// [`API_VERSION`]
    pub api: u32,
    /// The engine's process id.
    pub pid: u32,
    /// When it started: milliseconds since the Unix epoch.
    pub started_ms: u64,
    /// Whether the settings have the app open when its user logs in.
    #[serde(default)]
    pub open_at_login: bool,
    /// Whether this machine runs on its battery. `None`: it has none, or can't tell.
    #[serde(default)]
    pub on_battery: Option<bool>,
}

/// One builder as faces show it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct BuilderView {
    /// Which one.
    pub id: BuilderId,
    /// Whether the settings enable it.
    pub enabled: bool,
    /// The systems that it builds: as promised before it ran, as seen in the guest after.
    pub systems: Vec<System>,
    /// Where in its life it is.
    pub phase: Phase,
    /// When it entered this phase: milliseconds since the Unix epoch.
    pub since_ms: u64,
    /// The ssh alias.
    pub alias: String,
    /// The loopback port that Nix connects to.
    pub port: u16,
    /// Virtual processors at the next start.
    pub cores: u32,
    /// Memory at the next start, in MiB.
    pub memory_mib: u64,
    /// The size of the disk at the next start, in GiB.
    pub disk_gib: u64,
    /// Whether the next start is ephemeral.
    pub ephemeral: bool,
    /// Whether the persistent disk will be made clean at the next start.
    pub reset_pending: bool,
    /// What runs differs from the settings in these; it takes effect at the next start.
    pub pending: Vec<Pending>,
    /// What runs, while something runs.
    pub running: Option<GuestInfo>,
    /// The builds that run in the guest now. `None`: not known.
    pub builds: Option<Vec<Build>>,
    /// The builds that ended since the engine started, newest first: at most [`FinishedBuild::MOST`].
    #[serde(default)]
    pub finished: Vec<FinishedBuild>,
    /// Something that does not stop the builder but that the user should know.
    pub warning: Option<Problem>,
    /// Whether this machine's Nix is set up to build on it.
    #[serde(default)]
    pub setup: Setup,
    /// Where the key is that the user logs in with.
    #[serde(default)]
    pub key_in: KeyPlace,
}

impl BuilderView {
    /// A builder that was never started, before anybody chose anything for it.
    pub fn new(id: BuilderId) -> BuilderView {
        BuilderView {
            id,
            enabled: false,
            systems: vec![id.system()],
            phase: Phase::Stopped,
            since_ms: 0,
            alias: id.alias().into(),
            port: id.default_port(),
            cores: 0,
            memory_mib: 0,
            disk_gib: 0,
            ephemeral: false,
            reset_pending: false,
            pending: Vec::new(),
            running: None,
            builds: None,
            finished: Vec::new(),
            warning: None,
            setup: Setup::Unknown,
            key_in: KeyPlace::None,
        }
    }
}

/// A setting that takes effect at the next start.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(rename_all = "snake_case")]
pub enum Pending {
    /// Virtual processors.
    Cores,
    /// Memory.
    Memory,
    /// Size of the disk.
    Disk,
    /// Ephemeral or not.
    Ephemeral,
    /// The port.
    Port,
    /// The image.
    Image,
}

/// The virtual machine that runs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct GuestInfo {
    /// The hypervisor's process id.
    pub pid: u32,
    /// How the guest's processor is run.
    pub accel: Accel,
    /// Whether it writes to a throwaway disk.
    pub ephemeral: bool,
    /// Virtual processors that it has.
    pub cores: u32,
    /// Memory that it has, in MiB.
    pub memory_mib: u64,
    /// When it was started: milliseconds since the Unix epoch.
    pub started_ms: u64,
    /// Milliseconds from the start to each rung that was reached. Empty after an adoption.
    pub climbed: Vec<(Rung, u64)>,
    /// The user to log in as.
    #[serde(default)]
    pub user: String,
    /// The host key that the guest must show: type and base64.
    #[serde(default)]
    pub host_key: String,
    /// The version of Nix in the guest.
    pub nix_version: Option<String>,
    /// What its Nix can do for derivations that ask for it (`system-features`), as it says itself. Empty until then.
    #[serde(default)]
    pub features: Vec<String>,
    /// What it uses, as of the last look.
    pub usage: Option<Usage>,
}

/// What a guest uses.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct Usage {
    /// Share of all its processors in use since the look before, 0 to 1.
    pub cpu: f64,
    /// Memory in use, in bytes: the total less what is available.
    pub memory_used: u64,
    /// All its memory, in bytes.
    pub memory_total: u64,
    /// The file system that holds the store.
    pub disk: DiskUse,
}

/// A file system's use, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct DiskUse {
    /// In use.
    pub used: u64,
    /// All there is.
    pub total: u64,
}
