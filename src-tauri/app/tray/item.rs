//! The toolkit's items: one for each entry of the menu, made once and changed in place.

use super::{
    edit::Edit,
    menu::{Entry, Id, Kind},
};
use tauri::{
    AppHandle, Runtime,
    menu::{CheckMenuItem, IsMenuItem, Menu, MenuItem, PredefinedMenuItem, Submenu},
};

/// What the toolkit shows for an entry.
pub enum Item<R: Runtime> {
    Line(MenuItem<R>),
    Check(CheckMenuItem<R>),
    Submenu(Submenu<R>, Items<R>),
    Rule(PredefinedMenuItem<R>),
}

impl<R: Runtime> Item<R> {
    fn new(app: &AppHandle<R>, entry: &Entry) -> tauri::Result<Self> {
        let (key, text, enabled) = (entry.id.key(), escape(&entry.text), entry.enabled());
        let keys = accelerator(&entry.id, KEYS);
        Ok(match &entry.kind {
            Kind::Rule => Item::Rule(PredefinedMenuItem::separator(app)?),
            Kind::Line => Item::Line(MenuItem::with_id(app, key, text, enabled, keys)?),
            Kind::Check(on) => Item::Check(CheckMenuItem::with_id(app, key, text, enabled, *on, keys)?),
            Kind::Submenu(within) => {
                let items = Items::new(app, within)?;
                let menu = Submenu::with_id_and_items(app, key, text, enabled, &items.handles())?;
                Item::Submenu(menu, items)
            }
        })
    }

    fn handle(&self) -> &dyn IsMenuItem<R> {
        match self {
            Item::Line(item) => item,
            Item::Check(item) => item,
            Item::Submenu(item, _) => item,
            Item::Rule(item) => item,
        }
    }

    fn set_text(&self, text: &str) -> tauri::Result<()> {
        let text = escape(text);
        match self {
            Item::Line(item) => item.set_text(text),
            Item::Check(item) => item.set_text(text),
            Item::Submenu(item, _) => item.set_text(text),
            Item::Rule(_) => Ok(()),
        }
    }

    fn set_enabled(&self, on: bool) -> tauri::Result<()> {
        match self {
            Item::Line(item) => item.set_enabled(on),
            Item::Check(item) => item.set_enabled(on),
            Item::Submenu(item, _) => item.set_enabled(on),
            Item::Rule(_) => Ok(()),
        }
    }

    fn set_checked(&self, on: bool) -> tauri::Result<()> {
        if let Item::Check(item) = self { item.set_checked(on) } else { Ok(()) }
    }
}

/// What can have items put in and taken out.
pub trait Container<R: Runtime> {
    /// Puts an item in.
    fn put(&self, item: &dyn IsMenuItem<R>, at: usize) -> tauri::Result<()>;
    /// Takes an item out.
    fn take(&self, item: &dyn IsMenuItem<R>) -> tauri::Result<()>;
}

impl<R: Runtime> Container<R> for Menu<R> {
    fn put(&self, item: &dyn IsMenuItem<R>, at: usize) -> tauri::Result<()> {
        self.insert(item, at)
    }

    fn take(&self, item: &dyn IsMenuItem<R>) -> tauri::Result<()> {
        self.remove(item)
    }
}

impl<R: Runtime> Container<R> for Submenu<R> {
    fn put(&self, item: &dyn IsMenuItem<R>, at: usize) -> tauri::Result<()> {
        self.insert(item, at)
    }

    fn take(&self, item: &dyn IsMenuItem<R>) -> tauri::Result<()> {
        self.remove(item)
    }
}

/// The items of a menu, in the order of its entries.
pub struct Items<R: Runtime>(Vec<Item<R>>);

impl<R: Runtime> Items<R> {
    /// Makes an item for each entry.
    pub fn new(app: &AppHandle<R>, entries: &[Entry]) -> tauri::Result<Self> {
        entries.iter().map(|e| Item::new(app, e)).collect::<tauri::Result<_>>().map(Items)
    }

    /// The items as the toolkit takes them.
    pub fn handles(&self) -> Vec<&dyn IsMenuItem<R>> {
        self.0.iter().map(Item::handle).collect()
    }

    /// Carries edits out on the menu that holds these items.
    pub fn edit(
        &mut self,
        app: &AppHandle<R>,
        menu: &impl Container<R>,
        edits: Vec<Edit>,
    ) -> tauri::Result<()> {
        edits.into_iter().try_for_each(|edit| self.edit_one(app, menu, edit))
    }

    fn edit_one(&mut self, app: &AppHandle<R>, menu: &impl Container<R>, edit: Edit) -> tauri::Result<()> {
        match edit {
            Edit::Remove { at } => menu.take(self.0.remove(at).handle()),
            Edit::Insert { at, entry } => {
                let item = Item::new(app, &entry)?;
                menu.put(item.handle(), at)?;
                self.0.insert(at, item);
                Ok(())
            }
            Edit::Text { at, text } => self.with(at, |item| item.set_text(&text)),
            Edit::Enable { at, on } => self.with(at, |item| item.set_enabled(on)),
            Edit::Check { at, on } => self.with(at, |item| item.set_checked(on)),
            Edit::Within { at, edits } => match self.0.get_mut(at) {
                Some(Item::Submenu(menu, items)) => items.edit(app, &menu.clone(), edits),
                _ => Ok(()),
            },
        }
    }

    fn with(&self, at: usize, change: impl FnOnce(&Item<R>) -> tauri::Result<()>) -> tauri::Result<()> {
        self.0.get(at).map_or(Ok(()), change)
    }

    /// Gives an item the mark that it should have: the toolkit turns it with each click by itself.
    pub fn mark(&self, key: &str, on: bool) -> tauri::Result<()> {
        self.0.iter().filter(|item| item.handle().id() == key).try_for_each(|item| item.set_checked(on))
    }
}

/// Whether items have keys: by macOS' custom. Other panels have no such custom.
const KEYS: bool = cfg!(target_os = "macos");

/// The keys of an item.
fn accelerator(id: &Id, keys: bool) -> Option<&'static str> {
    match id {
        Id::Settings if keys => Some("Cmd+,"),
        Id::Quit if keys => Some("Cmd+Q"),
        _ => None,
    }
}

/// `&` marks a mnemonic to the toolkit; doubled it is a letter.
fn escape(text: &str) -> String {
    text.replace('&', "&&")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mac_has_its_usual_keys() {
        assert_eq!(
            [Id::Settings, Id::Quit, Id::Nix].map(|id| accelerator(&id, true)),
            [Some("Cmd+,"), Some("Cmd+Q"), None]
        );
        assert_eq!([Id::Settings, Id::Quit].map(|id| accelerator(&id, false)), [None, None]);
    }
}
