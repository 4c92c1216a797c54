//! Notifications: what a user should hear of who looks at nothing of Igloo.
//!
//! [`news`] decides what is news, pure; [`deliver`] hands it to the desktop, where nothing that goes wrong hurts.
//! A notification is never the only place where something is told: the menu and the window show the same.

pub mod deliver;
pub mod news;

use deliver::{Deliverer, Notifier};
use igloo_engine::api::Client;
use igloo_protocol::{BuilderId, SettingView, Snapshot};
use news::{Kind, Notice, Switches, news};
use std::{collections::HashMap, sync::Arc, time::Duration};
use tokio::{
    sync::watch,
    time::{Instant, timeout},
};

/// How soon the same may be told again of a builder: a disk may go back and forth over its mark.
const AGAIN: Duration = Duration::from_secs(3600);

/// How long the engine may take to say what the user wants to hear.
const ANSWER: Duration = Duration::from_secs(5);

/// Notifies what is news from now on, until the sender of `sight` is gone. `snapshot` finds the snapshot in what is
/// followed, `client` tells what the user wants to hear of.
pub fn follow<S: Send + Sync>(
    mut sight: watch::Receiver<S>,
    snapshot: impl Fn(&S) -> Option<Arc<Snapshot>> + Send,
    client: Client,
    notifier: Arc<dyn Notifier>,
) -> impl Future<Output = ()> + Send {
    let mut deliverer = Deliverer::new(notifier);
    let mut told = Told::default();
    let mut before = snapshot(&sight.borrow_and_update());
    async move {
        while sight.changed().await.is_ok() {
            let now = snapshot(&sight.borrow_and_update());
            if let (Some(before), Some(now)) = (&before, &now)
                && !news(before, now, Switches::ALL).is_empty()
            {
                // asked only now: the settings may be anybody's to change
                for notice in news(before, now, switches(&client).await) {
                    if told.is_due(&notice, Instant::now()) {
                        deliverer.deliver(notice);
                    }
                }
            }
            // an engine that is away for a moment is no reason to forget how things were
            before = now.or(before);
        }
    }
}

/// When what was told last.
#[derive(Default)]
struct Told(HashMap<(BuilderId, Kind), Instant>);

impl Told {
    /// Whether to tell it now; it counts as told then.
    fn is_due(&mut self, notice: &Notice, now: Instant) -> bool {
        let last = self.0.get(&(notice.builder, notice.kind));
        let due = notice.kind.may_repeat() || last.is_none_or(|last| now.duration_since(*last) >= AGAIN);
        if due {
            self.0.insert((notice.builder, notice.kind), now);
        }
        due
    }
}

/// What the user wants to hear of; all of it where the engine does not say.
async fn switches(client: &Client) -> Switches {
    match timeout(ANSWER, client.settings()).await {
        Ok(Ok(settings)) => Switches::of(&settings),
        _ => Switches::ALL,
    }
}

impl Switches {
    /// What the settings say.
    fn of(settings: &[SettingView]) -> Switches {
        let on = |key: &str| {
            let setting = settings.iter().find(|s| s.key == key);
            setting.is_none_or(|s| s.value.as_deref() != Some("false"))
        };
        Switches {
            build_failed: on("notify.build_failed"),
            builder_failed: on("notify.builder_failed"),
            disk_nearly_full: on("notify.disk_nearly_full"),
        }
    }
}

#[cfg(test)]
mod tests;
