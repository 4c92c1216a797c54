//! The API whole: a server on a socket of its own, and the real client.

use super::{ApiListener, Client, Service, serve};
use futures_util::{Stream, StreamExt};
use igloo_protocol::{
    API_VERSION, Applies, BuilderId, BuilderView, Code, Command, EngineInfo, Phase, Problem, SettingView,
    SettingsPatch, Snapshot, SshAccess, StopMode,
};
use std::{
    path::{Path, PathBuf},
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};
use tempfile::TempDir;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{UnixListener, UnixStream},
    sync::{Notify, watch},
    task::JoinHandle,
};

const DEADLINE: Duration = Duration::from_secs(10);

/// Keeps what it is asked for; refuses to reset.
struct Fake {
    snapshots: watch::Sender<Arc<Snapshot>>,
    commands: Mutex<Vec<Command>>,
    dir: PathBuf,
    end: Notify,
}

impl Service for Fake {
    fn snapshots(&self) -> watch::Receiver<Arc<Snapshot>> {
        self.snapshots.subscribe()
    }

    async fn command(&self, command: Command) -> Result<(), Problem> {
        if let Command::Reset { builder } = command {
            let message = format!("{builder} runs");
            return Err(Problem::new(Code::WrongPhase, message, "stop it first"));
        }
        self.commands.lock().unwrap().push(command);
        Ok(())
    }

    fn settings(&self) -> Result<Vec<SettingView>, Problem> {
        Ok(vec![SettingView {
            key: "builders.x86_64.cores".into(),
            value: Some("4".into()),
            default: Some("2".into()),
            set: true,
            effect: "Virtual processors".into(),
            applies: Applies::NextStart,
        }])
    }

    fn log_path(&self, id: BuilderId) -> PathBuf {
        self.dir.join(format!("{id}.log"))
    }

    fn ssh(&self, id: BuilderId) -> Result<SshAccess, Problem> {
        if id == BuilderId::Aarch64 {
            return Err(Problem::new(Code::WrongPhase, "aarch64 is stopped", "start it"));
        }
        Ok(SshAccess {
            port: 1,
            user: "builder".into(),
            identity: self.dir.join("key"),
            agent: None,
            alias: id.alias().into(),
            host_key: "ssh-ed25519 AAAA".into(),
        })
    }

    fn shutdown(&self) {
        self.end.notify_one();
    }
}

struct Server {
    dir: TempDir,
    fake: Arc<Fake>,
    client: Client,
    task: JoinHandle<Result<(), Problem>>,
}

impl Server {
    fn start() -> Server {
        let dir = tempfile::tempdir().unwrap();
        let socket = dir.path().join("run/api.sock");
        let fake = Arc::new(Fake {
            snapshots: watch::Sender::new(Arc::new(snapshot(1, Phase::Stopped))),
            commands: Mutex::default(),
            dir: dir.path().to_owned(),
            end: Notify::new(),
        });
        let listener = ApiListener::bind(&socket).unwrap();
        let end = fake.clone();
        let shutdown = async move { end.end.notified().await };
        let task = tokio::spawn(serve(listener, fake.clone(), shutdown));
        Server { dir, fake, client: Client::new(socket), task }
    }

    fn show(&self, seq: u64, phase: Phase) {
        self.fake.snapshots.send_replace(Arc::new(snapshot(seq, phase)));
    }

    /// Sends bytes as they are; the answer's status and body.
    async fn raw(&self, request: &str) -> (u16, String) {
        let mut stream = UnixStream::connect(self.client.socket()).await.unwrap();
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        tokio::time::timeout(DEADLINE, stream.read_to_string(&mut answer)).await.unwrap().unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        assert!(head.contains("igloo-api: 1"), "{head}");
        (head[9..12].parse().unwrap(), body.to_owned())
    }

    async fn ask(&self, method: &str, path: &str, body: &str) -> (u16, Problem) {
        let (status, body) = self
            .raw(&format!(
                "{method} {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-length: {}\r\n\r\n{body}",
                body.len()
            ))
            .await;
        (status, serde_json::from_str(&body).unwrap_or_else(|e| panic!("{e}: {body}")))
    }
}

fn snapshot(seq: u64, phase: Phase) -> Snapshot {
    let builders =
        BuilderId::ALL.map(|id| BuilderView { enabled: true, phase: phase.clone(), ..BuilderView::new(id) });
    let engine =
        EngineInfo { version: "0".into(), api: API_VERSION, pid: 1, started_ms: 0, ..EngineInfo::default() };
    Snapshot { seq, engine, builders: builders.into(), services: Vec::new() }
}

