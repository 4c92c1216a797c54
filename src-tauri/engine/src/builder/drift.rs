//! Whether the host's Nix is still set up for the builders: looked at now and then, told in the snapshot, and
//! logged once for each change.

use super::{hub::Hub, layout::Layout};
use igloo_protocol::{BuilderId, BuilderView, Needs, Setup};
use std::{sync::Arc, time::Duration};
use tokio::{sync::Notify, task, time::timeout};
use tracing::{info, warn};

/// How long a change of the files may go unseen. A look reads four small files.
const EVERY: Duration = Duration::from_secs(10);

/// Looks at the host's Nix settings. The app implements it, since who plans and writes them is not known here.
pub trait HostNix: Send + Sync + 'static {
    /// Whether they are what a builder needs. May read files; is called on a blocking thread.
    fn look(&self, needs: &Needs) -> Setup;
}

/// Follows the settings for as long as it is polled. `again` asks for a look at once.
pub async fn follow(
    hub: Hub,
    layouts: Vec<(BuilderId, Layout)>,
    host_nix: Arc<dyn HostNix>,
    again: Arc<Notify>,
) {
    loop {
        for (id, layout) in &layouts {
            let Some(view) = hub.subscribe().borrow().builder(*id).cloned() else { continue };
            let (layout, host_nix) = (layout.clone(), host_nix.clone());
            let look = move || host_nix.look(&needs(&view, &layout));
            if let Ok(setup) = task::spawn_blocking(look).await {
                tell(&hub, *id, setup);
            }
        }
        // whether it was asked or the time is over
        let _ = timeout(EVERY, again.notified()).await;
    }
}

fn needs(view: &BuilderView, layout: &Layout) -> Needs {
    Needs {
        builder: view.id,
        port: view.port,
        host_key: view.running.as_ref().map(|guest| guest.host_key.clone()),
        daemon_key: layout.daemon_key(),
    }
}

fn tell(hub: &Hub, id: BuilderId, setup: Setup) {
    hub.update(id, |view| {
        if view.setup != setup {
            log(id, &setup);
            view.setup = setup;
        }
    });
}

fn log(id: BuilderId, setup: &Setup) {
    match setup {
        Setup::Drifted { files } => {
            files.iter().for_each(|f| warn!(builder = %id, "{} {}", f.path, f.how));
        }
        Setup::InPlace => info!(builder = %id, "Nix is set up"),
        Setup::Absent | Setup::Unknown => info!(builder = %id, "Nix is not set up"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::Paths;
    use igloo_protocol::Drift;
    use std::sync::Mutex;

    /// Says what it was told to say, and remembers what it was asked.
    #[derive(Default)]
    struct Scripted {
        says: Mutex<Setup>,
        asked: Mutex<Vec<Needs>>,
    }

    impl HostNix for Scripted {
        fn look(&self, needs: &Needs) -> Setup {
            self.asked.lock().unwrap().push(needs.clone());
            self.says.lock().unwrap().clone()
        }
    }

    #[tokio::test]
    async fn a_change_is_seen_when_asked_for_and_told_once() {
        let dir = tempfile::tempdir().unwrap();
        let id = BuilderId::X86_64;
        let layout = Layout::new(&Paths::below(dir.path()), id);
        let key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJBWcxb/Blaqt1auOtE+F8QUWrUotiC5qBJ+UuEWdVCb";
        layout.set_daemon_key(Some(key)).unwrap();
        let hub = Hub::new(vec![BuilderView::new(id)]);
        let (host, again) = (Arc::new(Scripted::default()), Arc::new(Notify::new()));
        *host.says.lock().unwrap() = Setup::InPlace;
        let mut seen = hub.subscribe();
        let task = tokio::spawn(follow(hub.clone(), vec![(id, layout)], host.clone(), again.clone()));
        let setup = |s: &Arc<igloo_protocol::Snapshot>| s.builders[0].setup.clone();
        assert_eq!(setup(&seen.wait_for(|s| setup(s) != Setup::Unknown).await.unwrap()), Setup::InPlace);
        let asked = host.asked.lock().unwrap()[0].clone();
        assert_eq!((asked.port, asked.host_key), (31023, None));
        assert_eq!(asked.daemon_key.as_deref(), Some(key));

        let drifted =
            Setup::Drifted { files: vec![Drift { path: "/etc/nix/machines".into(), how: "is gone".into() }] };
        *host.says.lock().unwrap() = drifted.clone();
        again.notify_one();
        let seq = {
            let now = seen.wait_for(|s| setup(s) == drifted).await.unwrap();
            now.seq
        };
        // the same again is no news
        let looks = host.asked.lock().unwrap().len();
        again.notify_one();
        while host.asked.lock().unwrap().len() == looks {
            tokio::task::yield_now().await;
        }
        again.notify_one();
        while host.asked.lock().unwrap().len() == looks + 1 {
            tokio::task::yield_now().await;
        }
        assert_eq!(hub.subscribe().borrow().seq, seq);
        task.abort();
    }
}
