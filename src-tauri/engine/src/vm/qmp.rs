//! A client of QEMU's control socket (QMP): one JSON object a line, replies by id, events in between.
//! The protocol is described in QEMU's `docs/interop/qmp-spec.rst`.

use serde::Deserialize;
use serde_json::{Value, json};
use std::{
    collections::HashMap,
    io,
    path::Path,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    net::{
        UnixStream,
        unix::{OwnedReadHalf, OwnedWriteHalf},
    },
    sync::{broadcast, oneshot, watch},
    time::{Instant, sleep, timeout_at},
};

/// The longest line that is taken, in bytes. Replies to the commands used here have a few hundred.
const MAX_LINE: u64 = 1 << 20;

/// How often a socket that is not there yet is tried again.
const RETRY: Duration = Duration::from_millis(10);

/// Why a command or a connection failed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum QmpError {
    /// Nothing listens, within the time that was given.
    #[error("nothing answers on QEMU's control socket: {0}")]
    Connect(String),
    /// No answer in time: QEMU hangs, or another client has the socket.
    #[error("QEMU did not answer `{0}` in time")]
    Timeout(String),
    /// QEMU closed the connection: it is gone.
    #[error("QEMU closed its control socket")]
    Closed,
    /// What came is not QMP.
    #[error("QEMU's control socket sent what is not QMP: {0}")]
    Garbage(String),
    /// QEMU refused the command.
    #[error("QEMU refused `{command}`: {reason}")]
    Refused {
        /// The command.
        command: String,
        /// QEMU's words.
        reason: String,
    },
}

/// Something that happened.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct Event {
    /// Its name: `SHUTDOWN`, `POWERDOWN`, `STOP`, `RESET`, ...
    pub event: String,
    /// What belongs to it.
    #[serde(default)]
    pub data: Value,
}

/// A line from QEMU.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Message {
    Event(Event),
    Reply { id: u64, r#return: Value },
    Error { id: Option<u64>, error: Refusal },
}

#[derive(Debug, Deserialize)]
struct Refusal {
    desc: String,
}

type Answer = Result<Value, String>;

/// What the reader and the callers share.
struct Shared {
    waiting: Mutex<HashMap<u64, oneshot::Sender<Answer>>>,
    shutdown: Mutex<Option<String>>,
    events: broadcast::Sender<Event>,
    closed: watch::Sender<Option<QmpError>>,
}

impl Shared {
    fn waiting(&self) -> MutexGuard<'_, HashMap<u64, oneshot::Sender<Answer>>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes a line to whom it concerns.
    fn take(&self, line: &[u8]) -> Result<(), QmpError> {
        let garbage = || QmpError::Garbage(String::from_utf8_lossy(line).chars().take(80).collect());
        let (id, answer) = match serde_json::from_slice(line).map_err(|_| garbage())? {
            Message::Event(event) => {
                if event.event == "SHUTDOWN" {
                    let reason = event.data["reason"].as_str().map(str::to_owned);
                    *self.shutdown.lock().unwrap_or_else(PoisonError::into_inner) = reason;
                }
                // no subscriber is fine
                drop(self.events.send(event));
                return Ok(());
            }
            Message::Reply { id, r#return } => (id, Ok(r#return)),
            Message::Error { id: Some(id), error } => (id, Err(error.desc)),
            Message::Error { id: None, error } => return Err(QmpError::Garbage(error.desc)),
        };
        // one whose caller has given up is dropped
        if let Some(caller) = self.waiting().remove(&id) {
            drop(caller.send(answer));
        }
        Ok(())
    }
}

/// A connection. When it is dropped, the socket is free for another client.
pub struct Qmp {
    shared: Arc<Shared>,
    write: tokio::sync::Mutex<OwnedWriteHalf>,
    next: AtomicU64,
    reader: tokio::task::JoinHandle<()>,
}

/// A connection and every event on it.
pub type Connection = (Qmp, broadcast::Receiver<Event>);

impl Drop for Qmp {
    fn drop(&mut self) {
        self.reader.abort();
    }
}

impl Qmp {
    /// Connects and negotiates, waiting for the socket to be there.
    ///
    /// # Errors
    /// Any [`QmpError`], after `within` at the latest.
    pub async fn connect(socket: &Path, within: Duration) -> Result<Connection, QmpError> {
        let deadline = Instant::now() + within;
        let stream = connect(socket, deadline).await?;
        let (read, write) = stream.into_split();
        let mut lines = BufReader::new(read);
        let greeting = timeout_at(deadline, read_line(&mut lines))
            .await
            .map_err(|_| QmpError::Timeout("the greeting".into()))??;
        let is_qmp = serde_json::from_slice::<Value>(&greeting).is_ok_and(|v| v["QMP"].is_object());
        if !is_qmp {
            return Err(QmpError::Garbage(String::from_utf8_lossy(&greeting).chars().take(80).collect()));
        }
        let (events, receiver) = broadcast::channel(64);
        let shared = Arc::new(Shared {
            waiting: Mutex::default(),
            shutdown: Mutex::default(),
            events,
            closed: watch::Sender::new(None),
        });
        let reader = tokio::spawn(read_all(lines, shared.clone()));
        let qmp = Qmp { shared, write: write.into(), next: AtomicU64::new(1), reader };
        let left = deadline.saturating_duration_since(Instant::now());
        qmp.execute("qmp_capabilities", left).await?;
        Ok((qmp, receiver))
    }