async fn next<T>(stream: &mut (impl Stream<Item = Result<T, Problem>> + Unpin)) -> Option<T> {
    let item = tokio::time::timeout(DEADLINE, stream.next()).await.unwrap();
    item.map(|i| i.unwrap())
}

#[tokio::test]
async fn what_there_is_to_show_comes_through() {
    let s = Server::start();
    assert_eq!(s.client.snapshot().await.unwrap(), snapshot(1, Phase::Stopped));
    assert_eq!(s.client.settings().await, s.fake.settings());
    let queue = s.client.queue().await.unwrap();
    assert!(queue.len() == 2 && queue.iter().all(|q| q.builds.is_none() && q.waiting.is_none()));
    assert_eq!(s.client.ssh(BuilderId::X86_64).await.unwrap().alias, "linux-builder-x86_64");
    assert_eq!(s.client.ssh(BuilderId::Aarch64).await.unwrap_err().remedy, "start it");
}

#[tokio::test]
async fn every_command_arrives_as_it_was_given() {
    let s = Server::start();
    let builder = BuilderId::Aarch64;
    let patch = SettingsPatch { set: vec![("a.b".into(), Some("\"x\"".into())), ("c".into(), None)] };
    let commands = vec![
        Command::Start { builder },
        Command::Stop { builder, mode: StopMode::Wait },
        Command::Stop { builder: BuilderId::X86_64, mode: StopMode::Now },
        Command::Restart { builder, mode: StopMode::Now },
        Command::DaemonKey { builder, public_key: Some("ssh-ed25519 AAAA root".into()) },
        Command::DaemonKey { builder, public_key: None },
        Command::Settings { patch },
    ];
    for command in &commands {
        s.client.command(command).await.unwrap();
    }
    assert_eq!(*s.fake.commands.lock().unwrap(), commands);
    let refused = s.client.command(&Command::Reset { builder }).await.unwrap_err();
    assert_eq!(refused, Problem::new(Code::WrongPhase, "aarch64 runs", "stop it first"));
}

#[tokio::test]
async fn a_stop_without_a_body_waits_for_builds() {
    let s = Server::start();
    let request = "POST /v1/builders/x86_64/stop HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n";
    assert_eq!(s.raw(request).await.0, 202);
    let stop = Command::Stop { builder: BuilderId::X86_64, mode: StopMode::Wait };
    assert_eq!(*s.fake.commands.lock().unwrap(), [stop]);
}

#[tokio::test]
async fn a_change_is_seen_within_200_ms_and_the_stream_ends_with_the_engine() {
    let s = Server::start();
    let mut events = Box::pin(s.client.events().await.unwrap());
    assert_eq!(next(&mut events).await.unwrap().seq, 1);
    let mut fastest = DEADLINE;
    for seq in 2..5 {
        let before = Instant::now();
        s.show(seq, Phase::Ready);
        let seen = next(&mut events).await.unwrap();
        assert_eq!((seen.seq, &seen.builders[0].phase), (seq, &Phase::Ready));
        fastest = fastest.min(before.elapsed());
    }
    // the fastest of three: a busy machine may hold one up
    assert!(fastest < Duration::from_millis(200), "{fastest:?}");
    s.client.shutdown().await.unwrap();
    assert!(next(&mut events).await.is_none());
    tokio::time::timeout(DEADLINE, s.task).await.unwrap().unwrap().unwrap();
    assert!(!s.client.socket().exists());
    assert_eq!(s.client.snapshot().await.unwrap_err().code, Code::NoEngine);
}

#[tokio::test]
async fn a_log_is_read_and_followed() {
    let s = Server::start();
    let path = s.dir.path().join("x86_64.log");
    let text = async |lines| {
        let mut log = Box::pin(s.client.log(BuilderId::X86_64, lines, false).await.unwrap());
        let mut all = Vec::new();
        while let Some(chunk) = next(&mut log).await {
            all.extend_from_slice(&chunk);
        }
        String::from_utf8(all).unwrap()
    };
    assert_eq!(text(5).await, "");
    std::fs::write(&path, "one\ntwo\nthree\n").unwrap();
    assert_eq!(text(2).await, "two\nthree\n");
    let mut log = Box::pin(s.client.log(BuilderId::X86_64, 1, true).await.unwrap());
    assert_eq!(next(&mut log).await.unwrap(), "three\n");
    let mut file = std::fs::OpenOptions::new().append(true).open(&path).unwrap();
    std::io::Write::write_all(&mut file, b"four\n").unwrap();
    assert_eq!(next(&mut log).await.unwrap(), "four\n");
    s.client.shutdown().await.unwrap();
    assert!(next(&mut log).await.is_none());
}

