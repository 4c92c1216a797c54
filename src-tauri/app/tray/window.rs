//! The window: made when it is asked for, gone when it is closed. A hidden one would cost as much memory as one
//! that is seen.

use super::{face::Face, page::Page};
use igloo_protocol::{Code, Problem};
use std::sync::{Arc, PoisonError};
use tauri::{AppHandle, Emitter, Manager, WebviewUrl, WebviewWindow, WebviewWindowBuilder, WindowEvent};

/// The window's label: its rights are those of this name (`tauri.conf.json`).
pub const LABEL: &str = "main";

/// Width and height at first, in logical pixels.
const SIZE: (f64, f64) = (880.0, 620.0);

/// Width and height at least, in logical pixels.
const LEAST: (f64, f64) = (720.0, 480.0);

/// Shows the window, at a page where one is asked for. A window that is open is brought to the front.
pub fn open(app: &AppHandle, page: Option<Page>) {
    let opened = match app.get_webview_window(LABEL) {
        Some(window) => raise(&window, page),
        None => make(app, page.unwrap_or_default()),
    };
    if let Err(error) = opened {
        tracing::error!(%error, "can't open the window");
    }
}

fn make(app: &AppHandle, page: Page) -> tauri::Result<()> {
    let face = app.state::<Arc<Face>>();
    *face.page.lock().unwrap_or_else(PoisonError::into_inner) = page;
    let window = WebviewWindowBuilder::new(app, LABEL, WebviewUrl::default())
        .title("Igloo")
        .inner_size(SIZE.0, SIZE.1)
        .min_inner_size(LEAST.0, LEAST.1)
        .center()
        .focused(true)
        .build()?;
    let face = Arc::clone(&face);
    window.on_window_event(move |event| {
        if let WindowEvent::Destroyed = event {
            face.logs.stop_all();
        }
    });
    Ok(())
}

fn raise(window: &WebviewWindow, page: Option<Page>) -> tauri::Result<()> {
    window.unminimize()?;
    window.show()?;
    window.set_focus()?;
    let Some(page) = page else { return Ok(()) };
    let mut url = window.url()?;
    url.set_fragment(Some(page.route().trim_start_matches('#')));
    window.navigate(url)
}

/// Tells the window, while there is one, what is known of the engine.
pub fn tell(app: &AppHandle, face: &Face) {
    let seen = face.sight.borrow().clone();
    let told = match &seen.snapshot {
        Some(snapshot) => app.emit_to(LABEL, "snapshot", &**snapshot),
        None => app.emit_to(LABEL, "lost", seen.trouble.unwrap_or_else(no_engine)),
    };
    if let Err(error) = told {
        tracing::debug!(%error, "the window is gone");
    }
}

/// What the window is told while the engine is starting, or starting again.
fn no_engine() -> Problem {
    Problem::new(
        Code::NoEngine,
        "the engine is starting",
        "wait a moment; if it stays so, quit Igloo and open it again",
    )
}
