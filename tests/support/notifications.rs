//! The service that a desktop has for notifications, on a real D-Bus
//! (<https://specifications.freedesktop.org/notification-spec/latest/>).

use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
};
use zbus::{Connection, block_on, interface, wire::OwnedVariant};

/// What was shown: application, title, text.
pub type Shown = (String, String, String);

/// The service, for as long as the value lives.
pub struct Notifications {
    shown: Arc<Mutex<Vec<Shown>>>,
    _connection: Connection,
}

impl Notifications {
    /// Serves on the bus with this address.
    pub fn serve(bus: &str) -> Notifications {
        let shown = Arc::default();
        let service = Service(Arc::clone(&shown));
        let builder = zbus::connection::Builder::address(bus);
        let serving = builder
            .serve_at("/org/freedesktop/Notifications", service)
            .name("org.freedesktop.Notifications")
            .build();
        Notifications { shown, _connection: block_on(serving).unwrap() }
    }

    /// What was shown so far.
    pub fn shown(&self) -> Vec<Shown> {
        self.shown.lock().unwrap().clone()
    }
}

struct Service(Arc<Mutex<Vec<Shown>>>);

#[interface(name = "org.freedesktop.Notifications")]
impl Service {
    fn get_capabilities(&self) -> Vec<String> {
        vec!["body".into(), "body-markup".into()]
    }

    #[allow(clippy::too_many_arguments)]
    fn notify(
        &self,
        app: String,
        _replaces: u32,
        _icon: String,
        title: String,
        text: String,
        _actions: Vec<String>,
        _hints: HashMap<String, OwnedVariant>,
        _expires: i32,
    ) -> u32 {
        self.0.lock().unwrap().push((app, title, text));
        1
    }

    fn close_notification(&self, _id: u32) {}

    fn get_server_information(&self) -> (String, String, String, String) {
        ("test".into(), "test".into(), "1".into(), "1.2".into())
    }
}
