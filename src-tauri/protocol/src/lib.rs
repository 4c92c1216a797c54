//! The types that cross a boundary of Igloo: engine to face (API, tray, window, CLI) and face to
//! `igloo-admin` (plans and receipts).
//!
//! Nothing here does anything: no I/O, no clock, no decisions beyond what a value means.

mod answers;
mod build;
mod builder;
mod command;
mod image;
mod installation;
mod key;
mod nix_config;
mod phase;
pub mod plan;
mod problem;
mod service;
mod setup;
mod snapshot;
#[cfg(test)]
mod typescript;

pub use answers::{Applies, BuilderQueue, SettingView, SshAccess};
pub use build::{Build, BuildEnd, BuildSource, BuildState, FinishedBuild};
pub use builder::{Accel, BuilderId, System, UnknownBuilder, UnknownSystem};
pub use command::{Command, SettingsPatch, StopMode};
pub use image::{ImageProgress, ImageStep, NixView, Tally};
pub use installation::{InstallKind, Installation};
pub use key::KeyPlace;
pub use nix_config::NixConfig;
pub use phase::{Phase, PrepareStep, Rung};
pub use problem::{Code, Problem};
pub use service::{ServiceKind, ServiceState, ServiceView};
pub use setup::{Drift, Needs, Setup};
pub use snapshot::{API_VERSION, BuilderView, DiskUse, EngineInfo, GuestInfo, Pending, Snapshot, Usage};
