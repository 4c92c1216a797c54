//! Reads `tauri.conf.json` for the menu-bar app; without that feature there is nothing to do.

fn main() {
    #[cfg(feature = "tray")]
    tauri_build::build();
}
