//! What the tests of the app stand on.

mod desktop;
mod engine;
mod page;
mod tray;
mod windows;

/// What the end-to-end tests stand on: an Igloo with a real machine, and a sandbox with a real Nix.
#[path = "../../e2e/support/mod.rs"]
#[allow(dead_code, unused_imports)]
pub mod real;

/// The desktop's notifications.
#[path = "../../support/notifications.rs"]
mod notifications;

pub use desktop::{Desktop, Proc, private, wait_for};
pub use engine::{Engine, build, builder, setting};
pub use page::{DRIVER, ENTER, Page};
pub use tray::Tray;
pub use windows::Windows;

/// The menu-bar app.
pub const TRAY: &str = env!("CARGO_BIN_EXE_igloo-tray");

/// The command line.
pub const CLI: &str = env!("CARGO_BIN_EXE_igloo");
