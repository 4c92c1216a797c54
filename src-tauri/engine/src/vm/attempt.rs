//! One try to start QEMU, and what to change for the next.

use super::{
    Console, MachineSpec, OnRung, Record, RunDir, Setting, Vm,
    command::Attempt,
    diagnose::{Ended, Stage, diagnose, says_no_sandbox, says_port_taken},
    machine::{RunState, query_status},
    qmp::{Connection, Qmp, QmpError},
    tools,
};
use crate::clock::now_ms;
use igloo_protocol::{Accel, Code, Problem, Rung};
use std::{ffi::OsString, fs, path::Path, process::Stdio, time::Duration};
use tokio::{
    process::{Child, Command},
    time::{Instant, sleep, timeout},
};

/// How long QEMU may take until its guest runs. Well under a second on an idle machine.
const START: Duration = Duration::from_secs(30);

/// How often a guest that does not run yet is asked for.
const ASK: Duration = Duration::from_millis(20);

/// How long QEMU may take to end after it was told to.
const END: Duration = Duration::from_secs(5);

/// How long an acceleration that never worked here is watched: one that does not work says so at once,
/// but after it has said that the guest runs.
const PROBATION: Duration = Duration::from_secs(1);

/// How often a start is tried with another port.
const PORTS: u32 = 3;

/// A try that failed.
#[derive(Debug)]
pub(super) struct Failure {
    /// What to tell the user, if it was the last try.
    pub problem: Problem,
    /// QEMU's last words.
    pub stderr: String,
}

impl From<Problem> for Failure {
    fn from(problem: Problem) -> Failure {
        Failure { problem, stderr: String::new() }
    }
}

/// What the next try is made with.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Plan {
    pub accel: Accel,
    pub sandbox: bool,
    setting: Setting,
    ports_left: u32,
}

impl Plan {
    pub fn new(accel: Accel, setting: Setting) -> Plan {
        Plan { accel, sandbox: true, setting, ports_left: PORTS - 1 }
    }

    /// Changes what a failure asks to change. Says whether it is worth another try.
    pub fn learn(&mut self, failure: &Failure) -> bool {
        if says_port_taken(&failure.stderr) {
            let more = self.ports_left > 0;
            self.ports_left = self.ports_left.saturating_sub(1);
            return more;
        }
        if self.sandbox && says_no_sandbox(&failure.stderr) {
            self.sandbox = false;
            return true;
        }
        let is_accel = failure.problem.code == Code::VmFailed && !failure.stderr.contains("\" lock");
        if is_accel && self.accel != Accel::Tcg && self.setting == Setting::Auto {
            self.accel = Accel::Tcg;
            return true;
        }
        false
    }
}

/// All that one try needs.
pub(super) struct Start<'a> {
    pub program: &'a Path,
    pub arguments: Vec<OsString>,
    pub spec: &'a MachineSpec,
    pub attempt: Attempt,
    pub run: &'a RunDir,
    /// A guest became ready under this acceleration before.
    pub proven: bool,
}

impl Start<'_> {
    /// Starts QEMU and returns when the guest runs. Whatever ends this before, ends QEMU too.
    pub async fn run(self, on_rung: OnRung<'_>) -> Result<Vm, Failure> {
        let mut started = self.spawn()?;
        let record = self.record(&started);
        self.run.write(&record)?;
        on_rung(Rung::Process);
        let (qmp, events) = match started.connect().await {
            Ok(connected) => connected,
            Err(e) => return Err(self.failure(started, Some(e)).await),
        };
        if let Err(e) = wait_until_running(&qmp).await {
            return Err(self.failure(started, Some(e)).await);
        }
        on_rung(Rung::Qmp);
        let Some(child) = started.child.take() else { return Err(self.failure(started, None).await) };
        let vm = Vm::spawned(record, self.run.clone(), child, (qmp, events));
        self.probation(vm).await
    }

    fn spawn(&self) -> Result<Started<'_>, Problem> {
        for log in [self.run.console(), self.run.qemu_log()] {
            Console::new(log).rotate().map_err(|e| self.run.cannot_write(&e))?;
        }
        self.run.clear();
        let log = fs::File::create(self.run.qemu_log()).map_err(|e| self.run.cannot_write(&e))?;
        let other = log.try_clone().map_err(|e| self.run.cannot_write(&e))?;
        let child = Command::new(self.program)
            .args(&self.arguments)
            .env("LC_ALL", "C")
            .current_dir(self.run.path())
            .stdin(Stdio::null())
            .stdout(log)
            .stderr(other)
            // a signal that a terminal sends to the engine is not for it
            .process_group(0)
            .spawn()
            .map_err(|e| tools::cannot_run(self.program, &e))?;
        Ok(Started { child: Some(child), run: self.run })
    }

    fn record(&self, started: &Started<'_>) -> Record {
        Record {
            pid: started.child.as_ref().and_then(Child::id).unwrap_or_default(),
            uuid: self.attempt.uuid,
            ssh_port: self.attempt.ssh_port,
            accel: self.attempt.accel,
            cores: self.spec.cores,
            memory_mib: self.spec.memory_mib,
            ephemeral: self.spec.ephemeral,
            disk: self.spec.disk.clone(),
            image: self.spec.image.identity().to_owned(),
            manifest: self.spec.image.file.clone(),
            started_ms: now_ms(),
        }
    }

    /// Ends what was started, and tells why it failed: by QEMU's last words, or by what its socket said.
    async fn failure(&self, mut started: Started<'_>, qmp: Option<QmpError>) -> Failure {
        let by_itself = started.end().await;
        let (stderr, console) = self.run.tails();
        let problem = match (by_itself, qmp) {
            (Some(ended), _) => diagnose(Stage::Start, ended, self.attempt.accel, &stderr, &console),
            (None, Some(e)) => did_not_run(&e.to_string()),
            (None, None) => did_not_run("its process is gone"),
        };
        Failure { problem, stderr }
    }

    /// Watches an acceleration that never worked here for a moment.
    async fn probation(&self, vm: Vm) -> Result<Vm, Failure> {
        if self.attempt.accel == Accel::Tcg || self.proven {
            return Ok(vm);
        }
        let on_probation = OnProbation(Some(vm));
        let Some(vm) = &on_probation.0 else { return Err(did_not_run("it is gone").into()) };
        tokio::select! {
            () = sleep(PROBATION) => on_probation.passed(),
            problem = vm.stuck() => {
                vm.kill().await?;
                let exit = vm.exited().await;
                Err(Failure { problem, stderr: exit.tail })
            }
            exit = vm.exited() => {
                let ended = Ended { status: exit.status, signal: exit.signal };
                let accel = self.attempt.accel;
                let problem = diagnose(Stage::Start, ended, accel, &exit.tail, &exit.console);
                Err(Failure { problem, stderr: exit.tail })
            }
        }
    }
}

