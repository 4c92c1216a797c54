//! The supervisor of one builder: owns its state, runs the effects of the state machine, and shows
//! what came of it.

use super::{
    finished,
    hub::Hub,
    layout::Layout,
    lifecycle::{Event, Lifecycle},
    news::{Launched, Message, News, Teller, Term, Up},
    start::Climb,
    stop, watch,
};
use crate::{
    clock::now_ms,
    gateway::Gateway,
    guest::{Guest, Observation},
    image::Image,
    keys::{Agent, UserKeys},
    services,
    settings::BuilderSettings,
    vm::{Exit, Hypervisor, Vm},
};
use igloo_protocol::{BuilderId, Code, GuestInfo, Phase, Problem, Rung, StopMode};
use std::sync::Arc;
use tokio::{
    sync::mpsc,
    task::{AbortHandle, JoinHandle},
};
use tracing::{info, warn};
use uuid::Uuid;

/// A machine that runs, and the session with its guest.
pub(super) struct Machine {
    pub(super) launched: Launched,
    pub(super) guest: Option<Guest>,
    pub(super) info: GuestInfo,
    /// Where the user's key lies in no file: ssh's way to it, for as long as the machine runs.
    _agent: Option<Agent>,
}

/// The supervisor of one builder.
pub struct Supervisor<H> {
    pub(super) id: BuilderId,
    pub(super) hypervisor: Arc<H>,
    pub(super) layout: Layout,
    pub(super) keys: UserKeys,
    pub(super) hub: Hub,
    pub(super) settings: BuilderSettings,
    pub(super) life: Lifecycle,
    pub(super) gateway: Gateway,
    pub(super) machine: Option<Machine>,
    pub(super) last_look: Option<Observation>,
    pub(super) term: Term,
    /// The start that is under way, if one is: the next one waits for its end.
    pub(super) starting: Option<JoinHandle<()>>,
    pub(super) session: Option<AbortHandle>,
    pub(super) teller: Teller,
    pub(super) inbox: mpsc::UnboundedReceiver<Message>,
}

impl<H: Hypervisor> Supervisor<H> {
    /// A supervisor, and where to write to it.
    pub fn new(
        id: BuilderId,
        hypervisor: Arc<H>,
        (layout, keys): (Layout, UserKeys),
        hub: Hub,
        settings: BuilderSettings,
    ) -> (Supervisor<H>, mpsc::UnboundedSender<Message>) {
        let (outbox, inbox) = mpsc::unbounded_channel();
        let supervisor = Supervisor {
            id,
            hypervisor,
            layout,
            keys,
            hub,
            settings,
            life: Lifecycle::default(),
            gateway: Gateway::new(id),
            machine: None,
            last_look: None,
            term: Term::first(),
            starting: None,
            session: None,
            teller: Teller(outbox.clone()),
            inbox,
        };
        (supervisor, outbox)
    }

    /// Adopts what still runs, then works until nobody writes any more. Machines are left running.
    pub async fn run(mut self) {
        self.look_for_key();
        self.adopt().await;
        if let Err(problem) = self.open_gateway().await {
            self.warn(problem);
        }
        self.show();
        while let Some(message) = self.inbox.recv().await {
            self.handle(message).await;
            self.show();
        }
    }

    async fn adopt(&mut self) {
        match self.hypervisor.adopt(self.layout.run_dir()).await {
            Ok(None) => self.clean_up(),
            Ok(Some(vm)) => self.take_over(Arc::new(vm)),
            Err(problem) => self.warn(problem),
        }
    }

    fn take_over(&mut self, vm: Arc<Vm>) {
        let found =
            Image::open(&vm.record().manifest).and_then(|image| Ok((self.found_keys(&image)?, image)));
        match found {
            Ok((keys, image)) => {
                info!(builder = %self.id, pid = vm.record().pid, "adopted the machine that runs");
                self.attach(Launched { vm, image, keys, warning: None, started: None });
                self.happened(Event::Adopted);
            }
            Err(problem) => {
                warn!(builder = %self.id, "the machine that runs can't be used any more, so it is ended: {problem}");
                self.hub.update(self.id, |v| v.warning = Some(problem));
                tokio::spawn(stop::power_off(vm, None, String::new()));
            }
        }
    }

