//! Whether Igloo opens when its user logs in, as the setting `open_at_login` has it.
//!
//! The system has its own list, and its own switch for each entry of it. The user's word there is the last one: an entry that
//! is switched off there is not put in again until the setting has changed.

mod autostart;
#[cfg(target_os = "macos")]
mod service;

use igloo_protocol::Snapshot;
use std::sync::Arc;
use tokio::sync::watch;

/// What the system's list says of Igloo.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// It opens at login.
    On,
    /// It is not in the list.
    Off,
    /// It is in the list, and the user has switched it off there.
    SwitchedOff,
}

/// The system's list of what opens at login.
pub trait LoginItem: Send + Sync + 'static {
    /// What it says of Igloo.
    ///
    /// # Errors
    /// Why it can't be told.
    fn state(&self) -> Result<State, String>;

    /// Puts Igloo in, or takes it out.
    ///
    /// # Errors
    /// Why that can't be done.
    fn set(&self, on: bool) -> Result<(), String>;
}

/// The list of this system.
pub fn of_this_system() -> Arc<dyn LoginItem> {
    #[cfg(target_os = "macos")]
    let item = service::MainApp;
    #[cfg(not(target_os = "macos"))]
    let item = autostart::Autostart::of_this_user();
    Arc::new(item)
}

/// What to do about the list, if anything.
fn change(wanted: bool, state: State) -> Option<bool> {
    match (wanted, state) {
        (true, State::Off) => Some(true),
        (false, State::On) => Some(false),
        _ => None,
    }
}

/// Keeps the list as the setting has it, until the sender of `sight` is gone. `snapshot` finds the snapshot in what
/// is followed.
pub async fn follow<S: Send + Sync>(
    mut sight: watch::Receiver<S>,
    snapshot: impl Fn(&S) -> Option<Arc<Snapshot>>,
    item: Arc<dyn LoginItem>,
) {
    let mut done = None;
    loop {
        let wanted = snapshot(&sight.borrow_and_update()).map(|snapshot| snapshot.engine.open_at_login);
        if let Some(wanted) = wanted.filter(|wanted| done != Some(*wanted)) {
            done = Some(wanted);
            let item = item.clone();
            // the system may take its time, and a task must not wait with it
            let result = tokio::task::spawn_blocking(move || settle(&*item, wanted)).await;
            if let Ok(Err(why)) = result {
                tracing::warn!("can't change what opens at login: {why}");
            }
        }
        if sight.changed().await.is_err() {
            return;
        }
    }
}

fn settle(item: &dyn LoginItem, wanted: bool) -> Result<(), String> {
    match change(wanted, item.state()?) {
        Some(on) => item.set(on),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_users_word_in_the_systems_list_is_the_last() {
        let cases = [
            (true, State::Off, Some(true)),
            (true, State::On, None),
            (true, State::SwitchedOff, None),
            (false, State::On, Some(false)),
            (false, State::Off, None),
            (false, State::SwitchedOff, None),
        ];
        for (wanted, state, expected) in cases {
            assert_eq!(change(wanted, state), expected, "{wanted} {state:?}");
        }
    }
}
