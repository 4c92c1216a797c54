//! A builder's image, for the page.

use crate::{
    image::{self, Wish},
    tray::{face::Face, window::LABEL},
};
use igloo_protocol::{BuilderId, ImageProgress, ImageStep, Problem};
use std::sync::Arc;
use tauri::{AppHandle, Emitter, State};
use tokio::sync::watch;

/// Makes an image of the nixpkgs in the settings, and lets a builder use it. Answered when it is there; the event
/// `image` tells how far it is. One at a time.
#[tauri::command]
pub async fn image_build(
    app: AppHandle,
    face: State<'_, Arc<Face>>,
    builder: BuilderId,
) -> Result<(), Problem> {
    let wish = Wish { builder, nixpkgs: None, config: None };
    let tell = |doing| {
        if let Err(error) = app.emit_to(LABEL, "image", ImageProgress { builder, doing }) {
            tracing::debug!(%error, "the window is gone");
        }
    };
    let (sender, steps) = watch::channel(None);
    let on_step = |step: &ImageStep| {
        sender.send_replace(Some(step.clone()));
    };
    let work = Box::pin(image::make(&face.client, &face.paths, &wish, &on_step));
    face.image.run(builder, work, steps, tell).await.map(drop)
}

/// Ends what [`image_build`] is at, if it is at anything.
#[tauri::command]
pub fn image_cancel(face: State<'_, Arc<Face>>) {
    face.image.stop();
}
