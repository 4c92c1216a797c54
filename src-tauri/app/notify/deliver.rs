//! Handing notices to the desktop: on a thread of its own, which may hang, and is never waited for.

use super::news::Notice;
use std::{
    sync::{
        Arc,
        mpsc::{SyncSender, TrySendError, sync_channel},
    },
    thread,
};

/// How many notices wait for a slow desktop. The newest are dropped: the menu shows them too.
const WAITING: usize = 4;

/// What shows a notice. May block, and may fail.
pub trait Notifier: Send + Sync + 'static {
    /// Shows it.
    ///
    /// # Errors
    /// Why it is not shown.
    fn show(&self, notice: &Notice) -> Result<(), String>;
}

/// The way to a notifier. Its thread begins with the first notice, since most runs have none.
pub struct Deliverer {
    notifier: Arc<dyn Notifier>,
    queue: Option<SyncSender<Notice>>,
}

impl Deliverer {
    /// Delivers to this notifier.
    pub fn new(notifier: Arc<dyn Notifier>) -> Deliverer {
        Deliverer { notifier, queue: None }
    }

    /// Hands a notice on, without waiting. Says whether there was room for it.
    pub fn deliver(&mut self, notice: Notice) -> bool {
        if self.queue.is_none() {
            self.queue = begin(self.notifier.clone());
        }
        let Some(queue) = &self.queue else { return false };
        match queue.try_send(notice) {
            Ok(()) => true,
            Err(TrySendError::Full(notice)) => {
                tracing::debug!(title = notice.title, "the desktop is slow: not notified");
                false
            }
            Err(TrySendError::Disconnected(notice)) => {
                tracing::debug!(title = notice.title, "the notifier broke: not notified");
                // the next one gets a new thread
                self.queue = None;
                false
            }
        }
    }
}

fn begin(notifier: Arc<dyn Notifier>) -> Option<SyncSender<Notice>> {
    let (queue, notices) = sync_channel::<Notice>(WAITING);
    let thread = thread::Builder::new().name("notify".into()).spawn(move || {
        for notice in notices {
            if let Err(why) = notifier.show(&notice) {
                tracing::debug!(title = notice.title, why, "not notified");
            }
        }
    });
    thread.map(|_| queue).inspect_err(|e| tracing::debug!("can't notify: {e}")).ok()
}

/// The desktop's own notifications.
#[cfg(feature = "notify")]
pub struct Desktop;

#[cfg(feature = "notify")]
impl Notifier for Desktop {
    fn show(&self, notice: &Notice) -> Result<(), String> {
        // by default the notifications would be the Finder's; once is enough, and a second time is an error
        #[cfg(target_os = "macos")]
        let _ = notify_rust::set_application("dev.igloo.app");
        let mut notification = notify_rust::Notification::new();
        notification.appname("Igloo").summary(&notice.title).body(&plain(&notice.body, reads_markup()));
        notification.show().map(drop).map_err(|e| e.to_string())
    }
}

/// The text as the desktop takes it: where it reads markup, ours must not look like it.
#[cfg(feature = "notify")]
fn plain(text: &str, reads_markup: bool) -> String {
    if reads_markup {
        text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
    } else {
        text.into()
    }
}

/// Whether the desktop reads markup in a notification's text.
#[cfg(all(feature = "notify", target_os = "linux"))]
fn reads_markup() -> bool {
    notify_rust::get_capabilities().is_ok_and(|all| all.iter().any(|can| can == "body-markup"))
}

#[cfg(all(feature = "notify", not(target_os = "linux")))]
fn reads_markup() -> bool {
    false
}

#[cfg(test)]
mod tests {
    use super::{super::tests::notice, *};
    use std::{
        sync::{Condvar, Mutex},
        time::{Duration, Instant},
    };

    #[derive(Default)]
    struct Scripted {
        /// Shows nothing while it hangs.
        hangs: Mutex<bool>,
        changed: Condvar,
        fails: Mutex<bool>,
        panics: Mutex<bool>,
        shown: Mutex<Vec<String>>,
    }

    impl Notifier for Scripted {
        fn show(&self, notice: &Notice) -> Result<(), String> {
            drop(self.changed.wait_while(self.hangs.lock().unwrap(), |hangs| *hangs).unwrap());
            let panics = std::mem::take(&mut *self.panics.lock().unwrap());
            assert!(!panics, "on purpose");
            self.shown.lock().unwrap().push(notice.title.clone());
            if *self.fails.lock().unwrap() { Err("no daemon".into()) } else { Ok(()) }
        }
    }

    fn until(what: &str, mut holds: impl FnMut() -> bool) {
        let deadline = Instant::now() + Duration::from_secs(30);
        while !holds() {
            assert!(Instant::now() < deadline, "waited for {what}");
            thread::yield_now();
        }
    }

    #[test]
    fn notices_are_shown_in_their_order_whether_or_not_one_fails() {
        let notifier = Arc::new(Scripted { fails: Mutex::new(true), ..Scripted::default() });
        let mut deliverer = Deliverer::new(notifier.clone());
        assert!(deliverer.deliver(notice("one")));
        until("the first", || notifier.shown.lock().unwrap().len() == 1);
        *notifier.fails.lock().unwrap() = false;
        assert!(deliverer.deliver(notice("two")) && deliverer.deliver(notice("three")));
        until("all", || *notifier.shown.lock().unwrap() == ["one", "two", "three"]);
    }

    #[test]
    fn a_desktop_that_hangs_holds_nobody_up_and_piles_nothing_up() {
        let notifier = Arc::new(Scripted { hangs: Mutex::new(true), ..Scripted::default() });
        let mut deliverer = Deliverer::new(notifier.clone());
        let taken = (0..100).filter(|n| deliverer.deliver(notice(&n.to_string()))).count();
        assert!((WAITING..=WAITING + 1).contains(&taken), "{taken}");
        *notifier.hangs.lock().unwrap() = false;
        notifier.changed.notify_all();
        until("what was taken", || notifier.shown.lock().unwrap().len() == taken);
        until("room", || deliverer.deliver(notice("later")));
    }

    #[test]
    fn a_notifier_that_breaks_is_begun_again() {
        let notifier = Arc::new(Scripted { panics: Mutex::new(true), ..Scripted::default() });
        let mut deliverer = Deliverer::new(notifier.clone());
        deliverer.deliver(notice("lost"));
        until("one that is shown", || {
            deliverer.deliver(notice("shown"));
            !notifier.shown.lock().unwrap().is_empty()
        });
    }

    #[cfg(feature = "notify")]
    #[test]
    fn no_text_is_markup() {
        assert_eq!(plain("a <b> & c", true), "a &lt;b&gt; &amp; c");
        assert_eq!(plain("a <b> & c", false), "a <b> & c");
    }
}