    async fn handle(&mut self, message: Message) {
        match message {
            Message::Ask(event, reply) => {
                let _ = reply.send(self.ask(event).await);
            }
            Message::Reset(reply) => {
                let _ = reply.send(self.layout.ask_reset());
            }
            Message::DaemonKey(key, reply) => {
                let _ = reply.send(self.daemon_key(key.as_deref()));
            }
            Message::Settings(settings, reply) => {
                let _ = reply.send(self.choose(*settings).await);
            }
            Message::Ports => self.ports_changed().await,
            Message::News(news) => self.news(news),
        }
    }

    async fn ask(&mut self, event: Event) -> Result<(), Problem> {
        if matches!(event, Event::StartAsked | Event::RestartAsked(_)) {
            self.may_start().await?;
        }
        let effects = self.life.handle(event, now_ms())?;
        self.carry_out(effects);
        Ok(())
    }

    async fn may_start(&mut self) -> Result<(), Problem> {
        if !self.settings.enabled {
            return Err(Problem::new(
                Code::Disabled,
                format!("the builder {} is not enabled", self.id),
                format!("enable it with `igloo settings set builders.{}.enabled true`", self.id),
            ));
        }
        self.open_gateway().await?;
        self.hub.update(self.id, |v| v.warning = None);
        Ok(())
    }

    /// Listens where the settings say, unless the port is another service's: on macOS a listener on 127.0.0.1 may get
    /// past one on all addresses, and the two would fight.
    async fn open_gateway(&mut self) -> Result<(), Problem> {
        if !self.settings.enabled {
            self.gateway.close();
            return Ok(());
        }
        let port = self.settings.port;
        let snapshot = self.hub.subscribe().borrow().clone();
        // the port of a builder that is up is its own, whoever came later
        let is_ours = self.life.phase().is_up() && self.gateway.listens_on(port);
        if !is_ours && let Some(service) = services::holder(&snapshot.services, port) {
            self.gateway.close();
            return Err(services::taken_by(service, self.id, port));
        }
        self.gateway.listen(port).await
    }

    /// Leaves the port of a builder that is down to a service that wants it, and takes it back when that has ended.
    async fn ports_changed(&mut self) {
        if self.life.phase().is_up() {
            return;
        }
        let problem = self.open_gateway().await.err();
        self.hub.update(self.id, |v| {
            if problem.is_some() || v.warning.as_ref().is_some_and(|w| w.code == Code::PortTaken) {
                v.warning = problem;
            }
        });
    }

    fn daemon_key(&mut self, line: Option<&str>) -> Result<(), Problem> {
        self.layout.set_daemon_key(line)?;
        let Some(m) = &self.machine else { return Ok(()) };
        self.layout.authorize(&m.launched.image, &m.launched.keys.user)
    }

    async fn choose(&mut self, settings: BuilderSettings) -> Result<(), Problem> {
        self.settings = settings;
        if !self.settings.enabled && !self.life.phase().is_up() && self.machine.is_none() {
            self.happened(Event::StopAsked(StopMode::Now));
        }
        let opened = self.open_gateway().await;
        self.hub.update(self.id, |v| v.warning = opened.as_ref().err().cloned());
        opened
    }

    fn news(&mut self, news: News) {
        match news {
            News::Step(term, step) if term.is_current() => self.happened(Event::Step(step)),
            News::Launched(launched) => {
                self.attach(*launched);
                self.happened(Event::Launched);
                if matches!(self.life.phase(), Phase::Booting { .. }) {
                    self.climb(Climb::First);
                }
            }
            News::Climbed(term, rung) if term.is_current() => self.climbed(rung),
            News::Ready(term, up) if term.is_current() => {
                self.judge_accel(true);
                self.meet(*up);
                self.happened(Event::Ready);
            }
            News::Failed(term, problem) if term.is_current() => {
                warn!(builder = %self.id, code = problem.code.as_str(), "{problem}");
                self.note_accel_failure(&problem);
                self.happened(Event::StartFailed(problem));
            }
            News::Observed(term, seen) if term.is_current() => self.observed(*seen),
            News::Clock(term, problem) if term.is_current() => self.clock(problem),
            News::Lost(term, problem) if term.is_current() => {
                warn!(builder = %self.id, "the guest does not answer: {problem}");
                self.happened(Event::Lost);
            }
            News::Stuck(uuid, problem) => self.stuck(uuid, problem),
            News::Exited(uuid, exit) => self.exited(uuid, &exit),
            _ => {}
        }
    }

    fn happened(&mut self, event: Event) {
        // only what faces ask for is ever refused
        if let Ok(effects) = self.life.handle(event, now_ms()) {
            self.carry_out(effects);
        }
    }

