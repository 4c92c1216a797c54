//! The engine's API, for the page.

use crate::tray::face::Face;
use igloo_protocol::{Command, Problem, SettingView, Snapshot};
use std::sync::Arc;
use tauri::State;

/// All there is to show, now. The event `snapshot` tells what changes, and `lost` that the engine is gone.
#[tauri::command]
pub async fn snapshot(face: State<'_, Arc<Face>>) -> Result<Snapshot, Problem> {
    face.client.snapshot().await
}

/// Asks the engine to do something. Answered once it is under way.
#[tauri::command]
pub async fn command(face: State<'_, Arc<Face>>, command: Command) -> Result<(), Problem> {
    face.client.command(&command).await
}

/// Every setting as it is in force.
#[tauri::command]
pub async fn settings(face: State<'_, Arc<Face>>) -> Result<Vec<SettingView>, Problem> {
    face.client.settings().await
}
