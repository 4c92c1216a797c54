//! Igloo's faces: what the two programs of this package are made of. Thin clients of the engine.

pub mod cli;
mod host_nix;
mod image;
pub mod keychain;
pub mod log;
#[cfg(feature = "tray")]
mod login;
pub mod notify;
pub mod session;
pub mod setup;
mod toml_text;
#[cfg(feature = "tray")]
pub mod tray;
