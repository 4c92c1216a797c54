//! Looking at the services for as long as the engine runs.

use super::{Launchd, look};
use crate::builder::Hub;
use igloo_protocol::ServiceView;
use std::{sync::Arc, time::Duration};
use tokio::{task, time::sleep};
use tracing::{info, warn};

/// How long a change may go unseen. A look starts two processes of `launchctl` where a service is installed, else none.
const EVERY: Duration = Duration::from_secs(10);

/// Follows the services for as long as it is polled; `changed` is called whenever they are not as they were.
pub async fn follow(hub: Hub, launchd: Arc<dyn Launchd>, changed: impl Fn()) {
    loop {
        if look_now(&hub, launchd.clone()).await {
            changed();
        }
        sleep(EVERY).await;
    }
}

/// Looks once, and says whether anything differs.
pub async fn look_now(hub: &Hub, launchd: Arc<dyn Launchd>) -> bool {
    let Ok(services) = task::spawn_blocking(move || look(&*launchd)).await else { return false };
    log(&hub.subscribe().borrow().services, &services);
    hub.set_services(services)
}

/// Logs each change of a state once.
fn log(before: &[ServiceView], now: &[ServiceView]) {
    for service in now {
        let was = before.iter().find(|b| b.label == service.label).map(|b| b.state);
        if was == Some(service.state) {
            continue;
        }
        match &service.problem {
            Some(problem) => warn!(service = service.label, "{problem}"),
            None => info!(service = service.label, "{}", service.state.word()),
        }
    }
}
