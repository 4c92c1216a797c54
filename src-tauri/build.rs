//! Reads `tauri.conf.json` for the menu-bar app; without that feature there is nothing to do.

fn main() {
    #[cfg(feature = "tray")]
    {
        // include_image! does not watch the files that it embeds
        println!("cargo:rerun-if-changed=icons/tray");
        tauri_build::build();
    }
}
