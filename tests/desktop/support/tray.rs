//! A tray item, read and clicked over D-Bus as a panel does:
//! <https://www.freedesktop.org/wiki/Specifications/StatusNotifierItem/> and `com.canonical.dbusmenu`.

use super::desktop::DEADLINE;
use futures_util::StreamExt;
use std::{
    collections::HashMap,
    fs,
    path::PathBuf,
    sync::mpsc,
    time::{Duration, Instant},
};
use zbus::{
    Connection, MatchRule, Message, MessageStream, block_on,
    wire::{OwnedVariant, Type, Variant},
};

/// A tray item, as a panel sees it.
pub struct Tray<'d> {
    connection: &'d Connection,
    name: String,
    path: String,
}

/// A line of a menu.
#[derive(Clone, Debug, PartialEq)]
pub struct Item {
    /// The number that stays the same while it is shown.
    pub id: i32,
    /// What it says, without the mark of a mnemonic.
    pub label: String,
    /// Whether it can be clicked.
    pub enabled: bool,
    /// Whether it is a separator.
    pub separator: bool,
    /// Whether it has its mark, where it can have one.
    pub checked: Option<bool>,
    /// The lines of its own menu.
    pub within: Vec<Item>,
}

impl Item {
    /// Every line of some, and of the menus in them.
    pub fn all(items: Vec<Item>) -> Vec<Item> {
        let with_its_own = |mut item: Item| {
            let within = std::mem::take(&mut item.within);
            [vec![item], Item::all(within)].concat()
        };
        items.into_iter().flat_map(with_its_own).collect()
    }
}

/// A node of `GetLayout`: id, properties, children.
type Node = (i32, HashMap<String, OwnedVariant>, Vec<OwnedVariant>);

