//! The user's choices: one TOML file, edited without losing what the user wrote beside the values.

mod fields;
mod known;
mod store;

use crate::vm::Setting;
use igloo_protocol::BuilderId;
use std::path::PathBuf;

pub use fields::{BUILDER, Field, GENERAL};
pub use store::Store;

/// What this host has, from which the defaults follow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HostSize {
    /// Processors.
    pub cores: u32,
    /// Memory, in MiB.
    pub memory_mib: u64,
}

impl HostSize {
    /// Asks the host. What it does not tell is taken to be small.
    pub fn detect() -> HostSize {
        let cores =
            std::thread::available_parallelism().map_or(2, |n| u32::try_from(n.get()).unwrap_or(u32::MAX));
        let memory_mib = crate::host::memory_bytes().map_or(8192, |b| b >> 20);
        HostSize { cores, memory_mib }
    }
}

/// The choices for one builder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BuilderSettings {
    /// Whether it is there at all.
    pub enabled: bool,
    /// Virtual processors.
    pub cores: u32,
    /// Memory, in MiB.
    pub memory_mib: u64,
    /// Size of the disk, in GiB. It grows and never shrinks.
    pub disk_gib: u64,
    /// Whether starts write to a throwaway disk.
    pub ephemeral: bool,
    /// The loopback port that Nix connects to.
    pub port: u16,
    /// The image's folder.
    pub image: Option<PathBuf>,
    /// Which acceleration.
    pub accel: Setting,
}

impl BuilderSettings {
    /// Half of the host's processors, a quarter of its memory (at least 3 GiB, what nixpkgs'
    /// builder has), 40 GiB of sparse disk; only the builder native to the host is enabled.
    fn default_for(id: BuilderId, host: HostSize) -> BuilderSettings {
        BuilderSettings {
            enabled: id == BuilderId::native(),
            cores: (host.cores / 2).max(1),
            memory_mib: (host.memory_mib / 4).max(3072),
            disk_gib: 40,
            ephemeral: false,
            port: id.default_port(),
            image: None,
            accel: Setting::Auto,
        }
    }
}

/// A release, whose builder stays in the cache and whose tag never moves.
const NIXPKGS: &str = "github:NixOS/nixpkgs/25.11";

/// The choices that are not a builder's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct General {
    /// The terminal to open a builder in; `None`: the first that is found.
    pub terminal: Option<String>,
    /// Where the nixpkgs is from that images are built of: a flake, a folder or a channel.
    pub nixpkgs: String,
    /// Whether the app opens when its user logs in.
    pub open_at_login: bool,
    /// Whether builders are stopped when this machine goes on battery.
    pub stop_on_battery: bool,
    /// Whether the user's keys are kept in the keychain, where there is one.
    pub keychain: bool,
    /// What is notified.
    pub notify: Notify,
}

impl Default for General {
    fn default() -> General {
        let notify = Notify { build_failed: true, builder_failed: true, disk_nearly_full: true };
        General {
            terminal: None,
            nixpkgs: NIXPKGS.into(),
            open_at_login: false,
            stop_on_battery: false,
            keychain: true,
            notify,
        }
    }
}

/// What is notified. Never what the user just did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Notify {
    /// A build failed.
    pub build_failed: bool,
    /// A builder failed.
    pub builder_failed: bool,
    /// A builder's disk is nearly full.
    pub disk_nearly_full: bool,
}

/// All the user's choices.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Those that are not a builder's.
    pub general: General,
    aarch64: BuilderSettings,
    x86_64: BuilderSettings,
}

impl Settings {
    /// What holds where the user chose nothing.
    pub fn defaults(host: HostSize) -> Settings {
        let of = |id| BuilderSettings::default_for(id, host);
        Settings {
            general: General::default(),
            aarch64: of(BuilderId::Aarch64),
            x86_64: of(BuilderId::X86_64),
        }
    }

    /// The choices for one builder.
    pub fn builder(&self, id: BuilderId) -> &BuilderSettings {
        match id {
            BuilderId::Aarch64 => &self.aarch64,
            BuilderId::X86_64 => &self.x86_64,
        }
    }

    fn builder_mut(&mut self, id: BuilderId) -> &mut BuilderSettings {
        match id {
            BuilderId::Aarch64 => &mut self.aarch64,
            BuilderId::X86_64 => &mut self.x86_64,
        }
    }

    /// What no single value shows: two builders on one port.
    fn check(&self) -> Result<(), String> {
        if self.aarch64.port == self.x86_64.port {
            return Err(format!("both builders have the port {}; each needs its own", self.x86_64.port));
        }
        Ok(())
    }
}
