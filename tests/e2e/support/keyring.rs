//! A keychain of a test's own: a real Secret Service on a private session bus.

use super::{
    PATIENCE,
    bus::{Proc, session_bus},
    wait_for,
};
use std::{
    collections::HashMap,
    fs,
    io::Write as _,
    process::{Command, Stdio},
};
use zbus::{Connection, OwnedObjectPath, block_on, wire::Type};

const SERVICE: &str = "org.freedesktop.secrets";
const PATH: &str = "/org/freedesktop/secrets";
const INTERFACE: &str = "org.freedesktop.Secret.Service";

/// The bus and the service. Both end with it.
pub struct Keyring {
    _daemon: Proc,
    _bus: Proc,
    address: String,
    connection: Connection,
    dir: tempfile::TempDir,
}

impl Keyring {
    /// Starts one that is unlocked and empty.
    pub fn start() -> Keyring {
        let dir = tempfile::Builder::new().prefix("keyring-").tempdir().unwrap();
        let (bus, address) = session_bus(dir.path());
        let log = fs::File::create(dir.path().join("log")).unwrap();
        let mut daemon = Proc::start(
            Command::new("gnome-keyring-daemon")
                .args(["--foreground", "--unlock", "--components=secrets"])
                .env("HOME", dir.path())
                .env("XDG_DATA_HOME", dir.path().join("data"))
                .env("XDG_RUNTIME_DIR", dir.path())
                .env("DBUS_SESSION_BUS_ADDRESS", &address)
                .stdin(Stdio::piped())
                .stdout(log.try_clone().unwrap())
                .stderr(log),
            "gnome-keyring",
        );
        daemon.0.stdin.take().unwrap().write_all(b"a password").unwrap();
        let connection =
            block_on(zbus::connection::Builder::address(address.as_str()).method_timeout(PATIENCE).build())
                .unwrap();
        let keyring = Keyring { _bus: bus, _daemon: daemon, address, connection, dir };
        wait_for("an unlocked keyring", PATIENCE, || {
            let alias = keyring.call::<_, OwnedObjectPath>("ReadAlias", &("default",))?;
            (alias.as_str() != "/").then_some(())
        });
        keyring
    }

    /// What a program needs to find it.
    pub fn session(&self) -> Vec<(&'static str, String)> {
        vec![("DBUS_SESSION_BUS_ADDRESS", self.address.clone())]
    }

    /// How many items of Igloo's it holds.
    pub fn items(&self) -> usize {
        let wanted = HashMap::from([("service", "Igloo")]);
        let found: (Vec<OwnedObjectPath>, Vec<OwnedObjectPath>) =
            self.call("SearchItems", &(wanted,)).unwrap();
        found.0.len() + found.1.len()
    }

    /// Locks it, as the end of a session does.
    pub fn lock(&self) {
        let default: OwnedObjectPath = self.call("ReadAlias", &("default",)).unwrap();
        let (locked, _): (Vec<OwnedObjectPath>, OwnedObjectPath) =
            self.call("Lock", &(vec![default],)).unwrap();
        assert_eq!(locked.len(), 1);
    }

    fn log(&self) -> String {
        fs::read_to_string(self.dir.path().join("log")).unwrap_or_default()
    }

    fn call<B, A>(&self, method: &str, body: &B) -> Option<A>
    where
        B: serde::Serialize + Type,
        A: serde::de::DeserializeOwned + Type,
    {
        let call = self.connection.call_method(Some(SERVICE), PATH, Some(INTERFACE), method, body);
        block_on(call).ok()?.body().deserialize().ok()
    }
}

impl Drop for Keyring {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("--- keyring log\n{}", self.log());
        }
    }
}
