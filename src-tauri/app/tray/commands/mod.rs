//! What the window's page can ask for: each is one call of the engine's API or of `igloo-admin`'s library. The
//! window may call these and nothing else (`src-tauri/permissions`).

mod desk;
mod engine;
mod image;
pub mod log;
pub mod service;
mod setup;

use tauri::{Wry, ipc::Invoke};

/// Answers the page.
pub fn handler() -> impl Fn(Invoke<Wry>) -> bool + Send + Sync + 'static {
    tauri::generate_handler![
        engine::snapshot,
        engine::command,
        engine::settings,
        image::image_build,
        image::image_cancel,
        log::log,
        log::follow_log,
        log::unfollow_log,
        setup::installation,
        setup::setup_plan,
        setup::setup_apply,
        setup::setup_undo,
        setup::setup_status,
        service::service_plan,
        desk::open_terminal,
        desk::terminals,
        desk::first_run_done,
        desk::copy,
        desk::page,
    ]
}