    fn attach(&mut self, launched: Launched) {
        let r = launched.vm.record();
        let info = GuestInfo {
            pid: r.pid,
            accel: r.accel,
            ephemeral: r.ephemeral,
            cores: r.cores,
            memory_mib: r.memory_mib,
            started_ms: r.started_ms,
            climbed: vec![],
            user: launched.image.manifest.user.clone(),
            host_key: launched.keys.host.line(),
            nix_version: None,
            features: vec![],
            usage: None,
        };
        if let Some(warning) = launched.warning.clone() {
            self.hub.update(self.id, |v| v.warning = Some(warning));
        }
        let agent = self.offer_key(&launched.keys.user);
        tokio::spawn(watch::machine(launched.vm.clone(), self.teller.clone()));
        self.machine = Some(Machine { launched, guest: None, info, _agent: agent });
    }

    fn meet(&mut self, up: Up) {
        self.hub.update(self.id, |v| v.systems = up.nix.known_systems());
        if let Some(m) = &mut self.machine {
            m.info.nix_version = up.daemon.nix_version;
            m.info.features = up.nix.features;
            m.guest = Some(up.guest.clone());
        }
        let watch = watch::guest(up.guest, self.gateway.visits(), self.term.clone(), self.teller.clone());
        self.session = Some(tokio::spawn(watch).abort_handle());
    }

    fn climbed(&mut self, rung: Rung) {
        if let Some(m) = &mut self.machine
            && m.launched.started.is_some()
            && m.info.climbed.iter().all(|(r, _)| *r != rung)
        {
            m.info.climbed.push((rung, now_ms().saturating_sub(m.info.started_ms)));
        }
        self.happened(Event::Climbed(rung));
    }

    fn observed(&mut self, seen: Observation) {
        if let Some(m) = &mut self.machine {
            m.info.usage = seen.usage.clone();
        }
        let builds = watch::in_use(&seen);
        self.hub.update(self.id, |v| finished::remember(v, &seen.finished));
        self.last_look = Some(seen);
        self.happened(Event::Builds(builds));
    }

    /// Another warning is not pushed aside by the clock's.
    fn clock(&mut self, problem: Option<Problem>) {
        self.hub.update(self.id, |v| {
            if v.warning.as_ref().is_none_or(|w| w.code == Code::ClockOff) {
                v.warning = problem;
            }
        });
    }

    fn stuck(&mut self, uuid: Uuid, problem: Problem) {
        if self.machine.as_ref().is_some_and(|m| m.launched.vm.record().uuid == uuid) {
            warn!(builder = %self.id, code = problem.code.as_str(), "{problem}");
            self.note_accel_failure(&problem);
            self.happened(Event::Stuck(problem));
        }
    }

    fn exited(&mut self, uuid: Uuid, exit: &Exit) {
        let Some(m) = self.machine.as_ref().filter(|m| m.launched.vm.record().uuid == uuid) else { return };
        let problem = exit.problem(m.launched.vm.record());
        if !matches!(self.life.phase(), Phase::Stopping) {
            warn!(builder = %self.id, code = problem.code.as_str(), "{problem}");
            self.note_accel_failure(&problem);
        }
        self.happened(Event::Exited(problem));
    }

    /// A guest that never came to speak under a virtualised processor: the next start is translated.
    fn note_accel_failure(&self, problem: &Problem) {
        let silent = matches!(self.life.phase(), Phase::Booting { rung } if *rung < Some(Rung::Banner));
        let failed = matches!(problem.code, Code::BootTimeout | Code::VmCrashed | Code::VmFailed);
        if silent && failed {
            self.judge_accel(false);
        }
    }

    fn judge_accel(&self, ready: bool) {
        if let Some(m) = &self.machine
            && let Some((spec, _)) = &m.launched.started
        {
            self.hypervisor.judge(spec, &m.launched.vm, ready);
        }
    }
}

/// What a face asks of a builder, as an event.
pub fn event(command: &igloo_protocol::Command) -> Option<(BuilderId, Event)> {
    use igloo_protocol::Command;
    match *command {
        Command::Start { builder } => Some((builder, Event::StartAsked)),
        Command::Stop { builder, mode } => Some((builder, Event::StopAsked(mode))),
        Command::Restart { builder, mode } => Some((builder, Event::RestartAsked(mode))),
        _ => None,
    }
}

#[cfg(test)]
#[path = "supervisor_tests.rs"]
mod tests;
