//! The windows of an X display, as one who looks at it sees them. No window manager runs.

use super::desktop::{Desktop, wait_for};
use x11rb::{
    connection::Connection,
    protocol::xproto::{AtomEnum, ClientMessageEvent, ConnectionExt, EventMask, MapState, Window},
    rust_connection::RustConnection,
};

/// The windows of an X display.
pub struct Windows {
    connection: RustConnection,
    root: Window,
}

impl Windows {
    /// Those of the desktop.
    pub fn of(desktop: &Desktop) -> Windows {
        let (connection, screen) = x11rb::connect(Some(desktop.display())).unwrap();
        let root = connection.setup().roots[screen].root;
        Windows { connection, root }
    }

    /// The titles of those that are seen.
    pub fn titles(&self) -> Vec<String> {
        self.seen().into_iter().map(|(_, title)| title).collect()
    }

    /// Closes the one with this title, as its button does, and waits until it is gone.
    pub fn close(&self, title: &str) {
        let (window, _) = self.seen().into_iter().find(|(_, t)| t == title).expect("the window");
        let atom =
            |name: &str| self.connection.intern_atom(false, name.as_bytes()).unwrap().reply().unwrap().atom;
        let data = [atom("WM_DELETE_WINDOW"), 0, 0, 0, 0];
        let message = ClientMessageEvent::new(32, window, atom("WM_PROTOCOLS"), data);
        self.connection.send_event(false, window, EventMask::NO_EVENT, message).unwrap();
        self.connection.flush().unwrap();
        wait_for("the window to go", || (!self.titles().iter().any(|t| t == title)).then_some(()));
    }

    /// A window may go while it is looked at: what can't be read is not there.
    fn seen(&self) -> Vec<(Window, String)> {
        let windows = self.connection.query_tree(self.root).unwrap().reply().unwrap().children;
        windows.into_iter().filter_map(|w| Some((w, self.title(w)?))).collect()
    }

    fn title(&self, window: Window) -> Option<String> {
        let attributes = self.connection.get_window_attributes(window).ok()?.reply().ok()?;
        let name = self.connection.get_property(false, window, AtomEnum::WM_NAME, AtomEnum::ANY, 0, 64);
        let name = name.ok()?.reply().ok()?.value;
        let title = String::from_utf8(name).ok().filter(|title| !title.is_empty())?;
        (attributes.map_state == MapState::VIEWABLE).then_some(title)
    }
}
