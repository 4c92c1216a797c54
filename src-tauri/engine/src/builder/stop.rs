//! Powering off: the guest is asked by ssh, then by its power button, then the machine is ended.

use crate::{guest::Guest, vm::Vm};
use std::{sync::Arc, time::Duration};
use tokio::time::timeout;
use tracing::{info, warn};

/// How long the guest may take to power off after it was asked by ssh.
const BY_SSH: Duration = Duration::from_secs(30);

/// How long it may take after its power button was pressed.
const BY_BUTTON: Duration = Duration::from_secs(20);

/// How long the hypervisor may take to end by itself.
const BY_QUIT: Duration = Duration::from_secs(5);

/// Powers the guest off, and ends the machine if that takes too long. The watcher of the machine
/// tells of its end.
pub async fn power_off(vm: Arc<Vm>, guest: Option<Guest>, command: String) {
    if let Some(guest) = guest {
        if let Err(e) = guest.power_off(&command).await {
            info!("the guest can't be asked to power off: {e}");
        } else if ended(&vm, BY_SSH).await {
            return;
        }
    }
    if let Err(e) = vm.power_button().await {
        info!("the power button can't be pressed: {e}");
    } else if ended(&vm, BY_BUTTON).await {
        return;
    }
    warn!("the guest did not power off in time; ending the machine");
    quit(vm).await;
}

/// Ends the machine without asking its guest.
pub async fn quit(vm: Arc<Vm>) {
    if vm.quit().await.is_ok() && ended(&vm, BY_QUIT).await {
        return;
    }
    if let Err(e) = vm.kill().await {
        warn!("the machine can't be ended: {e}");
    }
}

async fn ended(vm: &Vm, within: Duration) -> bool {
    timeout(within, vm.exited()).await.is_ok()
}