impl<'d> Tray<'d> {
    /// The item with this bus name and object path.
    pub fn at(connection: &'d Connection, name: String, path: String) -> Tray<'d> {
        Tray { connection, name, path }
    }

    /// The menu's lines. `None`: no menu yet, or the app is gone.
    pub fn menu(&self) -> Option<Vec<Item>> {
        // an app may fill a menu only when it is about to be shown
        self.call_menu("AboutToShow", &(0i32,))?;
        let answer = self.call_menu("GetLayout", &(0i32, -1i32, Vec::<String>::new()))?;
        let (_revision, (_, _, children)): (u32, Node) = answer.body().deserialize().ok()?;
        items(children)
    }

    /// What the lines say.
    pub fn labels(&self) -> Vec<String> {
        self.menu().unwrap_or_default().into_iter().map(|item| item.label).collect()
    }

    /// The same, with what the menus in it say.
    pub fn all_labels(&self) -> Vec<String> {
        Item::all(self.menu().unwrap_or_default()).into_iter().map(|item| item.label).collect()
    }

    /// The line that says this, in whichever menu it is.
    pub fn find(&self, label: &str) -> Option<Item> {
        Item::all(self.menu()?).into_iter().find(|item| item.label == label)
    }

    /// Waits until a line says this, in whichever menu it is.
    pub fn wait(&self, label: &str) -> Item {
        let start = Instant::now();
        loop {
            match self.find(label) {
                Some(item) => return item,
                None if start.elapsed() < DEADLINE => std::thread::sleep(Duration::from_millis(20)),
                None => panic!("waited {DEADLINE:?} for {label:?} in {:?}", self.labels()),
            }
        }
    }

    /// The number of every line, in whichever menu it is.
    pub fn ids(&self) -> Vec<i32> {
        Item::all(self.menu().unwrap_or_default()).into_iter().map(|item| item.id).collect()
    }

    /// The item's name to a screen reader.
    pub fn title(&self) -> String {
        self.property("Title").and_then(|v| String::try_from(v).ok()).expect("a title")
    }

    /// What the app says of its menu from now on, by itself: the new label of each line that changes.
    pub fn news(&self) -> mpsc::Receiver<String> {
        let rule = MatchRule::builder()
            .msg_type(zbus::message::Type::Signal)
            .sender(self.name.clone())
            .interface("com.canonical.dbusmenu")
            .member("ItemsPropertiesUpdated")
            .build()
            .unwrap();
        let (sender, news) = mpsc::channel();
        let mut signals = block_on(MessageStream::for_match_rule(rule, self.connection, None)).unwrap();
        std::thread::spawn(move || {
            while let Some(Ok(signal)) = block_on(signals.next()) {
                if labels(&signal).unwrap_or_default().into_iter().any(|label| sender.send(label).is_err()) {
                    return;
                }
            }
        });
        news
    }

    /// Clicks the line that says this.
    pub fn click(&self, label: &str) {
        let item = self.find(label).unwrap_or_else(|| panic!("no {label:?} in {:?}", self.labels()));
        assert!(item.enabled, "{label} is greyed");
        // Quit may end the app before it answers
        let _ = self.call_menu("Event", &(item.id, "clicked", Variant::from(0i32), 0u32));
    }

    /// The picture that the panel shows: a PNG file that the app wrote.
    pub fn icon(&self) -> PathBuf {
        let name = self.property("IconName").and_then(|v| String::try_from(v).ok());
        PathBuf::from(name.expect("an icon"))
    }

    /// What the picture's file holds; `None` while it is being changed.
    pub fn picture(&self) -> Option<Vec<u8>> {
        fs::read(self.icon()).ok()
    }

    fn property(&self, key: &str) -> Option<OwnedVariant> {
        let interface = Some("org.freedesktop.DBus.Properties");
        let args = ("org.kde.StatusNotifierItem", key);
        self.call(&self.path, interface, "Get", &args)?.body().deserialize().ok()
    }

    fn call_menu<B: serde::Serialize + Type>(&self, method: &str, body: &B) -> Option<Message> {
        let path: zbus::OwnedObjectPath = self.property("Menu")?.try_into().ok()?;
        self.call(path.as_str(), Some("com.canonical.dbusmenu"), method, body)
    }

    fn call<B: serde::Serialize + Type>(
        &self,
        path: &str,
        interface: Option<&str>,
        method: &str,
        body: &B,
    ) -> Option<Message> {
        block_on(self.connection.call_method(Some(self.name.as_str()), path, interface, method, body)).ok()
    }
}

/// What `ItemsPropertiesUpdated` carries: of each item the properties that changed, and those that are gone.
type Updated = (Vec<(i32, HashMap<String, OwnedVariant>)>, Vec<(i32, Vec<String>)>);

fn labels(signal: &Message) -> Option<Vec<String>> {
    let (updated, _): Updated = signal.body().deserialize().ok()?;
    let label = |properties: &HashMap<String, OwnedVariant>| {
        Some(unmarked(&String::try_from(properties.get("label")?.clone()).ok()?))
    };
    Some(updated.iter().filter_map(|(_, properties)| label(properties)).collect())
}

fn items(nodes: Vec<OwnedVariant>) -> Option<Vec<Item>> {
    nodes.into_iter().map(|node| item(Node::try_from(node).ok()?)).collect()
}

fn item((id, properties, children): Node) -> Option<Item> {
    let text = |key: &str| properties.get(key).and_then(|v| String::try_from(v.clone()).ok());
    let flag = |key: &str| properties.get(key).and_then(|v| bool::try_from(v.clone()).ok());
    let state = properties.get("toggle-state").and_then(|v| i32::try_from(v.clone()).ok());
    let can_be_marked = text("toggle-type").is_some_and(|kind| !kind.is_empty());
    Some(Item {
        id,
        label: unmarked(&text("label").unwrap_or_default()),
        enabled: flag("enabled").unwrap_or(true),
        separator: text("type").as_deref() == Some("separator"),
        checked: can_be_marked.then_some(state == Some(1)),
        within: items(children)?,
    })
}

/// `_` marks a mnemonic, and doubled is a letter.
fn unmarked(label: &str) -> String {
    label.split("__").map(|part| part.replace('_', "")).collect::<Vec<_>>().join("_")
}
