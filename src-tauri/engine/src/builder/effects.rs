//! What the supervisor does when the state machine says so.

use super::{
    finished,
    lifecycle::Effect,
    start::{self, Climb},
    stop,
    supervisor::Supervisor,
};
use crate::{clock::now_ms, guest::Target, vm::Hypervisor};
use tracing::warn;

impl<H: Hypervisor> Supervisor<H> {
    pub(super) fn carry_out(&mut self, effects: Vec<Effect>) {
        for effect in effects {
            match effect {
                Effect::Start => self.start(),
                Effect::Climb => self.climb(Climb::Again),
                Effect::Abandon => self.abandon(),
                Effect::PowerOff => self.power_off(),
                Effect::Quit => self.quit(),
                Effect::CleanUp => self.clean_up(),
            }
        }
    }

    fn start(&mut self) {
        self.abandon();
        let before = self.starting.take();
        let launch = start::launch(
            self.id,
            self.hypervisor.clone(),
            (self.layout.clone(), self.keys.clone()),
            self.settings.clone(),
            self.term.clone(),
            self.teller.clone(),
        );
        self.starting = Some(tokio::spawn(async move {
            if let Some(before) = before {
                let _ = before.await;
            }
            launch.await;
        }));
    }

    pub(super) fn climb(&mut self, climb: Climb) {
        self.abandon();
        let Some(m) = &self.machine else { return };
        let target = Target {
            port: m.launched.vm.record().ssh_port,
            user: m.launched.image.manifest.user.clone(),
            host_key: m.launched.keys.host.clone(),
            key: m.launched.keys.user.clone(),
        };
        let climb =
            start::climb(self.id, target, m.info.accel, climb, self.term.clone(), self.teller.clone());
        self.session = Some(tokio::spawn(climb).abort_handle());
    }

    /// Begins a new term: what the tasks of the last one tell is old news.
    fn abandon(&mut self) {
        self.term = self.term.next();
        if let Some(session) = self.session.take() {
            session.abort();
        }
        if let Some(guest) = self.machine.as_mut().and_then(|m| m.guest.take()) {
            guest.close();
        }
    }

    fn power_off(&mut self) {
        if let Some(m) = &mut self.machine {
            let command = m.launched.image.manifest.power_off.clone();
            tokio::spawn(stop::power_off(m.launched.vm.clone(), m.guest.take(), command));
        }
        self.abandon();
    }

    fn quit(&mut self) {
        if let Some(m) = &self.machine {
            tokio::spawn(stop::quit(m.launched.vm.clone()));
        }
    }

    /// Forgets the machine that ended, and removes what an ephemeral one wrote.
    pub(super) fn clean_up(&mut self) {
        self.abandon();
        self.machine = None;
        if let Some(look) = self.last_look.take() {
            self.hub.update(self.id, |v| finished::remember(v, &finished::cut_off(&look, now_ms())));
        }
        if let Err(problem) = self.layout.disks(self.id).discard_ephemeral() {
            warn!(builder = %self.id, "{problem}");
        }
    }
}
