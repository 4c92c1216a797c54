//! An engine of lies: the real API, over builders that only say they run.

use igloo_engine::{
    api::{ApiListener, Service, serve},
    host::Paths,
};
use igloo_protocol::{
    API_VERSION, Accel, Applies, Build, BuildSource, BuildState, BuilderId, BuilderView, Code, Command,
    EngineInfo, GuestInfo, Phase, PrepareStep, Problem, Rung, ServiceView, SettingView, Snapshot, SshAccess,
    StopMode,
};
use std::{
    collections::BTreeMap,
    path::PathBuf,
    sync::{Arc, Mutex},
    time::{SystemTime, UNIX_EPOCH},
};
use tempfile::TempDir;
use tokio::{
    runtime::Runtime,
    sync::{Notify, watch},
};

/// The host key of every guest.
pub const HOST_KEY: &str = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJBWcxb/Blaqt1auOtE+F8QUWrUotiC5qBJ+UuEWdVCb";

/// An engine with a home of its own. Its server ends with it.
pub struct Engine {
    pub home: TempDir,
    pub state: Arc<State>,
    _runtime: Runtime,
}

pub struct State {
    snapshot: watch::Sender<Arc<Snapshot>>,
    settings: Mutex<BTreeMap<String, Option<String>>>,
    /// Every command that arrived.
    pub commands: Mutex<Vec<Command>>,
    /// What a start comes to when the ladder is half climbed.
    pub fails: Mutex<Option<Problem>>,
    /// Lets a start go on from half of the ladder, and a stop that waits end.
    pub go_on: Notify,
    home: PathBuf,
    end: Notify,
}

impl Engine {
    pub fn start() -> Engine {
        let home = tempfile::tempdir().unwrap();
        let paths = Paths::below(home.path());
        let state = Arc::new(State {
            snapshot: watch::Sender::new(Arc::new(snapshot())),
            settings: Mutex::new(BTreeMap::from([
                ("builders.x86_64.cores".into(), Some("2".into())),
                ("builders.x86_64.ephemeral".into(), Some("false".into())),
                ("builders.x86_64.image".into(), None),
            ])),
            commands: Mutex::default(),
            fails: Mutex::default(),
            go_on: Notify::new(),
            home: home.path().to_owned(),
            end: Notify::new(),
        });
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let (service, end) = (Arc::new(Fake(state.clone())), state.clone());
        let listener = runtime.block_on(async { ApiListener::bind(&paths.socket()) }).unwrap();
        runtime.spawn(serve(listener, service, async move { end.end.notified().await }));
        Engine { home, state, _runtime: runtime }
    }

    /// Changes what is shown of `x86_64`.
    pub fn show(&self, change: impl FnOnce(&mut BuilderView)) {
        self.state.change(BuilderId::X86_64, change);
    }

    /// Changes what is shown of other programs' services.
    pub fn show_services(&self, services: Vec<ServiceView>) {
        self.state.snapshot.send_modify(|snapshot| Arc::make_mut(snapshot).services = services);
    }

    pub fn commands(&self) -> Vec<Command> {
        self.state.commands.lock().unwrap().clone()
    }
}

impl State {
    fn change(&self, id: BuilderId, change: impl FnOnce(&mut BuilderView)) {
        self.snapshot.send_modify(|s| {
            let mut next = Snapshot::clone(s);
            next.seq += 1;
            let view = next.builders.iter_mut().find(|b| b.id == id).unwrap();
            change(view);
            *s = Arc::new(next);
        });
    }

    fn phase(&self, id: BuilderId, phase: Phase) {
        self.change(id, |b| (b.phase, b.since_ms) = (phase, now()));
    }

    async fn climb(self: Arc<Self>, id: BuilderId) {
        self.change(id, |b| b.running = Some(guest()));
        for (i, rung) in Rung::ALL.into_iter().enumerate() {
            if i == 4 {
                if let Some(problem) = self.fails.lock().unwrap().clone() {
                    self.change(id, |b| b.running = None);
                    return self.phase(id, Phase::Failed { problem });
                }
                self.go_on.notified().await;
            }
            self.change(id, |b| {
                b.running.as_mut().unwrap().climbed.push((rung, 100 * (i as u64 + 1)));
                b.phase = Phase::Booting { rung: Some(rung) };
            });
        }
        self.change(id, |b| b.builds = Some(Vec::new()));
        self.phase(id, Phase::Ready);
    }

