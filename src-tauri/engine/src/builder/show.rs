//! What faces, and the gateway, see of a builder's state.

use super::{supervisor::Supervisor, view};
use crate::{clock::now_ms, gateway::Target as To, vm::Hypervisor};
use igloo_protocol::Phase;
use tracing::info;

impl<H: Hypervisor> Supervisor<H> {
    /// Shows the state as it is now, and lets the gateway follow it.
    pub(super) fn show(&self) {
        let phase = self.life.phase();
        self.gateway.point(self.gateway_target());
        self.hub.update(self.id, |v| {
            if v.phase.word() != phase.word() {
                v.since_ms = now_ms();
                info!(builder = %self.id, "{}", phase.word());
            }
            v.phase = phase.clone();
            view::choose(v, &self.settings);
            v.reset_pending = self.layout.reset_asked();
            v.running = self.machine.as_ref().map(|m| m.info.clone());
            v.pending = self.machine.as_ref().map_or_else(Vec::new, |m| {
                let started = m.launched.started.as_ref().map(|(_, settings)| settings);
                view::pending(&m.info, started, &self.settings)
            });
            let up = matches!(phase, Phase::Ready | Phase::Draining { .. });
            v.builds = self.last_look.as_ref().filter(|_| up).and_then(|o| o.builds.clone());
        });
    }

    fn gateway_target(&self) -> To {
        let port = self.machine.as_ref().map(|m| m.launched.vm.record().ssh_port);
        match (self.life.phase(), port) {
            (Phase::Ready, Some(port)) => To::Open(port),
            (Phase::Draining { .. }, Some(port)) => To::Draining(port),
            (Phase::Preparing { .. } | Phase::Booting { .. }, _) => {
                To::Closed("the builder is not ready yet")
            }
            (Phase::Stopping, _) => To::Closed("the builder is stopping"),
            (Phase::Failed { .. }, _) => To::Closed("the builder failed"),
            _ => To::Closed("the builder is stopped"),
        }
    }
}
