//! An engine for the tests of faces: it shows what it is told to, and passes on what it is asked for.

use igloo_engine::{
    api::{ApiListener, Service, serve},
    host::Paths,
};
use igloo_protocol::{
    Accel, Applies, Build, BuildSource, BuildState, BuilderId, BuilderView, Code, Command, DiskUse,
    EngineInfo, GuestInfo, Phase, Problem, SettingView, Setup, Snapshot, SshAccess, Usage,
};
use std::{
    fs::File,
    future::pending,
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex,
        atomic::{AtomicU32, Ordering},
        mpsc,
    },
    time::Duration,
};
use tokio::{runtime::Runtime, sync::watch};

/// Long enough for a busy machine.
const DEADLINE: Duration = Duration::from_secs(30);

/// An engine that does what it is told to, on the paths of an app below a folder.
pub struct Engine {
    fake: Arc<Fake>,
    commands: mpsc::Receiver<Command>,
    _runtime: Runtime,
    _lock: File,
}

struct Fake {
    snapshots: watch::Sender<Arc<Snapshot>>,
    commands: Mutex<mpsc::Sender<Command>>,
    log: PathBuf,
    settings: Mutex<Vec<SettingView>>,
    access: Mutex<Option<SshAccess>>,
    pid: AtomicU32,
}

impl Fake {
    fn show(&self, builders: Vec<BuilderView>) {
        let engine = EngineInfo {
            version: env!("CARGO_PKG_VERSION").into(),
            api: 1,
            pid: self.pid.load(Ordering::Relaxed),
            started_ms: 0,
            ..EngineInfo::default()
        };
        let seq = self.snapshots.borrow().seq + 1;
        self.snapshots.send_replace(Arc::new(Snapshot { seq, engine, builders, services: Vec::new() }));
    }
}

impl Service for Fake {
    fn snapshots(&self) -> watch::Receiver<Arc<Snapshot>> {
        self.snapshots.subscribe()
    }

    async fn command(&self, command: Command) -> Result<(), Problem> {
        self.commands.lock().unwrap().send(command).unwrap();
        Ok(())
    }

    fn settings(&self) -> Result<Vec<SettingView>, Problem> {
        Ok(self.settings.lock().unwrap().clone())
    }

    fn log_path(&self, _: BuilderId) -> PathBuf {
        self.log.clone()
    }

    fn ssh(&self, _: BuilderId) -> Result<SshAccess, Problem> {
        let none = || Problem::new(Code::WrongPhase, "no guest", "start it");
        self.access.lock().unwrap().clone().ok_or_else(none)
    }

    fn shutdown(&self) {}
}

impl Engine {
    /// Runs one that shows these builders.
    pub fn start(paths: &Paths, builders: impl Into<Vec<BuilderView>>) -> Engine {
        paths.create().unwrap();
        // as a real engine: no other may run on the same state
        let lock = File::create(paths.engine_lock()).unwrap();
        lock.try_lock().unwrap();
        let runtime = Runtime::new().unwrap();
        let (sender, commands) = mpsc::channel();
        let fake = Arc::new(Fake {
            snapshots: watch::Sender::new(Arc::new(Snapshot {
                seq: 0,
                engine: EngineInfo {
                    version: String::new(),
                    api: 1,
                    pid: 0,
                    started_ms: 0,
                    ..EngineInfo::default()
                },
                builders: Vec::new(),
                services: Vec::new(),
            })),
            commands: Mutex::new(sender),
            log: paths.state_dir.join("console.log"),
            settings: Mutex::new(settings()),
            access: Mutex::default(),
            pid: AtomicU32::new(1),
        });
        fake.show(builders.into());
        let listener = {
            let _in = runtime.enter();
            ApiListener::bind(&paths.socket()).unwrap()
        };
        runtime.spawn(serve(listener, fake.clone(), pending()));
        Engine { fake, commands, _runtime: runtime, _lock: lock }
    }

    /// Shows these builders from now on.
    pub fn show(&self, builders: impl Into<Vec<BuilderView>>) {
        self.fake.show(builders.into());
    }

    /// Says from the next snapshot on that it runs in the process with this id.
    pub fn runs_in(&self, pid: u32) {
        self.fake.pid.store(pid, Ordering::Relaxed);
    }

    /// Says that these are the settings.
    pub fn has_settings(&self, settings: Vec<SettingView>) {
        *self.fake.settings.lock().unwrap() = settings;
    }

    /// Says that this is how to reach the guest of every builder.
    pub fn lets_in(&self, access: SshAccess) {
        *self.fake.access.lock().unwrap() = Some(access);
    }

    /// The next command that it is asked for.
    pub fn command(&self) -> Command {
        self.commands.recv_timeout(DEADLINE).expect("a command")
    }

    /// The file that it gives as every console's log.
    pub fn log(&self) -> &Path {
        &self.fake.log
    }
}

/// A setting with a value in TOML's form.
pub fn setting(key: &str, value: &str, effect: &str) -> SettingView {
    SettingView {
        key: key.into(),
        value: Some(value.into()),
        default: None,
        set: true,
        effect: effect.into(),
        applies: Applies::NextStart,
    }
}

/// Those that the tests ask for.
fn settings() -> Vec<SettingView> {
    let image =
        setting("builders.x86_64.image", "\"/image\"", "the folder of the image that the builder boots");
    let terminal = setting("terminal", "\"x-terminal-emulator\"", "the terminal that a builder is opened in");
    vec![image, terminal]
}

/// An enabled builder, set up, in this phase.
pub fn builder(id: BuilderId, phase: Phase) -> BuilderView {
    let builds = (phase == Phase::Ready).then(Vec::new);
    let running = (phase == Phase::Ready).then(guest);
    BuilderView {
        enabled: true,
        phase,
        builds,
        running,
        cores: 2,
        setup: Setup::InPlace,
        ..BuilderView::new(id)
    }
}

/// A build that has run for so many seconds.
pub fn build(name: &str, seconds: f64) -> Build {
    Build {
        derivation: Some(name.into()),
        state: BuildState::Running,
        elapsed_s: Some(seconds),
        cpu_s: None,
        source: BuildSource::GuestProcesses,
    }
}

fn guest() -> GuestInfo {
    GuestInfo {
        pid: 1,
        accel: Accel::Tcg,
        ephemeral: false,
        cores: 2,
        memory_mib: 4096,
        started_ms: 0,
        climbed: Vec::new(),
        user: "builder".into(),
        host_key: "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJBWcxb/Blaqt1auOtE+F8QUWrUotiC5qBJ+UuEWdVCb".into(),
        nix_version: Some("2.31.2".into()),
        features: vec!["big-parallel".into()],
        usage: Some(Usage {
            cpu: 0.5,
            memory_used: 1 << 30,
            memory_total: 4 << 30,
            disk: DiskUse { used: 1, total: 2 },
        }),
    }
}
