//! A machine that runs: watched, asked, and ended.

use super::{
    Record, RunDir,
    diagnose::{Ended, Stage, diagnose},
    process,
    qmp::{Connection, Event, Qmp, QmpError},
};
use igloo_protocol::{Code, Problem};
use std::{
    sync::{Arc, Weak},
    time::Duration,
};
use tokio::{
    process::Child,
    sync::{Notify, broadcast, watch},
    task::AbortHandle,
    time::{sleep, timeout},
};
use uuid::Uuid;

/// How long QEMU may take to answer a command. It answers within milliseconds unless it hangs.
const ANSWER: Duration = Duration::from_secs(5);

/// How often a process that can't be waited for is looked at.
const LOOK: Duration = Duration::from_millis(250);

/// What QEMU says of the guest (`RunState` in its `qapi/run-state.json`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RunState {
    /// The guest runs.
    Running,
    /// It is held.
    Paused,
    /// It has powered off.
    Shutdown,
    /// The acceleration failed.
    InternalError,
    /// The guest's kernel gave up.
    GuestPanicked,
    /// Its disk could not be read or written: mostly because the host's is full.
    IoError,
    /// Anything else.
    Other(String),
}

impl RunState {
    fn parse(status: &str) -> RunState {
        match status {
            "running" => RunState::Running,
            "paused" => RunState::Paused,
            "shutdown" => RunState::Shutdown,
            "internal-error" => RunState::InternalError,
            "guest-panicked" => RunState::GuestPanicked,
            "io-error" => RunState::IoError,
            other => RunState::Other(other.to_owned()),
        }
    }

    /// The problem of a guest that stands still and won't go on by itself.
    fn problem(&self) -> Option<Problem> {
        let (code, message, remedy) = match self {
            RunState::InternalError => (
                Code::VmFailed,
                "The host can't run the guest's processor: QEMU reports an internal error",
                "Set the acceleration to `tcg`",
            ),
            RunState::GuestPanicked => (
                Code::VmCrashed,
                "The guest's kernel gave up",
                "Look at the log with `igloo log`, then start it again",
            ),
            RunState::IoError => (
                Code::DiskFull,
                "The guest was stopped because its disk can't be written: the host's disk is full or fails",
                "Free some room on the host's disk, then restart the builder",
            ),
            _ => return None,
        };
        Some(Problem::new(code, message, remedy))
    }
}

/// How a machine ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exit {
    /// The process's exit status; not known of an adopted machine.
    pub status: Option<i32>,
    /// The signal that ended it; not known of an adopted machine.
    pub signal: Option<i32>,
    /// What QEMU gave as the reason, if it came to that.
    pub reason: Option<String>,
    /// The last lines of QEMU's own output.
    pub tail: String,
    /// The last lines of the guest's console.
    pub console: String,
}

impl Exit {
    /// Whether the guest or we powered it off in order. A guest's reset ends QEMU too, but is a crash:
    /// no guest is asked to reset, and a kernel that panics does.
    pub fn was_power_off(&self) -> bool {
        let orderly = ["guest-shutdown", "host-qmp-quit", "host-qmp-system-powerdown", "host-signal"];
        self.reason.as_deref().is_some_and(|r| orderly.contains(&r))
    }

    /// Why it ended, for an end that nobody asked for.
    pub fn problem(&self, record: &Record) -> Problem {
        let ended = Ended { status: self.status, signal: self.signal };
        diagnose(Stage::Running, ended, record.accel, &self.tail, &self.console)
    }
}

/// A machine that runs, or has just ended. Dropping it leaves the machine alone.
pub struct Vm {
    record: Record,
    run: RunDir,
    qmp: Option<Arc<Qmp>>,
    exit: watch::Receiver<Option<Exit>>,
    state: watch::Receiver<RunState>,
    /// For a machine that is our child: asks the task that waits for it to kill it.
    killer: Option<Arc<Notify>>,
    tasks: Vec<AbortHandle>,
}

impl Drop for Vm {
    fn drop(&mut self) {
        for task in &self.tasks {
            task.abort();
        }
    }
}

