//! The engine: the builders' supervisors, and the API over them.

use crate::{
    api::{self, ApiListener, Service},
    builder::{Event, HostNix, Hub, Layout, Message, Supervisor, event, follow_drift, view},
    clock::now_ms,
    host::{self, Paths},
    keys::{Keychain, UserKeys, Vault},
    lock::Lock,
    services::{self, Launchd},
    settings::{HostSize, Settings, Store},
    vm::{HostFacts, Hypervisor, Qemu},
};
use igloo_protocol::{
    BuilderId, Code, Command, KeyPlace, Phase, Problem, SettingView, SettingsPatch, Snapshot, SshAccess,
    StopMode,
};
use std::{path::PathBuf, sync::Arc, time::Duration};
use tokio::sync::{Notify, mpsc, oneshot, watch};
use tracing::info;

/// Runs an engine until `shutdown` resolves or a face asks for its end. Machines are left running: the next
/// engine adopts them. `host_nix` tells whether this machine's Nix is set up for them, `vault` keeps the keys that
/// log in to them.
///
/// # Errors
/// [`Code::EngineRunning`], [`Code::BadSettings`], or folders and sockets that can't be made.
pub async fn serve(
    paths: Paths,
    host_nix: Arc<dyn HostNix>,
    vault: Arc<dyn Vault>,
    shutdown: impl Future<Output = ()> + Send,
) -> Result<(), Problem> {
    paths.create()?;
    let _lock = Lock::take(&paths.engine_lock())?;
    let hypervisor = Arc::new(Qemu::new(HostFacts::gather(), paths.state_dir.join("accel.json")));
    let engine = Arc::new(Engine::start(paths, vault, hypervisor)?);
    let listener = ApiListener::bind(&engine.paths.socket())?;
    info!(socket = %engine.paths.socket().display(), "the engine runs");
    let (end, ended) = oneshot::channel();
    let api = tokio::spawn(api::serve(listener, engine.clone(), async {
        let _ = ended.await;
    }));
    tokio::select! {
        () = shutdown => {}
        () = engine.shutdown.notified() => {}
        () = engine.follow_drift(host_nix) => {}
        () = engine.follow_power() => {}
        () = engine.follow_services() => {}
    }
    let _ = end.send(());
    api.await.map_err(|e| Problem::new(Code::Internal, format!("the API broke: {e}"), "look at the log"))?
}

/// Between two looks at the power source.
const POWER: Duration = Duration::from_secs(15);

/// Whether the power source has become the battery. A first look tells no change.
fn went_on_battery(before: Option<bool>, now: Option<bool>) -> bool {
    before == Some(false) && now == Some(true)
}

/// The builders' supervisors, and what they share.
pub struct Engine {
    paths: Paths,
    store: Store,
    hub: Hub,
    keychain: Arc<Keychain>,
    builders: Vec<(BuilderId, mpsc::UnboundedSender<Message>)>,
    shutdown: Notify,
    look_again: Arc<Notify>,
    launchd: Option<Arc<dyn Launchd>>,
}

impl Engine {
    fn start<H: Hypervisor>(
        paths: Paths,
        vault: Arc<dyn Vault>,
        hypervisor: Arc<H>,
    ) -> Result<Engine, Problem> {
        let store = Store::new(paths.settings_file(), HostSize::detect());
        let settings = store.load()?;
        let keychain = Arc::new(Keychain::new(vault, settings.general.keychain));
        let views = BuilderId::ALL.map(|id| view::idle(id, settings.builder(id), now_ms()));
        let hub = Hub::new(views.to_vec());
        hub.update_engine(|e| e.open_at_login = settings.general.open_at_login);
        let launchd = services::launchd();
        // before the first builder listens
        hub.set_services(launchd.as_deref().map(services::look).unwrap_or_default());
        let builders = BuilderId::ALL.map(|id| {
            let kept = (Layout::new(&paths, id), UserKeys::new(&paths, id, keychain.clone()));
            let choices = settings.builder(id).clone();
            let (supervisor, outbox) = Supervisor::new(id, hypervisor.clone(), kept, hub.clone(), choices);
            tokio::spawn(supervisor.run());
            (id, outbox)
        });
        Ok(Engine {
            paths,
            store,
            hub,
            keychain,
            builders: builders.to_vec(),
            shutdown: Notify::new(),
            look_again: Arc::default(),
            launchd,
        })
    }

    async fn follow_drift(&self, host_nix: Arc<dyn HostNix>) {
        let layouts = BuilderId::ALL.map(|id| (id, Layout::new(&self.paths, id)));
        follow_drift(self.hub.clone(), layouts.into(), host_nix, self.look_again.clone()).await;
    }

    /// Follows the power source. Builders are stopped in the moment in which it becomes the battery, and not again: who
    /// starts one on battery wants it.
    async fn follow_power(&self) {
        loop {
            if let Ok(now) = tokio::task::spawn_blocking(host::on_battery).await {
                let before = self.hub.subscribe().borrow().engine.on_battery;
                self.hub.update_engine(|e| e.on_battery = now);
                if went_on_battery(before, now) {
                    self.spare_the_battery().await;
                }
            }
            tokio::time::sleep(POWER).await;
        }
    }

    async fn spare_the_battery(&self) {
        if !self.store.load().is_ok_and(|settings| settings.general.stop_on_battery) {
            return;
        }
        let snapshot = self.hub.subscribe().borrow().clone();
        for builder in snapshot.builders.iter().filter(|b| b.phase == Phase::Ready) {
            info!(builder = %builder.id, "stops once its builds end: this machine goes on battery");
            let stop = Event::StopAsked(StopMode::Wait);
            // one that was stopped meanwhile needs no stop
            let _ = self.tell(builder.id, |reply| Message::Ask(stop, reply)).await;
        }
    }

