//! The menu-bar app: a status item, its menu and a window, faces of the engine like any other, and the engine itself
//! where no other process runs one.
//!
//! [`menu`] decides what is shown and [`edit`] what of it changes, both pure; [`shown`] does it to Tauri's items. What
//! is shown comes from what is [`seen`] of the engine and nothing else; what is clicked becomes a command.

mod app;
mod clipboard;
mod commands;
pub mod edit;
mod face;
mod first_run;
mod host;
pub mod instance;
mod item;
pub mod link;
#[cfg(test)]
mod link_tests;
pub mod menu;
pub mod page;
pub mod program;
#[cfg(test)]
mod sample;
pub mod seen;
mod shown;
pub mod silhouette;
pub mod terminal;
mod window;

pub use app::{Parts, run};
