//! Everything Igloo does, with no window in it.
//!
//! `docs/architecture.md` is the map. One direction only: this crate names `igloo-protocol` and
//! nothing of the faces.

pub mod api;
pub mod builder;
pub mod clock;
mod engine;
mod files;
pub mod gateway;
pub mod guest;
pub mod host;
pub mod image;
pub mod keys;
pub mod known;
mod lock;
pub mod services;
pub mod settings;
mod socket;
pub mod vm;

pub use engine::serve;
