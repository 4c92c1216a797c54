//! A notification reaches the desktop: a real D-Bus, and on it the service that a desktop has for them.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[path = "support/bus.rs"]
mod bus;
#[path = "support/notifications.rs"]
mod notifications;

use bus::{Proc, session_bus};
use igloo::notify::{
    deliver::{Deliverer, Desktop, Notifier},
    news::{Kind, Notice},
};
use igloo_protocol::BuilderId;
use notifications::Notifications;
use std::{
    process::{Command, Stdio},
    sync::{Arc, mpsc},
    time::{Duration, Instant},
};

/// Long enough for a busy machine.
const DEADLINE: Duration = Duration::from_secs(60);

/// In the processes that this test starts: the notice's title.
const SENDER: &str = "IGLOO_TEST_NOTIFY";

/// Sends in a process of its own, since the bus is found by the environment; whether it was taken.
fn send(title: &str, bus: &str) -> bool {
    let mut child = Command::new(std::env::current_exe().unwrap());
    child.args(["--exact", "a_notice_reaches_the_desktop", "--nocapture"]).env(SENDER, title);
    child
        .env("DBUS_SESSION_BUS_ADDRESS", bus)
        .env_remove("DISPLAY")
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    let mut child = Proc(child.spawn().unwrap());
    let start = Instant::now();
    loop {
        if let Some(status) = child.0.try_wait().unwrap() {
            return status.success();
        }
        assert!(start.elapsed() < DEADLINE, "the sender hangs");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// Tells how the desktop took it.
struct Told(mpsc::SyncSender<Result<(), String>>);

impl Notifier for Told {
    fn show(&self, notice: &Notice) -> Result<(), String> {
        let shown = Desktop.show(notice);
        self.0.send(shown.clone()).unwrap();
        shown
    }
}

/// What a process does that [`send`] started.
fn sender(title: String) {
    let (tell, told) = mpsc::sync_channel(1);
    let mut deliverer = Deliverer::new(Arc::new(Told(tell)));
    let body = "The image <x> & the disk.".into();
    deliverer.deliver(Notice { builder: BuilderId::X86_64, kind: Kind::BuilderFailed, title, body });
    told.recv_timeout(DEADLINE).unwrap().unwrap();
}

#[test]
fn a_notice_reaches_the_desktop() {
    if let Ok(title) = std::env::var(SENDER) {
        return sender(title);
    }
    let dir = tempfile::tempdir().unwrap();
    let (_bus, address) = session_bus(dir.path());
    assert!(!send("nobody is there", &address), "a desktop without the service is an error, and no more");

    let notifications = Notifications::serve(&address);
    assert!(send("The builder failed", &address));
    let text = "The image &lt;x&gt; &amp; the disk.";
    assert_eq!(notifications.shown(), [("Igloo".into(), "The builder failed".into(), text.into())]);
}
