//! What the tray and the window share.

use super::{commands::log::Followers, page::Page, seen::Sight, terminal::OpenTerminal};
use crate::image::turn::Turn;
use igloo_engine::{api::Client, host::Paths};
use igloo_protocol::Problem;
use std::sync::{Arc, Mutex};
use tokio::runtime::Handle;

/// What the tray and the window share.
pub struct Face {
    /// What is known of the engine.
    pub sight: Sight,
    /// The way to the engine.
    pub client: Client,
    /// What runs tasks.
    pub runtime: Handle,
    /// Where Igloo keeps its files.
    pub paths: Paths,
    /// The command line's `igloo`, as a shell takes it.
    pub program: String,
    /// What opens terminals.
    pub terminal: Arc<dyn OpenTerminal>,
    /// The page that a new window shows.
    pub page: Mutex<Page>,
    /// The logs that the window follows.
    pub logs: Followers,
    /// The image that is made for the window.
    pub image: Turn,
}

/// Logs what became of something that nobody waits for.
pub fn report(result: Result<(), Problem>, what: &str) {
    if let Err(problem) = result {
        tracing::error!(what, "{problem}; {}", problem.remedy);
    }
}
