//! The status item and the menu that are shown, changed in place.

use super::{
    edit::edits,
    item::Items,
    menu::{Click, Kind, MenuModel},
};
use tauri::{
    AppHandle, Runtime,
    image::Image,
    menu::Menu,
    tray::{TrayIcon, TrayIconBuilder},
};

/// macOS draws a template itself; other bars show the picture as it is.
const TEMPLATE: bool = cfg!(target_os = "macos");

/// The status item and its menu, with the model that they show.
pub struct Shown<R: Runtime> {
    app: AppHandle<R>,
    model: MenuModel,
    icon: TrayIcon<R>,
    menu: Menu<R>,
    items: Items<R>,
}

impl<R: Runtime> Shown<R> {
    /// Shows the model. On the main thread.
    pub fn new(app: &AppHandle<R>, model: MenuModel) -> tauri::Result<Self> {
        let items = Items::new(app, &model.entries)?;
        let menu = Menu::with_items(app, &items.handles())?;
        let icon = TrayIconBuilder::with_id("igloo")
            .icon(picture(&model))
            .icon_as_template(TEMPLATE)
            .tooltip(&model.tooltip)
            .menu(&menu)
            .build(app)?;
        name(&icon, &model.title)?;
        Ok(Shown { app: app.clone(), model, icon, menu, items })
    }

    /// What a click on the item with this key does now. A mark is what the engine says, not what was clicked.
    pub fn click(&self, key: &str) -> Option<Click> {
        let entry = self.model.find(key)?;
        if let Kind::Check(on) = entry.kind
            && let Err(error) = self.items.mark(key, on)
        {
            tracing::error!(%error, "can't mark a menu's item");
        }
        entry.click.clone()
    }

    /// Shows another model: only what differs is touched.
    pub fn show(&mut self, model: MenuModel) -> tauri::Result<()> {
        self.items.edit(&self.app, &self.menu, edits(&self.model.entries, &model.entries))?;
        if (self.model.silhouette, self.model.badge) != (model.silhouette, model.badge) {
            self.icon.set_icon_with_as_template(Some(picture(&model)), TEMPLATE)?;
        }
        if self.model.tooltip != model.tooltip {
            self.icon.set_tooltip(Some(&model.tooltip))?;
        }
        if self.model.title != model.title {
            name(&self.icon, &model.title)?;
        }
        self.model = model;
        Ok(())
    }
}

fn picture(model: &MenuModel) -> Image<'static> {
    match TEMPLATE {
        true => model.silhouette.template(model.badge),
        false => model.silhouette.coloured(model.badge),
    }
}

/// Gives the status item its name for VoiceOver.
#[cfg(target_os = "macos")]
fn name<R: Runtime>(icon: &TrayIcon<R>, title: &str) -> tauri::Result<()> {
    use objc2::MainThreadMarker;
    use objc2_app_kit::NSAccessibility;
    use objc2_foundation::NSString;
    let title = title.to_owned();
    icon.with_inner_tray_icon(move |inner| {
        let Some(thread) = MainThreadMarker::new() else { return };
        let Some(button) = inner.ns_status_item().and_then(|item| item.button(thread)) else { return };
        button.setAccessibilityLabel(Some(&NSString::from_str(&title)));
    })
}

/// On Linux the item's name is the application's (`app::name_for_panels`), and its state is read in the menu:
/// the toolkit gives no safe way to change the name.
#[cfg(not(target_os = "macos"))]
fn name<R: Runtime>(_: &TrayIcon<R>, _: &str) -> tauri::Result<()> {
    Ok(())
}
