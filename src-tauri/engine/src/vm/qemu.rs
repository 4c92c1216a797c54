//! Starting machines with QEMU, and finding those that run.

use super::{
    Hypervisor, MachineSpec, OnRung, Record, RunDir, Setting, Vm,
    accel::{self, AccelMemory, HostFacts, Verdict},
    attempt::{Failure, Plan},
    command::{self, Attempt},
    process,
    qmp::{Connection, Qmp, QmpError},
    tools,
};
use futures_util::future::BoxFuture;
use igloo_protocol::{Accel, Code, Problem};
use std::{
    io,
    net::{Ipv4Addr, TcpListener},
    path::{Path, PathBuf},
    time::Duration,
};
use uuid::Uuid;

/// How long a machine that runs may take to answer when it is adopted.
const ADOPT: Duration = Duration::from_secs(5);

/// How long the control socket of one that seems not to run is tried.
const GONE: Duration = Duration::from_millis(200);

/// The QEMU that images name, on this host.
pub struct Qemu {
    host: HostFacts,
    memory: PathBuf,
    ports: Box<dyn Fn() -> io::Result<u16> + Send + Sync>,
}

impl Qemu {
    /// On a host of which `host` is known. `memory` is the file that remembers which accelerations work.
    pub fn new(host: HostFacts, memory: impl Into<PathBuf>) -> Qemu {
        Qemu { host, memory: memory.into(), ports: Box::new(free_port) }
    }

    /// Takes the ports for the forwards to guests from another place than the system.
    pub fn with_ports(self, ports: impl Fn() -> io::Result<u16> + Send + Sync + 'static) -> Qemu {
        Qemu { ports: Box::new(ports), ..self }
    }

    async fn start(&self, spec: &MachineSpec, run: &RunDir, on_rung: OnRung<'_>) -> Result<Vm, Problem> {
        check_shares(spec)?;
        run.create()?;
        let program = spec.image.qemu_program();
        let program = tools::find(&program).ok_or_else(|| tools::missing(&program, self.host.os))?;
        let key = accel::memory_key(&program, &self.host.os_release);
        let mut memory = AccelMemory::load(&self.memory);
        let system = spec.image.manifest.system;
        let first = accel::choose(&self.host, spec.accel, system, |a| memory.failed(a, &key));
        let mut plan = Plan::new(first, spec.accel);
        loop {
            let attempt = Attempt {
                accel: plan.accel,
                ssh_port: (self.ports)().map_err(|e| no_port(&e))?,
                uuid: Uuid::new_v4(),
                sandbox: plan.sandbox,
            };
            let proven = memory.verdict(plan.accel, &key) == Some(Verdict::Works);
            let arguments = command::arguments(spec, &attempt, &self.host, run);
            let start = super::attempt::Start { program: &program, arguments, spec, attempt, run, proven };
            match start.run(on_rung).await {
                Ok(vm) => {
                    if plan.accel != first {
                        remember(&mut memory, first, &key, Verdict::Failed);
                    }
                    return Ok(vm);
                }
                Err(failure) if plan.learn(&failure) => {
                    tracing::warn!("trying again: {}", failure.problem);
                }
                Err(Failure { problem, .. }) => return Err(problem),
            }
        }
    }

    async fn adopt(&self, run: &RunDir) -> Result<Option<Vm>, Problem> {
        let Some(record) = run.read() else { return Ok(None) };
        let alive = process::is_machine(record.pid, &record.uuid).await;
        match greet(run, &record, if alive { ADOPT } else { GONE }).await {
            Ok(Some(qmp)) => Ok(Some(Vm::adopted(record, run.clone(), Some(qmp)))),
            Ok(None) => {
                tracing::warn!("another machine has the socket {}", run.socket().display());
                run.remove_record();
                Ok(None)
            }
            Err(e) if alive => {
                tracing::warn!("the machine of process {} does not answer: {e}", record.pid);
                Ok(Some(Vm::adopted(record, run.clone(), None)))
            }
            Err(e) => {
                tracing::info!("the machine of process {} is gone: {e}", record.pid);
                run.forget(&record.uuid);
                Ok(None)
            }
        }
    }
}

impl Hypervisor for Qemu {
    fn start<'a>(
        &'a self,
        spec: &'a MachineSpec,
        run: &'a RunDir,
        on_rung: OnRung<'a>,
    ) -> BoxFuture<'a, Result<Vm, Problem>> {
        Box::pin(self.start(spec, run, on_rung))
    }

    fn adopt<'a>(&'a self, run: &'a RunDir) -> BoxFuture<'a, Result<Option<Vm>, Problem>> {
        Box::pin(self.adopt(run))
    }

    fn judge(&self, spec: &MachineSpec, vm: &Vm, ready: bool) -> bool {
        let accel = vm.record().accel;
        let Some(program) = tools::find(&spec.image.qemu_program()) else { return false };
        if accel == Accel::Tcg {
            return false;
        }
        let key = accel::memory_key(&program, &self.host.os_release);
        let mut memory = AccelMemory::load(&self.memory);
        match (memory.verdict(accel, &key), ready) {
            // it is not the acceleration's fault
            (Some(Verdict::Works), _) => return false,
            (_, true) => remember(&mut memory, accel, &key, Verdict::Works),
            (_, false) => remember(&mut memory, accel, &key, Verdict::Failed),
        }
        !ready && spec.accel == Setting::Auto
    }
}

/// Connects to the socket. `None`: it is another machine's.
async fn greet(run: &RunDir, record: &Record, within: Duration) -> Result<Option<Connection>, QmpError> {
    let connection = Qmp::connect(&run.socket(), within).await?;
    let answer = connection.0.execute("query-uuid", within).await?;
    let is_it = answer["UUID"].as_str() == Some(&record.uuid.to_string());
    Ok(is_it.then_some(connection))
}

fn remember(memory: &mut AccelMemory, accel: Accel, key: &str, verdict: Verdict) {
    if memory.verdict(accel, key) == Some(verdict) {
        return;
    }
    if let Err(e) = memory.remember(accel, key, verdict) {
        tracing::warn!("can't remember that {accel} {verdict:?}: {e}");
    }
}

/// A guest that mounts a share which is not there does not boot, and does not say why.
fn check_shares(spec: &MachineSpec) -> Result<(), Problem> {
    let missing = |tag: &&String| !spec.shares.iter().any(|(given, _)| given == *tag);
    if let Some(tag) = spec.image.manifest.shares.iter().find(missing) {
        let message = format!("The image mounts a share `{tag}`, which Igloo does not have");
        return Err(Problem::new(Code::BadImage, message, "Use another image, or another version of Igloo"));
    }
    let absent = |(_, folder): &&(String, PathBuf)| !Path::is_dir(folder);
    match spec.shares.iter().find(absent) {
        Some((tag, folder)) => Err(Problem::new(
            Code::VmFailed,
            format!("The folder {} of the share `{tag}` is not there", folder.display()),
            "Start it again",
        )),
        None => Ok(()),
    }
}

/// A loopback port that is free at this moment.
fn free_port() -> io::Result<u16> {
    Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port())
}

fn no_port(e: &io::Error) -> Problem {
    Problem::new(Code::PortTaken, format!("There is no free port on loopback: {e}"), "Close some programs")
}
