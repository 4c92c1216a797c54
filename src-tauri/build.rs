//! Reads `tauri.conf.json` for the menu-bar app; without that feature there is nothing to do.

#[cfg(not(feature = "tray"))]
fn main() {}

#[cfg(feature = "tray")]
fn main() {
    use std::path::Path;
    use tauri_build::{AppManifest, Attributes};

    // include_image! does not watch the files that it embeds
    println!("cargo:rerun-if-changed=icons/tray");
    println!("cargo:rerun-if-changed=src-tauri/permissions");
    // npm makes the page. Where it did not run, the window says so, and everything else is as ever
    println!("cargo:rerun-if-changed=ui/dist/index.html");
    println!("cargo:rerun-if-env-changed=TAURI_CONFIG");
    if !Path::new("ui/dist/index.html").exists() && std::env::var_os("TAURI_CONFIG").is_none() {
        println!(r#"cargo:rustc-env=TAURI_CONFIG={{"build":{{"frontendDist":"ui/placeholder"}}}}"#);
    }
    let manifest = AppManifest::new().permissions_path_pattern("src-tauri/permissions/*.toml");
    if let Err(error) = tauri_build::try_build(Attributes::new().app_manifest(manifest)) {
        panic!("{error:#}");
    }
}
