//! The guest, seen through one ssh session.
//!
//! [`connect`] climbs the upper rungs of the readiness ladder and gives a [`Guest`], which keeps its one
//! connection for as long as the guest runs: sshd counts connections that do not log in, and turns everybody
//! away for a while after too many (`PerSourcePenalties`). Commands run one after another.

mod builds;
mod clock;
mod connect;
mod daemon;
mod line;
mod nix;
mod observe;
mod probe;
mod trouble;

pub use connect::{Target, connect};
pub use daemon::Daemon;
pub use nix::GuestNix;
pub use observe::Observation;

use igloo_protocol::Problem;
use line::{Job, Line, NoOutput};
use observe::Memory;
use std::{
    net::{Shutdown, TcpStream},
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};
use tokio::{
    sync::watch,
    task::{self, AbortHandle},
    time::timeout,
};

/// The most that is kept of each of a command's outputs, in bytes.
pub const OUTPUT_LIMIT: usize = 1024 * 1024;

/// After so long without a command the guest is asked whether it is still there.
const QUIET: Duration = Duration::from_secs(5);
/// How long it may take to answer that.
const ANSWER: Duration = Duration::from_secs(10);

/// What a command gave.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Output {
    /// The exit status; `None` when a signal ended it.
    pub status: Option<i32>,
    /// Its standard output, up to [`OUTPUT_LIMIT`].
    pub stdout: Vec<u8>,
    /// Its standard error, up to [`OUTPUT_LIMIT`].
    pub stderr: Vec<u8>,
    /// Whether one of them was longer.
    pub truncated: bool,
}

impl Output {
    /// Whether it exited with 0.
    pub fn ok(&self) -> bool {
        self.status == Some(0)
    }

    /// Why it failed, in one line: the last line of its standard error, else its status.
    fn complaint(&self) -> String {
        let stderr = String::from_utf8_lossy(&self.stderr);
        match (stderr.lines().rfind(|l| !l.trim().is_empty()), self.status) {
            (Some(line), _) => line.trim().to_owned(),
            (None, Some(status)) => format!("exit status {status}"),
            (None, None) => "ended by a signal".to_owned(),
        }
    }
}

/// A guest that let us in. Clones share the connection; the last one to go closes it.
#[derive(Clone)]
pub struct Guest {
    inner: Arc<Inner>,
}

struct Inner {
    line: Arc<tokio::sync::Mutex<Line>>,
    socket: Arc<TcpStream>,
    user: String,
    /// Why the connection is lost, once it is.
    lost: watch::Sender<Option<Problem>>,
    last_used: Mutex<Instant>,
    memory: Mutex<Memory>,
    keeper: Mutex<Option<AbortHandle>>,
}

impl Drop for Inner {
    fn drop(&mut self) {
        if let Some(keeper) = self.keeper.get_mut().unwrap_or_else(PoisonError::into_inner).take() {
            keeper.abort();
        }
        let _ = self.socket.shutdown(Shutdown::Both);
    }
}

impl Guest {
    fn new(line: Line, socket: Arc<TcpStream>, user: String) -> Guest {
        let inner = Arc::new(Inner {
            line: Arc::new(tokio::sync::Mutex::new(line)),
            socket,
            user,
            lost: watch::Sender::new(None),
            last_used: Mutex::new(Instant::now()),
            memory: Mutex::default(),
            keeper: Mutex::default(),
        });
        let keeper = tokio::spawn(keep(Arc::downgrade(&inner)));
        *lock(&inner.keeper) = Some(keeper.abort_handle());
        Guest { inner }
    }

    /// Runs a command by the user's login shell. `deadline` covers the wait for its turn, too.
    ///
    /// Dropping the future gives up its result; the command still has its turn until the deadline.
    ///
    /// # Errors
    /// [`igloo_protocol::Code::GuestUnreachable`] when it does not end in time or the connection is lost
    /// ([`Guest::alive`] tells which).
    pub async fn run(
        &self,
        command: &str,
        stdin: Option<&[u8]>,
        deadline: Duration,
    ) -> Result<Output, Problem> {
        let job =
            Job { command: command.to_owned(), stdin: stdin.unwrap_or_default().to_vec(), enough: None };
        self.run_job(job, deadline).await
    }

    async fn run_job(&self, job: Job, deadline: Duration) -> Result<Output, Problem> {
        let command = job.command.clone();
        let until = Instant::now() + deadline;
        self.check()?;
        let Ok(line) = timeout(deadline, Arc::clone(&self.inner.line).lock_owned()).await else {
            return Err(trouble::busy(&command, deadline));
        };
        self.check()?;
        let ran = task::spawn_blocking(move || line.run(&job, until)).await;
        *lock(&self.inner.last_used) = Instant::now();
        match ran {
            Ok(Ok(output)) => Ok(output),
            Ok(Err(NoOutput::Overdue)) => Err(trouble::overdue(&command, deadline)),
            Ok(Err(NoOutput::Lost(stop))) => Err(self.give_up(trouble::lost(&stop.to_string()))),
            Err(e) => Err(self.give_up(trouble::lost(&e.to_string()))),
        }
    }

    /// Whether the connection can still be used, as far as is known.
    pub fn alive(&self) -> bool {
        self.inner.lost.borrow().is_none()
    }

    /// Ends when the connection is lost or closed, and says why.
    pub async fn lost(&self) -> Problem {
        let mut lost = self.inner.lost.subscribe();
        let why = lost.wait_for(Option::is_some).await.ok().and_then(|p| p.clone());
        why.unwrap_or_else(|| trouble::lost("it was closed"))
    }

    /// Closes the connection; what runs over it ends at once.
    pub fn close(&self) {
        self.give_up(trouble::lost("it was closed"));
    }

    /// Asks the guest to power off, by the command that its image gives.
    ///
    /// # Errors
    /// When the guest does not take the command. That the connection ends meanwhile is a success.
    pub async fn power_off(&self, command: &str) -> Result<(), Problem> {
        match self.run(command, None, ANSWER).await {
            Ok(output) if output.status.is_some_and(|s| s != 0) => {
                Err(trouble::power_off(command, &output.complaint()))
            }
            Ok(_) => Ok(()),
            Err(problem) if self.alive() => Err(problem),
            Err(_) => Ok(()),
        }
    }

    fn check(&self) -> Result<(), Problem> {
        self.inner.lost.borrow().clone().map_or(Ok(()), Err)
    }

    /// The first reason stays.
    fn give_up(&self, why: Problem) -> Problem {
        let _ = self.inner.socket.shutdown(Shutdown::Both);
        self.inner.lost.send_if_modified(|lost| {
            let first = lost.is_none();
            lost.get_or_insert(why.clone());
            first
        });
        why
    }
}

/// Notices that a guest is gone when nobody asks it anything.
async fn keep(inner: std::sync::Weak<Inner>) {
    loop {
        let Some(quiet_until) = inner.upgrade().map(|i| *lock(&i.last_used) + QUIET) else { return };
        if Instant::now() < quiet_until {
            tokio::time::sleep_until(quiet_until.into()).await;
            continue;
        }
        let Some(inner) = inner.upgrade() else { return };
        // a command that runs has a deadline of its own
        if let Ok(line) = Arc::clone(&inner.line).try_lock_owned() {
            let asked = task::spawn_blocking(move || line.ping(Instant::now() + ANSWER)).await;
            if let Ok(Err(stop)) = asked {
                Guest { inner }.give_up(trouble::lost(&stop.to_string()));
                return;
            }
        }
        *lock(&inner.last_used) = Instant::now();
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
