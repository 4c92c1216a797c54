//! The link whole: the engine's own API server on a socket of its own.

use super::{
    link::{Link, send},
    sample::{builder, snapshot},
    seen::Seen,
};
use igloo_engine::api::{ApiListener, Client, Service, serve};
use igloo_protocol::{BuilderId, Code, Command, Phase, Problem, SettingView, Snapshot, SshAccess};
use std::{
    future::pending,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};
use tokio::{
    runtime::Runtime,
    sync::{mpsc, watch},
};

const DEADLINE: Duration = Duration::from_secs(30);

const ID: BuilderId = BuilderId::X86_64;

/// Shows what it is told to, passes on what it is asked for, and refuses to reset.
struct Fake {
    snapshots: watch::Sender<Arc<Snapshot>>,
    commands: mpsc::UnboundedSender<Command>,
}

impl Service for Fake {
    fn snapshots(&self) -> watch::Receiver<Arc<Snapshot>> {
        self.snapshots.subscribe()
    }

    async fn command(&self, command: Command) -> Result<(), Problem> {
        if let Command::Reset { .. } = command {
            return Err(Problem::new(Code::WrongPhase, "it runs", "stop it first"));
        }
        self.commands.send(command).unwrap();
        Ok(())
    }

    fn settings(&self) -> Result<Vec<SettingView>, Problem> {
        Ok(Vec::new())
    }

    fn log_path(&self, _: BuilderId) -> PathBuf {
        PathBuf::new()
    }

    fn ssh(&self, _: BuilderId) -> Result<SshAccess, Problem> {
        Err(Problem::new(Code::WrongPhase, "no guest", "start it"))
    }

    fn shutdown(&self) {}
}

/// An engine. Breaks off when dropped, as one that is killed does.
struct Engine {
    fake: Arc<Fake>,
    commands: mpsc::UnboundedReceiver<Command>,
    _runtime: Runtime,
}

impl Engine {
    fn start(socket: &Path, phase: Phase) -> Engine {
        let runtime = Runtime::new().unwrap();
        let (sender, commands) = mpsc::unbounded_channel();
        let fake =
            Arc::new(Fake { snapshots: watch::Sender::new(Arc::new(showing(phase))), commands: sender });
        let listener = {
            let _in = runtime.enter();
            ApiListener::bind(socket).unwrap()
        };
        runtime.spawn(serve(listener, fake.clone(), pending()));
        Engine { fake, commands, _runtime: runtime }
    }

    fn show(&self, phase: Phase) {
        self.fake.snapshots.send_replace(Arc::new(showing(phase)));
    }
}

fn showing(phase: Phase) -> Snapshot {
    snapshot([builder(ID, phase)])
}

/// A link to nothing yet, and what waits for it.
struct Bench {
    _dir: tempfile::TempDir,
    socket: PathBuf,
    link: Link,
    waiting: Runtime,
}

impl Bench {
    fn new() -> Bench {
        let dir = tempfile::tempdir().unwrap();
        let socket = dir.path().join("run/api.sock");
        let link = Link::new(Client::new(socket.clone())).unwrap();
        Bench { _dir: dir, socket, link, waiting: Runtime::new().unwrap() }
    }

    fn engine(&self, phase: Phase) -> Engine {
        Engine::start(&self.socket, phase)
    }

    /// Waits for what happens.
    fn wait<T>(&self, what: &str, event: impl Future<Output = T>) -> T {
        let event = self.waiting.block_on(async { tokio::time::timeout(DEADLINE, event).await });
        event.unwrap_or_else(|_| panic!("waited {DEADLINE:?} for {what}"))
    }

    /// Waits until the link shows this.
    fn shows(&self, expected: Option<Phase>) {
        let expected = expected.map(showing);
        let mut sight = self.link.sight();
        let seen = sight.wait_for(|seen| seen.snapshot.as_deref() == expected.as_ref());
        self.wait(&format!("{expected:?}"), async { drop(seen.await.unwrap()) });
    }
}

#[test]
fn engines_come_and_go() {
    let bench = Bench::new();
    assert_eq!(*bench.link.sight().borrow(), Seen::default());
    let engine = bench.engine(Phase::Stopped);
    bench.shows(Some(Phase::Stopped));
    engine.show(Phase::Ready);
    bench.shows(Some(Phase::Ready));

    drop(engine);
    bench.shows(None);
    let _engine = bench.engine(Phase::Stopping);
    bench.shows(Some(Phase::Stopping));
}

#[test]
fn a_command_reaches_the_engine_and_one_that_fails_harms_no_other() {
    let bench = Bench::new();
    let send = |command| send(&bench.link.runtime(), bench.link.client(), command);
    let start = Command::Start { builder: ID };
    send(start.clone()); // no engine
    let mut engine = bench.engine(Phase::Stopped);
    bench.shows(Some(Phase::Stopped));
    send(Command::Reset { builder: ID }); // refused
    let stop = Command::Stop { builder: ID, mode: igloo_protocol::StopMode::Now };
    send(stop.clone());
    let first = bench.wait("a command", engine.commands.recv());
    // the first may have come in time for the engine
    let last = if first == Some(start) { bench.wait("a command", engine.commands.recv()) } else { first };
    assert_eq!(last, Some(stop));
}
