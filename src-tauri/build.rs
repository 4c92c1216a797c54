//! Reads `tauri.conf.json` for the menu-bar app; without that feature there is nothing to do.

#[cfg(not(feature = "tray"))]
fn main() {}

#[cfg(feature = "tray")]
fn main() -> Result<(), Box<dyn std::error::Error>> {
    use tauri_build::{AppManifest, Attributes};

    page().map_err(|error| format!("can't put the window's page into ui/dist: {error}"))?;
    // include_image! does not watch the files that it embeds, and neither does what embeds the page
    for watched in ["icons/tray", "src-tauri/permissions", "ui/dist"] {
        println!("cargo:rerun-if-changed={watched}");
    }
    let manifest = AppManifest::new().permissions_path_pattern("src-tauri/permissions/*.toml");
    tauri_build::try_build(Attributes::new().app_manifest(manifest)).map_err(|error| format!("{error:#}"))?;
    Ok(())
}

/// npm makes the page. Where it did not run, a page that says so stands in, and everything else is as ever.
#[cfg(feature = "tray")]
fn page() -> std::io::Result<()> {
    let page = std::path::Path::new("ui/dist/index.html");
    if page.exists() {
        return Ok(());
    }
    std::fs::create_dir_all("ui/dist")?;
    std::fs::copy("ui/placeholder/index.html", page).map(drop)
}
