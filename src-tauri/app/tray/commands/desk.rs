//! What the page asks of the desktop.

use crate::tray::{
    clipboard,
    face::Face,
    first_run,
    terminal::{self, Terminal},
};
use igloo_protocol::{BuilderId, Problem};
use std::sync::{Arc, PoisonError};
use tauri::State;

/// Opens a terminal with a shell in a builder.
#[tauri::command]
pub async fn open_terminal(face: State<'_, Arc<Face>>, builder: BuilderId) -> Result<(), Problem> {
    terminal::open(&face.terminal, &face.client, builder).await
}

/// The terminals that are installed.
#[tauri::command]
pub fn terminals(face: State<'_, Arc<Face>>) -> Vec<Terminal> {
    face.terminal.installed()
}

/// The first run was gone through, or skipped.
#[tauri::command]
pub fn first_run_done(face: State<'_, Arc<Face>>) -> Result<(), Problem> {
    first_run::done(&face.paths)
}

/// Puts a text into the clipboard.
#[tauri::command]
pub fn copy(text: String) -> Result<(), Problem> {
    clipboard::put(text)
}

/// The route of the page that the window was opened for.
#[tauri::command]
pub fn page(face: State<'_, Arc<Face>>) -> String {
    face.page.lock().unwrap_or_else(PoisonError::into_inner).route()
}
