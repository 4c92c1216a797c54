//! Changes of root-owned files: planned and shown without privilege, applied and undone by the
//! small program `igloo-admin`.
//!
//! A caller with a face uses [`plan`], [`describe`] and [`diff`], then runs the command that
//! [`elevate`] gives and reads the [`Report`](igloo_protocol::plan::Report) from its standard output.
//! Nothing here reads the environment, opens a connection or starts a shell.

mod apply;
mod block;
pub mod daemon;
mod folder;
mod fresh;
#[doc(hidden)]
pub mod fuzzing;
pub mod helper;
mod in_force;
mod inspect;
mod install;
mod installation;
mod keys;
mod layout;
mod look;
pub mod machines;
pub mod nix_conf;
pub mod nix_config;
mod obstacles;
mod planner;
mod present;
mod problem;
mod receipt;
mod render;
mod root;
mod service;
mod setting;
mod snippet;
mod ssh_conf;
mod status;
mod undo;
mod wire;

pub mod elevate;

pub use apply::apply;
pub use inspect::inspect;
pub use install::install;
pub use installation::installation;
pub use planner::{describe, diff, plan};
pub use present::present;
pub use root::{Platform, Root, Watch};
pub use snippet::snippet;
pub use status::status;
pub use undo::undo;
pub use wire::{MAX_PLAN, decode, encode};
