//! The clipboard.

use arboard::Clipboard;
use igloo_protocol::{Code, Problem};
use std::sync::{Mutex, OnceLock, PoisonError};

/// Kept while the app runs: on X11 and Wayland a text is gone once its owner is.
static KEPT: OnceLock<Mutex<Option<Clipboard>>> = OnceLock::new();

/// Puts a text into the clipboard.
///
/// # Errors
/// [`Code::Internal`] where the desktop gives none.
pub fn put(text: String) -> Result<(), Problem> {
    let mut kept = KEPT.get_or_init(Mutex::default).lock().unwrap_or_else(PoisonError::into_inner);
    let put = match kept.take() {
        Some(clipboard) => Ok(clipboard),
        None => Clipboard::new(),
    };
    let clipboard = put.and_then(|mut clipboard| clipboard.set_text(text).map(|()| clipboard));
    *kept = Some(clipboard.map_err(|e| {
        Problem::new(
            Code::Internal,
            format!("can't use the clipboard: {e}"),
            "mark the text and copy it by hand",
        )
    })?);
    Ok(())
}
