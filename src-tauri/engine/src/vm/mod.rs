//! The virtual machine: command line, control socket, acceleration.

pub mod accel;
mod attempt;
pub mod command;
mod console;
pub mod diagnose;
mod machine;
pub(crate) mod mapped;
mod process;
mod qemu;
pub mod qmp;
mod record;
pub mod tools;

pub use accel::{HostFacts, Setting};
pub use console::{Console, MAX_BYTES};
pub use machine::{Exit, RunState, Vm};
pub use qemu::Qemu;
pub use record::{Record, RunDir};

use crate::image::Image;
use futures_util::future::BoxFuture;
use igloo_protocol::{BuilderId, Problem, Rung};
use std::path::PathBuf;

/// A machine to be started.
#[derive(Clone, Debug, PartialEq)]
pub struct MachineSpec {
    /// Which builder it is.
    pub id: BuilderId,
    /// What it boots.
    pub image: Image,
    /// Its disk, a qcow2, made ready by [`crate::image::Disks::prepare`].
    pub disk: PathBuf,
    /// The store image, where the guest has one: [`crate::image::Stores::ensure`].
    pub store: Option<PathBuf>,
    /// Virtual processors.
    pub cores: u32,
    /// Memory in MiB.
    pub memory_mib: u64,
    /// The folder for each of the manifest's shares, by tag.
    pub shares: Vec<(String, PathBuf)>,
    /// Whether the disk is thrown away at the stop.
    pub ephemeral: bool,
    /// The user's choice of acceleration.
    pub accel: Setting,
}

/// Told about each rung as it is reached; from the first again when a start is tried in another way.
pub type OnRung<'a> = &'a (dyn Fn(Rung) + Send + Sync);

/// What starts machines, and finds those that run.
pub trait Hypervisor: Send + Sync + 'static {
    /// Starts a machine that outlives this process, and returns when its guest runs. Call it only
    /// when [`Hypervisor::adopt`] found none in `run`.
    ///
    /// # Errors
    /// Why it did not start. No process, record or socket is left of it then; the logs are.
    /// A cancelled start (the future is dropped) kills the process too.
    fn start<'a>(
        &'a self,
        spec: &'a MachineSpec,
        run: &'a RunDir,
        on_rung: OnRung<'a>,
    ) -> BoxFuture<'a, Result<Vm, Problem>>;

    /// Finds the machine that an earlier engine started in `run`. What is left of one that has ended
    /// is removed.
    ///
    /// # Errors
    /// Those of reading `run`.
    fn adopt<'a>(&'a self, run: &'a RunDir) -> BoxFuture<'a, Result<Option<Vm>, Problem>>;

    /// Remembers whether a guest became ready under the acceleration that `vm` was started with. After
    /// `ready: false` (no banner in time, say), says whether it is worth starting again: the next start
    /// then takes another acceleration.
    fn judge(&self, spec: &MachineSpec, vm: &Vm, ready: bool) -> bool;
}