    /// Runs a command that takes no arguments.
    ///
    /// # Errors
    /// Any [`QmpError`] but [`QmpError::Connect`], after `within` at the latest.
    pub async fn execute(&self, command: &str, within: Duration) -> Result<Value, QmpError> {
        let deadline = Instant::now() + within;
        let id = self.next.fetch_add(1, Ordering::Relaxed);
        let (sender, answer) = oneshot::channel();
        self.shared.waiting().insert(id, sender);
        let _forget = Forget { shared: &self.shared, id };
        // after the insertion: whatever closes later drops the sender
        if let Some(why) = self.shared.closed.borrow().clone() {
            return Err(why);
        }
        let mut line = json!({ "execute": command, "id": id }).to_string();
        line.push('\n');
        let exchange = async {
            // a failed write shows in the answer: it means that the connection is closed
            drop(self.write.lock().await.write_all(line.as_bytes()).await);
            answer.await
        };
        match timeout_at(deadline, exchange).await {
            Err(_) => Err(QmpError::Timeout(command.to_owned())),
            Ok(Err(_)) => Err(self.shared.closed.borrow().clone().unwrap_or(QmpError::Closed)),
            Ok(Ok(Err(reason))) => Err(QmpError::Refused { command: command.to_owned(), reason }),
            Ok(Ok(Ok(value))) => Ok(value),
        }
    }

    /// Ends when the connection does, and says why: [`QmpError::Closed`] when QEMU is gone.
    pub async fn closed(&self) -> QmpError {
        let mut closed = self.shared.closed.subscribe();
        let why = closed.wait_for(Option::is_some).await.map(|why| why.clone());
        why.ok().flatten().unwrap_or(QmpError::Closed)
    }

    /// The reason that the last `SHUTDOWN` event gave: `guest-shutdown`, `guest-reset`, `host-qmp-quit`, ...
    pub fn shutdown_reason(&self) -> Option<String> {
        self.shared.shutdown.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// Forgets a caller that gives up.
struct Forget<'a> {
    shared: &'a Shared,
    id: u64,
}

impl Drop for Forget<'_> {
    fn drop(&mut self) {
        self.shared.waiting().remove(&self.id);
    }
}

async fn connect(socket: &Path, deadline: Instant) -> Result<UnixStream, QmpError> {
    loop {
        match timeout_at(deadline, UnixStream::connect(socket)).await {
            Ok(Ok(stream)) => return Ok(stream),
            Ok(Err(e)) if is_not_yet(&e) && Instant::now() + RETRY < deadline => sleep(RETRY).await,
            Ok(Err(e)) => return Err(QmpError::Connect(e.to_string())),
            Err(_) => return Err(QmpError::Connect("it does not accept".into())),
        }
    }
}

fn is_not_yet(e: &io::Error) -> bool {
    matches!(e.kind(), io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused | io::ErrorKind::WouldBlock)
}

/// A whole line. A half one before the end is as good as none.
async fn read_line(lines: &mut BufReader<OwnedReadHalf>) -> Result<Vec<u8>, QmpError> {
    let mut line = Vec::new();
    // an error of reading means the same as the end: there will be no more
    drop(lines.take(MAX_LINE).read_until(b'\n', &mut line).await);
    match line.last() {
        Some(b'\n') => Ok(line),
        _ if line.len() as u64 >= MAX_LINE => Err(QmpError::Garbage("a line that does not end".into())),
        _ => Err(QmpError::Closed),
    }
}

/// Reads until the end, and then lets all that wait know.
async fn read_all(mut lines: BufReader<OwnedReadHalf>, shared: Arc<Shared>) {
    let why = loop {
        let taken = read_line(&mut lines).await.and_then(|line| shared.take(&line));
        if let Err(why) = taken {
            break why;
        }
    };
    shared.closed.send_replace(Some(why));
    shared.waiting().clear();
}

#[cfg(test)]
mod tests;