    async fn descend(&self, id: BuilderId, mode: StopMode) {
        if mode == StopMode::Wait {
            self.go_on.notified().await;
        }
        self.phase(id, Phase::Stopping);
        self.change(id, |b| (b.running, b.builds) = (None, None));
        self.phase(id, Phase::Stopped);
    }
}

struct Fake(Arc<State>);

impl Service for Fake {
    fn snapshots(&self) -> watch::Receiver<Arc<Snapshot>> {
        self.0.snapshot.subscribe()
    }

    async fn command(&self, command: Command) -> Result<(), Problem> {
        let state = self.0.clone();
        state.commands.lock().unwrap().push(command.clone());
        let leave = |id, mode| match mode {
            StopMode::Wait => state.phase(id, Phase::Draining { builds: 1 }),
            StopMode::Now => state.phase(id, Phase::Stopping),
        };
        match command {
            Command::Start { builder } => {
                state.phase(builder, Phase::Preparing { step: PrepareStep::Image });
                tokio::spawn(state.climb(builder));
            }
            Command::Stop { builder, mode } => {
                leave(builder, mode);
                tokio::spawn(async move { state.descend(builder, mode).await });
            }
            Command::Restart { builder, mode } => {
                leave(builder, mode);
                tokio::spawn(async move {
                    state.descend(builder, mode).await;
                    state.phase(builder, Phase::Preparing { step: PrepareStep::Image });
                    state.climb(builder).await;
                });
            }
            Command::Reset { builder } => state.change(builder, |b| b.reset_pending = true),
            Command::DaemonKey { .. } => {}
            Command::Settings { patch } => {
                let mut settings = state.settings.lock().unwrap();
                for (key, value) in patch.set {
                    let Some(slot) = settings.get_mut(&key) else {
                        let message = format!("no setting is called {key}");
                        return Err(Problem::new(Code::BadSettings, message, "look it up"));
                    };
                    *slot = value;
                }
            }
        }
        Ok(())
    }

    fn settings(&self) -> Result<Vec<SettingView>, Problem> {
        let settings = self.0.settings.lock().unwrap();
        let view = |(key, value): (&String, &Option<String>)| SettingView {
            key: key.clone(),
            value: value.clone(),
            default: Some("2".into()),
            set: true,
            effect: "Something".into(),
            applies: Applies::NextStart,
        };
        Ok(settings.iter().map(view).collect())
    }

    fn log_path(&self, id: BuilderId) -> PathBuf {
        self.0.home.join(format!("{id}.log"))
    }

    fn ssh(&self, id: BuilderId) -> Result<SshAccess, Problem> {
        Ok(SshAccess {
            port: 1022,
            user: "builder".into(),
            identity: self.0.home.join("a key"),
            agent: None,
            alias: id.alias().into(),
            host_key: HOST_KEY.into(),
        })
    }

    fn shutdown(&self) {
        self.0.end.notify_one();
    }
}

fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis() as u64
}

fn snapshot() -> Snapshot {
    let builders = BuilderId::ALL.map(|id| BuilderView {
        enabled: id == BuilderId::X86_64,
        cores: 2,
        memory_mib: 3072,
        disk_gib: 40,
        ..BuilderView::new(id)
    });
    let engine = EngineInfo {
        version: "0".into(),
        api: API_VERSION,
        pid: std::process::id(),
        started_ms: now(),
        ..EngineInfo::default()
    };
    Snapshot { seq: 1, engine, builders: builders.into(), services: Vec::new() }
}

fn guest() -> GuestInfo {
    GuestInfo {
        pid: 1,
        accel: Accel::Tcg,
        ephemeral: false,
        cores: 2,
        memory_mib: 3072,
        started_ms: now(),
        climbed: Vec::new(),
        user: "builder".into(),
        host_key: String::new(),
        nix_version: None,
        features: Vec::new(),
        usage: None,
    }
}

/// Makes a builder ready, with one build.
pub fn ready(view: &mut BuilderView) {
    view.phase = Phase::Ready;
    view.since_ms = now();
    view.running = Some(guest());
    view.builds = Some(vec![Build {
        derivation: Some("hello-2.12.1".into()),
        state: BuildState::Running,
        elapsed_s: Some(92.0),
        cpu_s: None,
        source: BuildSource::GuestProcesses,
    }]);
}