impl Vm {
    /// A machine of this process: its end is known by waiting for the child.
    pub(super) fn spawned(record: Record, run: RunDir, child: Child, qmp: Connection) -> Vm {
        let killer = Arc::new(Notify::new());
        let (qmp, events) = (Arc::new(qmp.0), qmp.1);
        let (sender, exit) = watch::channel(None);
        // not among the tasks: it must go on after the Vm is dropped, or the child stays a zombie
        let waits =
            wait_for_child(child, killer.clone(), Arc::downgrade(&qmp), run.clone(), record.uuid, sender);
        tokio::spawn(waits);
        let (state, watcher) = watch_state(qmp.clone(), events);
        Vm { record, run, qmp: Some(qmp), exit, state, killer: Some(killer), tasks: vec![watcher] }
    }

    /// A machine of an earlier engine: its end is known by its control socket's. Without one (QEMU
    /// hangs), only looking at its process is left.
    pub(super) fn adopted(record: Record, run: RunDir, qmp: Option<(Qmp, broadcast::Receiver<Event>)>) -> Vm {
        let (sender, exit) = watch::channel(None);
        let (qmp, events) = qmp.map(|(qmp, events)| (Arc::new(qmp), events)).unzip();
        let waiter = tokio::spawn(wait_for_stranger(record.clone(), qmp.clone(), run.clone(), sender));
        let mut tasks = vec![waiter.abort_handle()];
        let state = match qmp.clone().zip(events) {
            Some((qmp, events)) => {
                let (state, watcher) = watch_state(qmp, events);
                tasks.push(watcher);
                state
            }
            None => watch::channel(RunState::Other("unknown".into())).1,
        };
        Vm { record, run, qmp, exit, state, killer: None, tasks }
    }

    /// What was started.
    pub fn record(&self) -> &Record {
        &self.record
    }

    /// Where its logs and its socket are.
    pub fn run_dir(&self) -> &RunDir {
        &self.run
    }

    /// Asks QEMU how the guest is.
    ///
    /// # Errors
    /// [`Code::VmCrashed`] when QEMU is gone or does not answer.
    pub async fn status(&self) -> Result<RunState, Problem> {
        query_status(self.qmp()?).await.map_err(|e| no_answer(&e))
    }

    /// Presses the power button. Whether the guest reacts is its own affair: arm64 guests may not.
    ///
    /// # Errors
    /// As [`Vm::status`].
    pub async fn power_button(&self) -> Result<(), Problem> {
        self.ask("system_powerdown").await
    }

    /// Ends QEMU in order, but the guest like a power cut.
    ///
    /// # Errors
    /// As [`Vm::status`]; that QEMU is gone already is none.
    pub async fn quit(&self) -> Result<(), Problem> {
        match self.qmp()?.execute("quit", ANSWER).await {
            Ok(_) | Err(QmpError::Closed) => Ok(()),
            Err(e) => Err(no_answer(&e)),
        }
    }

    /// Kills QEMU, when it is sure that the process is this machine's. The end shows in [`Vm::exited`].
    ///
    /// # Errors
    /// [`Code::VmFailed`] when the process is not, or no longer, this machine's.
    pub async fn kill(&self) -> Result<(), Problem> {
        if self.exit.borrow().is_some() {
            return Ok(());
        }
        if self.kill_child() {
            return Ok(());
        }
        let pid = self.record.pid;
        if !process::is_machine(pid, &self.record.uuid).await {
            let message = format!("Process {pid} is not this builder's machine, so it was left alone");
            return Err(Problem::new(Code::VmFailed, message, "Look for a QEMU named igloo by hand"));
        }
        process::kill(pid);
        Ok(())
    }

    /// Kills QEMU if it is this process's child. Says whether it is.
    pub(super) fn kill_child(&self) -> bool {
        if let Some(killer) = &self.killer {
            killer.notify_one();
        }
        self.killer.is_some()
    }

    /// Ends when the machine has, however that came. May be waited for many times and by many.
    pub async fn exited(&self) -> Exit {
        let mut exit = self.exit.clone();
        match exit.wait_for(Option::is_some).await.map(|e| e.clone()) {
            Ok(Some(exit)) => exit,
            // the runtime is going down
            _ => std::future::pending().await,
        }
    }

