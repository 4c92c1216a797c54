//! A private desktop: an Xvfb, a D-Bus session bus, and on that bus the service that a panel gives to tray
//! apps (`org.kde.StatusNotifierWatcher`). The tray is read and clicked over D-Bus, as a panel does:
//! <https://www.freedesktop.org/wiki/Specifications/StatusNotifierItem/> and `com.canonical.dbusmenu`.

use futures_util::StreamExt;
use igloo_engine::host::Paths;
use std::{
    collections::HashMap,
    ffi::OsStr,
    fs,
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
    process::{Child, ChildStdout, Command, Stdio},
    sync::{Arc, Mutex, mpsc},
    time::{Duration, Instant},
};
use zbus::{
    Connection, MatchRule, Message, MessageStream, block_on, interface,
    message::Header,
    wire::{OwnedVariant, Type, Variant},
};

/// Long enough for a busy machine: a test that fails may be slow.
const DEADLINE: Duration = Duration::from_secs(30);

/// Asks again and again until there is an answer. Panics after [`DEADLINE`].
pub fn wait_for<T>(what: &str, mut ask: impl FnMut() -> Option<T>) -> T {
    let start = Instant::now();
    loop {
        if let Some(answer) = ask() {
            return answer;
        }
        assert!(start.elapsed() < DEADLINE, "waited {DEADLINE:?} for {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// A child process that ends with the value.
pub struct Proc(pub Child);

impl Proc {
    /// Starts it. `package`: what to install if it is not there.
    fn start(command: &mut Command, package: &str) -> Proc {
        let child = command.spawn();
        Proc(child.unwrap_or_else(|e| panic!("{:?} (apt: {package}): {e}", command.get_program())))
    }

    /// The first line that it prints, and what comes after.
    fn first_line(&mut self) -> (String, BufReader<ChildStdout>) {
        let mut out = BufReader::new(self.0.stdout.take().unwrap());
        let mut line = String::new();
        out.read_line(&mut line).unwrap();
        assert!(!line.trim().is_empty(), "it ended without a word");
        (line.trim().to_owned(), out)
    }

    /// The exit code, once it has ended by itself. `None`: by a signal.
    pub fn exit_code(&mut self) -> Option<i32> {
        wait_for("its end", || self.0.try_wait().unwrap()).code()
    }
}

impl Drop for Proc {
    fn drop(&mut self) {
        // fails only if it has ended
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Where an item is: bus name and object path.
type Address = (String, String);

/// Notes the items that register.
struct Watcher(Arc<Mutex<Vec<Address>>>);

#[interface(name = "org.kde.StatusNotifierWatcher")]
impl Watcher {
    fn register_status_notifier_item(&self, service: &str, #[zbus(header)] header: Header<'_>) {
        let sender = header.sender().map(ToString::to_string).unwrap_or_default();
        // libayatana-appindicator gives its object's path, KDE's items their bus name
        let item = match service.starts_with('/') {
            true => (sender, service.to_owned()),
            false => (service.to_owned(), "/StatusNotifierItem".to_owned()),
        };
        self.0.lock().unwrap().push(item);
    }

    fn register_status_notifier_host(&self, _service: &str) {}

    #[zbus(property)]
    fn registered_status_notifier_items(&self) -> Vec<String> {
        self.0.lock().unwrap().iter().map(|(name, path)| format!("{name}{path}")).collect()
    }

    #[zbus(property)]
    fn is_status_notifier_host_registered(&self) -> bool {
        true
    }

    #[zbus(property)]
    fn protocol_version(&self) -> i32 {
        0
    }
}

/// The desktop. All that it starts ends with it.
pub struct Desktop {
    /// Home, runtime folder and the rest of the apps that run on it.
    pub dir: tempfile::TempDir,
    display: String,
    bus: String,
    items: Arc<Mutex<Vec<Address>>>,
    connection: Connection,
    // the readers keep the pipes open: a daemon that writes again must not die of it
    _daemons: [(Proc, BufReader<ChildStdout>); 2],
}

impl Desktop {
    /// Starts one, on a display and a bus of its own.
    pub fn start() -> Desktop {
        let dir = tempfile::tempdir().unwrap();
        let mut xvfb = Proc::start(
            Command::new("Xvfb")
                .args(["-displayfd", "1", "-screen", "0", "1024x768x24", "-nolisten", "tcp"])
                .stdout(Stdio::piped())
                .stderr(Stdio::null()),
            "xvfb",
        );
        let (display, display_out) = xvfb.first_line();
        let mut daemon = Proc::start(
            Command::new("dbus-daemon")
                .args(["--session", "--nofork", "--print-address=1"])
                .arg(format!("--address=unix:path={}", dir.path().join("bus").display()))
                .env("XDG_DATA_HOME", dir.path())
                .stdout(Stdio::piped())
                .stderr(Stdio::null()),
            "dbus-daemon",
        );
        let (bus, bus_out) = daemon.first_line();
        let items = Arc::default();
        let connection = block_on(
            zbus::connection::Builder::address(bus.as_str())
                .serve_at("/StatusNotifierWatcher", Watcher(Arc::clone(&items)))
                .name("org.kde.StatusNotifierWatcher")
                .build(),
        )
        .unwrap();
        let display = format!(":{display}");
        Desktop { dir, display, bus, items, connection, _daemons: [(xvfb, display_out), (daemon, bus_out)] }
    }

    /// The program, on this desktop, with a home and folders of its own.
    pub fn command(&self, program: impl AsRef<OsStr>) -> Command {
        let dir = self.dir.path();
        let mut command = private(program, dir);
        command
            .env("DISPLAY", &self.display)
            .env("DBUS_SESSION_BUS_ADDRESS", &self.bus)
            .env("XDG_RUNTIME_DIR", dir)
            .env("GDK_BACKEND", "x11")
            .env("NO_AT_BRIDGE", "1")
            .env("GIO_USE_VFS", "local");
        command
    }

    /// The display that it has, as `DISPLAY` says it.
    pub fn display(&self) -> &str {
        &self.display
    }

    /// Igloo's files of the programs that run on it.
    pub fn paths(&self) -> Paths {
        paths(self.dir.path())
    }

    /// The newest tray item, once it is there and has a menu.
    pub fn tray(&self) -> Tray<'_> {
        let (name, path) = wait_for("the tray item", || self.items.lock().unwrap().last().cloned());
        let tray = Tray { connection: &self.connection, name, path };
        wait_for("its menu", || tray.menu().filter(|items| !items.is_empty()));
        tray
    }
}

/// Where the programs that run on a desktop keep Igloo's files.
pub fn paths(dir: &Path) -> Paths {
    Paths::below(&dir.join("igloo"))
}

/// The program with a home and folders below `dir`, and without a display or a bus.
pub fn private(program: impl AsRef<OsStr>, dir: &Path) -> Command {
    let mut command = Command::new(program);
    command.env("HOME", dir);
    for name in ["XDG_DATA_HOME", "XDG_CONFIG_HOME", "XDG_CACHE_HOME", "XDG_STATE_HOME", "XDG_RUNTIME_DIR"] {
        command.env(name, dir.join(name));
    }
    command.env("IGLOO_HOME", dir.join("igloo"));
    for name in ["IGLOO_LOG", "DISPLAY", "WAYLAND_DISPLAY", "DBUS_SESSION_BUS_ADDRESS"] {
        command.env_remove(name);
    }
    command
}

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

impl Tray<'_> {
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

    /// The line that says this, in whichever menu it is.
    pub fn find(&self, label: &str) -> Option<Item> {
        Item::all(self.menu()?).into_iter().find(|item| item.label == label)
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
