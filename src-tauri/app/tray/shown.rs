//! The status item and the menu that are shown, changed in place.

use super::{
    edit::{Edit, edits},
    menu::{Click, Entry, Id, MenuModel},
    silhouette::Silhouette,
};
use tauri::{
    AppHandle, Runtime,
    image::Image,
    menu::{IsMenuItem, Menu, MenuItem, PredefinedMenuItem},
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
    /// As many as `model.entries`, in the same order.
    items: Vec<Item<R>>,
}

/// What the toolkit shows for an entry.
enum Item<R: Runtime> {
    Line(MenuItem<R>),
    Rule(PredefinedMenuItem<R>),
}

impl<R: Runtime> Shown<R> {
    /// Shows the model. On the main thread.
    pub fn new(app: &AppHandle<R>, model: MenuModel) -> tauri::Result<Self> {
        let items = model.entries.iter().map(|e| Item::new(app, e)).collect::<tauri::Result<Vec<_>>>()?;
        let menu = Menu::with_items(app, &items.iter().map(Item::handle).collect::<Vec<_>>())?;
        let icon = TrayIconBuilder::with_id("igloo")
            .icon(picture(model.silhouette))
            .icon_as_template(TEMPLATE)
            .tooltip(&model.tooltip)
            .menu(&menu)
            .build(app)?;
        Ok(Shown { app: app.clone(), model, icon, menu, items })
    }

    /// What a click on the item with this key does now.
    pub fn click(&self, key: &str) -> Option<Click> {
        self.model.entries.iter().find(|e| e.id.key() == key)?.click.clone()
    }

    /// Shows another model: only what differs is touched.
    pub fn show(&mut self, model: MenuModel) -> tauri::Result<()> {
        for edit in edits(&self.model.entries, &model.entries) {
            self.edit(edit)?;
        }
        if self.model.silhouette != model.silhouette {
            self.icon.set_icon_with_as_template(Some(picture(model.silhouette)), TEMPLATE)?;
        }
        if self.model.tooltip != model.tooltip {
            self.icon.set_tooltip(Some(&model.tooltip))?;
        }
        self.model = model;
        Ok(())
    }

    fn edit(&mut self, edit: Edit) -> tauri::Result<()> {
        match edit {
            Edit::Remove { at } => self.menu.remove(self.items.remove(at).handle()),
            Edit::Insert { at, entry } => {
                let item = Item::new(&self.app, &entry)?;
                self.menu.insert(item.handle(), at)?;
                self.items.insert(at, item);
                Ok(())
            }
            Edit::Text { at, text } => self.line(at, |line| line.set_text(escape(&text))),
            Edit::Enable { at, on } => self.line(at, |line| line.set_enabled(on)),
        }
    }

    fn line(&self, at: usize, change: impl FnOnce(&MenuItem<R>) -> tauri::Result<()>) -> tauri::Result<()> {
        match self.items.get(at) {
            Some(Item::Line(line)) => change(line),
            Some(Item::Rule(_)) | None => Ok(()),
        }
    }
}

impl<R: Runtime> Item<R> {
    fn new(app: &AppHandle<R>, entry: &Entry) -> tauri::Result<Self> {
        if entry.id == Id::Rule {
            return PredefinedMenuItem::separator(app).map(Item::Rule);
        }
        let enabled = entry.click.is_some();
        MenuItem::with_id(app, entry.id.key(), escape(&entry.text), enabled, None::<&str>).map(Item::Line)
    }

    fn handle(&self) -> &dyn IsMenuItem<R> {
        match self {
            Item::Line(line) => line,
            Item::Rule(rule) => rule,
        }
    }
}

fn picture(silhouette: Silhouette) -> Image<'static> {
    if TEMPLATE { silhouette.template() } else { silhouette.coloured() }
}

/// `&` marks a mnemonic to the toolkit; doubled it is a letter.
fn escape(text: &str) -> String {
    text.replace('&', "&&")
}