    /// Ends when the guest stands still for good while QEMU lives on, with the reason: a failed
    /// acceleration, a panic, a host whose disk is full.
    pub async fn stuck(&self) -> Problem {
        let mut state = self.state.clone();
        match state.wait_for(|s| s.problem().is_some()).await.map(|s| s.problem()) {
            Ok(Some(problem)) => problem,
            _ => std::future::pending().await,
        }
    }

    async fn ask(&self, command: &str) -> Result<(), Problem> {
        self.qmp()?.execute(command, ANSWER).await.map(drop).map_err(|e| no_answer(&e))
    }

    fn qmp(&self) -> Result<&Qmp, Problem> {
        self.qmp.as_deref().ok_or_else(|| no_answer(&QmpError::Timeout("the greeting".into())))
    }
}

fn no_answer(e: &QmpError) -> Problem {
    Problem::new(
        Code::VmCrashed,
        format!("The virtual machine can't be controlled: {e}"),
        "Stop the builder, then start it again",
    )
}

pub(super) async fn query_status(qmp: &Qmp) -> Result<RunState, QmpError> {
    let answer = qmp.execute("query-status", ANSWER).await?;
    let status = answer["status"].as_str();
    status.map(RunState::parse).ok_or_else(|| QmpError::Garbage(answer.to_string()))
}

/// Asks for the state at first and after each event that may change it.
fn watch_state(
    qmp: Arc<Qmp>,
    mut events: broadcast::Receiver<Event>,
) -> (watch::Receiver<RunState>, AbortHandle) {
    let (sender, receiver) = watch::channel(RunState::Other("unknown".into()));
    let task = tokio::spawn(async move {
        loop {
            match query_status(&qmp).await {
                Ok(state) => drop(sender.send_replace(state)),
                Err(QmpError::Closed) => return,
                Err(e) => tracing::debug!("no state of the guest: {e}"),
            }
            loop {
                match events.recv().await {
                    Ok(e) if !matches!(&*e.event, "STOP" | "RESUME" | "GUEST_PANICKED") => {}
                    Err(broadcast::error::RecvError::Closed) => return,
                    _ => break,
                }
            }
        }
    });
    (receiver, task.abort_handle())
}

async fn wait_for_child(
    mut child: Child,
    killer: Arc<Notify>,
    qmp: Weak<Qmp>,
    run: RunDir,
    uuid: Uuid,
    exit: watch::Sender<Option<Exit>>,
) {
    let status = loop {
        tokio::select! {
            status = child.wait() => break status,
            () = killer.notified() => if let Err(e) = child.start_kill() {
                tracing::warn!("can't kill QEMU: {e}");
            },
        }
    };
    let ended = status.map(Ended::from).unwrap_or_default();
    let qmp = qmp.upgrade();
    if let Some(qmp) = &qmp {
        // its last words are still to be read
        drop(timeout(ANSWER, qmp.closed()).await);
    }
    exit.send_replace(Some(end(ended, qmp.as_deref(), &run, &uuid)));
}

async fn wait_for_stranger(
    record: Record,
    qmp: Option<Arc<Qmp>>,
    run: RunDir,
    exit: watch::Sender<Option<Exit>>,
) {
    if let Some(qmp) = &qmp {
        qmp.closed().await;
    }
    // mostly gone at once: the socket closes when the process ends
    while process::is_machine(record.pid, &record.uuid).await {
        sleep(LOOK).await;
    }
    exit.send_replace(Some(end(Ended::default(), qmp.as_deref(), &run, &record.uuid)));
}

fn end(ended: Ended, qmp: Option<&Qmp>, run: &RunDir, uuid: &Uuid) -> Exit {
    let (tail, console) = run.tails();
    run.forget(uuid);
    let reason = qmp.and_then(Qmp::shutdown_reason);
    Exit { status: ended.status, signal: ended.signal, reason, tail, console }
}

#[cfg(test)]
mod tests;
