//! Every setting by its dotted name, whatever it is a setting of.

use super::{BUILDER, BuilderSettings, Field, GENERAL, General, Settings};
use igloo_protocol::{Applies, BuilderId};
use toml_edit::{DocumentMut, Item, Table, TableLike, Value};

/// A setting with its place in the file.
pub struct Known {
    /// Its dotted name (`builders.x86_64.cores`).
    pub key: String,
    of: Of,
}

enum Of {
    Builder(BuilderId, &'static Field<BuilderSettings>),
    General(&'static Field<General>),
}

impl Known {
    /// Every setting, in the order in which faces show them.
    pub fn all() -> impl Iterator<Item = Known> {
        let builders = BuilderId::ALL.into_iter().flat_map(|id| {
            BUILDER
                .iter()
                .map(move |f| Known { key: format!("builders.{id}.{}", f.name), of: Of::Builder(id, f) })
        });
        builders.chain(GENERAL.iter().map(|f| Known { key: f.name.into(), of: Of::General(f) }))
    }

    /// What it does, for a person.
    pub fn effect(&self) -> &'static str {
        match self.of {
            Of::Builder(_, f) => f.effect,
            Of::General(f) => f.effect,
        }
    }

    /// When a change takes effect.
    pub fn applies(&self) -> Applies {
        match self.of {
            Of::Builder(_, f) => f.applies,
            Of::General(f) => f.applies,
        }
    }

    /// Its value; `None`: there is none.
    pub fn read(&self, settings: &Settings) -> Option<Value> {
        match self.of {
            Of::Builder(id, f) => (f.read)(settings.builder(id)),
            Of::General(f) => (f.read)(&settings.general),
        }
    }

    /// Puts a value in, or says what it must be.
    pub fn write(&self, settings: &mut Settings, value: &Value) -> Result<(), String> {
        match self.of {
            Of::Builder(id, f) => (f.write)(settings.builder_mut(id), value),
            Of::General(f) => (f.write)(&mut settings.general, value),
        }
    }

    /// Whether a document sets it.
    pub fn is_set(&self, doc: &DocumentMut) -> bool {
        let mut item = doc.as_item();
        for part in self.key.split('.') {
            let Some(inner) = item.get(part) else { return false };
            item = inner;
        }
        true
    }

    /// Sets it in a document, with what the user wrote beside the old value; `None`: takes it out. Says whether
    /// there was a place for it.
    pub fn set(&self, doc: &mut DocumentMut, value: Option<Value>) -> bool {
        let (path, leaf) = self.key.rsplit_once('.').unwrap_or(("", &self.key));
        let Some(table) = section(doc, path) else { return false };
        match value {
            None => drop(table.remove(leaf)),
            Some(mut value) => {
                if let Some(old) = table.get(leaf).and_then(Item::as_value) {
                    *value.decor_mut() = old.decor().clone();
                }
                table.insert(leaf, Item::Value(value));
            }
        }
        true
    }
}

/// The table with this dotted name, made where it is missing; `None` where something else is in its place.
fn section<'d>(doc: &'d mut DocumentMut, path: &str) -> Option<&'d mut dyn TableLike> {
    let mut table: &mut dyn TableLike = doc.as_table_mut();
    let mut parts = path.split('.').filter(|p| !p.is_empty()).peekable();
    while let Some(part) = parts.next() {
        let mut made = Table::new();
        made.set_implicit(parts.peek().is_some());
        table = table.entry(part).or_insert(Item::Table(made)).as_table_like_mut()?;
    }
    Some(table)
}