/// A machine of a start that may still be cancelled. Dropped, it is killed.
struct OnProbation(Option<Vm>);

impl OnProbation {
    fn passed(mut self) -> Result<Vm, Failure> {
        self.0.take().ok_or_else(|| did_not_run("it is gone").into())
    }
}

impl Drop for OnProbation {
    fn drop(&mut self) {
        if let Some(vm) = &self.0 {
            vm.kill_child();
        }
    }
}

/// A QEMU that is not yet a machine. Dropped, it is killed: a start that fails or is cancelled leaves none.
struct Started<'a> {
    child: Option<Child>,
    run: &'a RunDir,
}

impl Drop for Started<'_> {
    fn drop(&mut self) {
        if let Some(mut child) = self.child.take() {
            drop(child.start_kill());
            self.run.clear();
        }
    }
}

impl Started<'_> {
    async fn connect(&mut self) -> Result<Connection, QmpError> {
        let socket = self.run.socket();
        let Some(child) = &mut self.child else { return Err(QmpError::Closed) };
        tokio::select! {
            connected = Qmp::connect(&socket, START) => connected,
            _ended = child.wait() => Err(QmpError::Closed),
        }
    }

    /// Waits a moment for an end, else kills it. How it ended, if it did by itself.
    async fn end(&mut self) -> Option<Ended> {
        let mut child = self.child.take()?;
        self.run.clear();
        let ended = timeout(END, child.wait()).await;
        if let Ok(status) = ended {
            return Some(status.map(Ended::from).unwrap_or_default());
        }
        drop(child.kill().await);
        None
    }
}

async fn wait_until_running(qmp: &Qmp) -> Result<(), QmpError> {
    let deadline = Instant::now() + START;
    loop {
        match query_status(qmp).await? {
            RunState::Running => return Ok(()),
            state if Instant::now() > deadline => {
                return Err(QmpError::Refused { command: "run".into(), reason: format!("{state:?}") });
            }
            // an internal error or a panic: the problem is told by who watches the machine
            RunState::InternalError | RunState::GuestPanicked => return Ok(()),
            _ => sleep(ASK).await,
        }
    }
}

fn did_not_run(why: &str) -> Problem {
    Problem::new(
        Code::VmFailed,
        format!("The virtual machine did not start: {why}"),
        "Look at qemu.log in the builder's folder, then start it again",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn failure(code: Code, stderr: &str) -> Failure {
        Failure { problem: Problem::new(code, "m", "r"), stderr: stderr.into() }
    }

    #[test]
    fn another_port_is_tried_three_times_in_all() {
        let taken = failure(Code::PortTaken, "Could not set up host forwarding rule 'x'");
        let mut plan = Plan::new(Accel::Tcg, Setting::Auto);
        assert_eq!([plan.learn(&taken), plan.learn(&taken), plan.learn(&taken)], [true, true, false]);
    }

    #[test]
    fn a_failed_acceleration_is_tried_once_more_without() {
        let mut plan = Plan::new(Accel::Kvm, Setting::Auto);
        assert!(plan.learn(&failure(Code::VmFailed, "")));
        assert_eq!(plan.accel, Accel::Tcg);
        assert!(!plan.learn(&failure(Code::VmFailed, "")));

        for (setting, code, stderr) in [
            (Setting::Kvm, Code::VmFailed, ""),
            (Setting::Auto, Code::BadDisk, ""),
            (Setting::Auto, Code::DiskFull, ""),
            (Setting::Auto, Code::VmFailed, "Failed to get \"write\" lock"),
        ] {
            let mut plan = Plan::new(Accel::Kvm, setting);
            assert!(!plan.learn(&failure(code, stderr)), "{setting:?} {code:?} {stderr}");
        }
    }

    #[test]
    fn a_qemu_without_sandbox_is_run_without() {
        let no = failure(Code::VmFailed, "-sandbox on: -sandbox support is not enabled in this QEMU binary");
        let mut plan = Plan::new(Accel::Kvm, Setting::Kvm);
        assert!(plan.learn(&no) && !plan.sandbox && plan.accel == Accel::Kvm);
        assert!(!plan.learn(&no));
    }
}
