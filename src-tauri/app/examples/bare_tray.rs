//! The least that is a tray app by Tauri: an icon and a menu with Quit. `cargo xtask bench` measures Igloo beside it.

use tauri::{
    AppHandle, RunEvent,
    image::Image,
    menu::{Menu, MenuItem},
    tray::TrayIconBuilder,
};

const ICON: Image<'_> = tauri::include_image!("icons/tray/panel-stopped-22.png");

fn main() -> tauri::Result<()> {
    let app = tauri::Builder::default()
        .setup(|app| Ok(show(app.handle())?))
        .on_menu_event(|app, _| app.exit(0))
        .build(tauri::generate_context!())?;
    app.run(|_, event| {
        if let RunEvent::ExitRequested { api, code: None, .. } = event {
            api.prevent_exit();
        }
    });
    Ok(())
}

fn show(app: &AppHandle) -> tauri::Result<()> {
    let menu = Menu::with_items(app, &[&MenuItem::new(app, "Quit", true, None::<&str>)?])?;
    TrayIconBuilder::new().icon(ICON).menu(&menu).build(app).map(drop)
}
