//! A private desktop: an Xvfb, a D-Bus session bus, and on that bus the service that a panel gives to tray
//! apps (`org.kde.StatusNotifierWatcher`).

use super::{notifications::Notifications, tray::Tray};
use igloo_engine::host::Paths;
use igloo_protocol::BuilderId;
use std::{
    ffi::OsStr,
    fs,
    io::{BufRead, BufReader},
    net::TcpListener,
    path::Path,
    process::{Child, ChildStdout, Command, Stdio},
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};
use zbus::{Connection, block_on, interface, message::Header};

/// Long enough for a busy machine: a test that fails may be slow.
pub const DEADLINE: Duration = Duration::from_secs(30);

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
        Desktop::of_size(1024, 768)
    }

    /// Starts one whose display has so many pixels.
    pub fn of_size(width: u32, height: u32) -> Desktop {
        let dir = tempfile::tempdir().unwrap();
        let mut xvfb = Proc::start(
            Command::new("Xvfb")
                .args([
                    "-displayfd",
                    "1",
                    "-screen",
                    "0",
                    &format!("{width}x{height}x24"),
                    "-nolisten",
                    "tcp",
                ])
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
        choose_port(&paths(dir.path()));
        Desktop { dir, display, bus, items, connection, _daemons: [(xvfb, display_out), (daemon, bus_out)] }
    }

    /// The program, on this desktop, with a home and folders of its own.
    pub fn command(&self, program: impl AsRef<OsStr>) -> Command {
        let mut command = private(program, self.dir.path());
        self.show(&mut command);
        command
    }

    /// A program with another home for Igloo, on this desktop.
    pub fn dress(&self, mut command: Command) -> Command {
        separate(&mut command, self.dir.path());
        self.show(&mut command);
        command
    }

    fn show(&self, command: &mut Command) {
        command
            .env("DISPLAY", &self.display)
            .env("DBUS_SESSION_BUS_ADDRESS", &self.bus)
            .env("XDG_RUNTIME_DIR", self.dir.path())
            .env("GDK_BACKEND", "x11")
            .env("NO_AT_BRIDGE", "1")
            .env("GIO_USE_VFS", "local");
    }

    /// The display that it has, as `DISPLAY` says it.
    pub fn display(&self) -> &str {
        &self.display
    }

    /// Shows notifications from now on.
    pub fn notifications(&self) -> Notifications {
        Notifications::serve(&self.bus)
    }

    /// Igloo's files of the programs that run on it.
    pub fn paths(&self) -> Paths {
        paths(self.dir.path())
    }

    /// The newest tray item, once its app is there and gives it a menu.
    pub fn tray(&self) -> Tray<'_> {
        wait_for("the tray item and its menu", || {
            let (name, path) = self.items.lock().unwrap().last().cloned()?;
            let tray = Tray::at(&self.connection, name, path);
            tray.menu().filter(|items| !items.is_empty()).map(|_| tray)
        })
    }
}

/// Gives the builder a port that is free: tests run beside each other.
fn choose_port(paths: &Paths) {
    paths.create().unwrap();
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    fs::write(
        paths.settings_file(),
        format!("keychain = false\n[builders.{}]\nport = {port}\n", BuilderId::native()),
    )
    .unwrap();
}

/// Where the programs that run on a desktop keep Igloo's files.
pub fn paths(dir: &Path) -> Paths {
    Paths::below(&dir.join("igloo"))
}

/// The program with a home and folders below `dir`, and without a display or a bus.
pub fn private(program: impl AsRef<OsStr>, dir: &Path) -> Command {
    let mut command = Command::new(program);
    separate(&mut command, dir);
    command.env("IGLOO_HOME", dir.join("igloo"));
    command
}

/// Gives a program folders below `dir` where it would take the user's, and no desktop.
fn separate(command: &mut Command, dir: &Path) {
    command.env("HOME", dir);
    for name in ["XDG_DATA_HOME", "XDG_CONFIG_HOME", "XDG_CACHE_HOME", "XDG_STATE_HOME", "XDG_RUNTIME_DIR"] {
        command.env(name, dir.join(name));
    }
    for name in ["IGLOO_LOG", "DISPLAY", "WAYLAND_DISPLAY", "DBUS_SESSION_BUS_ADDRESS"] {
        command.env_remove(name);
    }
}