#[tokio::test]
async fn what_makes_no_sense_is_answered_with_a_problem() {
    let s = Server::start();
    let cases = [
        ("GET", "/v1/nothing", "", 404, Code::Usage),
        ("GET", "/v2/snapshot", "", 404, Code::Usage),
        ("GET", "/", "", 404, Code::Usage),
        ("POST", "/v1/snapshot", "", 405, Code::Usage),
        ("GET", "/v1/builders/x86_64/start", "", 405, Code::Usage),
        ("POST", "/v1/builders/riscv/start", "", 404, Code::UnknownBuilder),
        ("POST", "/v1/builders/%ff/start", "", 400, Code::Usage),
        ("POST", "/v1/builders/x86_64/stop", "{", 400, Code::Usage),
        ("POST", "/v1/builders/x86_64/stop", r#"{"mode":"later"}"#, 400, Code::Usage),
        ("POST", "/v1/builders/x86_64/stop", r#"{"mod":"now"}"#, 400, Code::Usage),
        ("POST", "/v1/builders/x86_64/reset", "", 409, Code::WrongPhase),
        ("PUT", "/v1/builders/x86_64/daemon-key", "", 400, Code::Usage),
        ("PATCH", "/v1/settings", r#"{"set":[["a"]]}"#, 400, Code::Usage),
        ("PATCH", "/v1/settings", &"x".repeat(70_000), 400, Code::Usage),
        ("GET", "/v1/builders/x86_64/log?lines=-1", "", 400, Code::Usage),
        ("GET", "/v1/builders/x86_64/log?line=1", "", 400, Code::Usage),
    ];
    for (method, path, body, status, code) in cases {
        let (got, problem) = s.ask(method, path, body).await;
        assert_eq!((got, problem.code), (status, code), "{method} {path}: {}", problem.message);
        assert!(!problem.remedy.is_empty());
    }
    assert!(s.fake.commands.lock().unwrap().is_empty());
}

#[tokio::test]
async fn no_engine_is_said_with_what_to_do() {
    let t = tempfile::tempdir().unwrap();
    let socket = t.path().join("api.sock");
    let client = Client::new(socket.clone());
    let missing = client.snapshot().await.unwrap_err();
    assert_eq!((missing.code, missing.remedy.as_str()), (Code::NoEngine, "run `igloo serve` or open Igloo"));
    drop(std::os::unix::net::UnixListener::bind(&socket).unwrap());
    assert_eq!(client.snapshot().await.unwrap_err().code, Code::NoEngine);
}

/// Answers each connection with `answer` and hangs up.
fn canned(path: &Path, answer: &'static str) -> JoinHandle<()> {
    let listener = UnixListener::bind(path).unwrap();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut request = [0; 4096];
            let _ = stream.read(&mut request).await;
            let _ = stream.write_all(answer.as_bytes()).await;
        }
    })
}

#[tokio::test]
async fn answers_of_others_and_half_answers_are_said_to_be_so() {
    let t = tempfile::tempdir().unwrap();
    let cases = [
        ("HTTP/1.1 404 Not Found\r\nigloo-api: 2\r\ncontent-length: 0\r\n\r\n", "version 2"),
        ("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}", "version unknown"),
        ("HTTP/1.1 200 OK\r\nigloo-api: 1\r\ncontent-length: 2\r\n\r\n{}", "can't be read"),
        ("HTTP/1.1 500 Oops\r\nigloo-api: 1\r\ncontent-length: 2\r\n\r\n{}", "status 500"),
        ("HTTP/1.1 200 OK\r\nigloo-api: 1\r\ncontent-length: 9\r\n\r\n{}", "can't be read"),
        ("", "went away"),
    ];
    for (i, (answer, says)) in cases.into_iter().enumerate() {
        let socket = t.path().join(format!("{i}.sock"));
        let server = canned(&socket, answer);
        let problem = Client::new(socket).snapshot().await.unwrap_err();
        assert_eq!(problem.code, Code::EngineFailed);
        assert!(problem.message.contains(says), "{}", problem.message);
        server.abort();
    }
}

#[tokio::test]
async fn an_engine_that_is_killed_ends_a_stream_with_a_problem() {
    let t = tempfile::tempdir().unwrap();
    let socket = t.path().join("api.sock");
    // a chunked body that breaks off, as after a kill
    let server = canned(
        &socket,
        "HTTP/1.1 200 OK\r\nigloo-api: 1\r\ntransfer-encoding: chunked\r\n\r\n5\r\n:hi\n\n\r\n",
    );
    let mut events = Box::pin(Client::new(socket).events().await.unwrap());
    let end = tokio::time::timeout(DEADLINE, events.next()).await.unwrap().unwrap();
    assert_eq!(end.unwrap_err().code, Code::EngineFailed);
    assert!(events.next().await.is_none());
    server.abort();
}