    /// Shows what other programs' services do, and lets the builders know when one takes or leaves a port.
    async fn follow_services(&self) {
        let Some(launchd) = self.launchd.clone() else { return std::future::pending().await };
        services::follow(self.hub.clone(), launchd, || self.ports_changed()).await;
    }

    fn ports_changed(&self) {
        for (_, outbox) in &self.builders {
            // one that is gone needs no port
            let _ = outbox.send(Message::Ports);
        }
    }

    /// Looks at the services now: what is about to be started must not fight for a port, nor be kept from one that is free.
    async fn look_at_services(&self) {
        if let Some(launchd) = self.launchd.clone() {
            services::look_now(&self.hub, launchd).await;
        }
    }

    async fn tell(
        &self,
        id: BuilderId,
        message: impl FnOnce(oneshot::Sender<Result<(), Problem>>) -> Message,
    ) -> Result<(), Problem> {
        let gone = || {
            Problem::new(Code::Internal, format!("the supervisor of {id} is gone"), "start the engine again")
        };
        let (reply, answer) = oneshot::channel();
        let (_, outbox) = self.builders.iter().find(|(b, _)| *b == id).ok_or_else(gone)?;
        outbox.send(message(reply)).map_err(|_| gone())?;
        answer.await.map_err(|_| gone())?
    }

    /// Reads the settings again: the user may have edited the file since.
    async fn reload(&self, id: BuilderId) -> Result<(), Problem> {
        self.share(id, &self.store.load()?).await
    }

    async fn share(&self, id: BuilderId, settings: &Settings) -> Result<(), Problem> {
        self.keychain.want(settings.general.keychain);
        self.hub.update_engine(|e| e.open_at_login = settings.general.open_at_login);
        let choices = Box::new(settings.builder(id).clone());
        self.tell(id, |reply| Message::Settings(choices, reply)).await
    }

    async fn change(&self, patch: &SettingsPatch) -> Result<(), Problem> {
        self.refuse_to_disable_what_runs(patch)?;
        let settings = self.store.apply(patch)?;
        self.look_again.notify_one();
        let mut outcome = Ok(());
        for id in BuilderId::ALL {
            outcome = outcome.and(self.share(id, &settings).await);
        }
        outcome
    }

    fn refuse_to_disable_what_runs(&self, patch: &SettingsPatch) -> Result<(), Problem> {
        let snapshot = self.hub.subscribe().borrow().clone();
        for builder in snapshot.builders.iter().filter(|b| b.phase.is_up()) {
            let key = format!("builders.{}.enabled", builder.id);
            if patch
                .set
                .iter()
                .any(|(k, v)| *k == key && matches!(v.as_deref(), Some("false" | "off" | "\"off\"")))
            {
                return Err(Problem::new(
                    Code::WrongPhase,
                    format!("the builder {} runs, so it can't be disabled now", builder.id),
                    format!("stop it first with `igloo stop {}`", builder.id),
                ));
            }
        }
        Ok(())
    }
}

impl Service for Engine {
    fn snapshots(&self) -> watch::Receiver<Arc<Snapshot>> {
        self.hub.subscribe()
    }

    async fn command(&self, command: Command) -> Result<(), Problem> {
        if let Some((id, asked)) = event(&command) {
            if matches!(asked, Event::StartAsked | Event::RestartAsked(_)) {
                self.look_at_services().await;
                self.reload(id).await?;
            }
            return self.tell(id, |reply| Message::Ask(asked, reply)).await;
        }
        match command {
            Command::Reset { builder } => self.tell(builder, Message::Reset).await,
            Command::DaemonKey { builder, public_key } => {
                let told = self.tell(builder, |reply| Message::DaemonKey(public_key, reply)).await;
                self.look_again.notify_one();
                told
            }
            Command::Settings { patch } => self.change(&patch).await,
            Command::Start { .. } | Command::Stop { .. } | Command::Restart { .. } => Ok(()),
        }
    }

    fn settings(&self) -> Result<Vec<SettingView>, Problem> {
        self.store.views()
    }

    fn log_path(&self, id: BuilderId) -> PathBuf {
        Layout::new(&self.paths, id).run_dir().console()
    }

    fn ssh(&self, id: BuilderId) -> Result<SshAccess, Problem> {
        let snapshot = self.hub.subscribe().borrow().clone();
        let view = snapshot.builder(id).filter(|b| b.phase == Phase::Ready);
        let Some((view, guest)) = view.and_then(|view| view.running.as_ref().map(|guest| (view, guest)))
        else {
            return Err(Problem::new(
                Code::WrongPhase,
                format!("the builder {id} is not ready"),
                format!("start it with `igloo start {id}`"),
            ));
        };
        let keys = UserKeys::new(&self.paths, id, self.keychain.clone());
        let in_keychain = view.key_in == KeyPlace::Keychain;
        Ok(SshAccess {
            port: view.port,
            user: guest.user.clone(),
            identity: if in_keychain { keys.public_file() } else { keys.file() },
            agent: in_keychain.then(|| Layout::new(&self.paths, id).run_dir().agent()),
            alias: id.alias().into(),
            host_key: guest.host_key.clone(),
        })
    }

    fn shutdown(&self) {
        self.shutdown.notify_one();
    }
}
