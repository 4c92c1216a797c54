//! What the API needs of the engine behind it.

use igloo_protocol::{BuilderId, Command, Problem, SettingView, Snapshot, SshAccess};
use std::{path::PathBuf, sync::Arc};
use tokio::sync::watch;

/// What the API needs of the engine behind it.
pub trait Service: Send + Sync + 'static {
    /// What there is to show, and its changes.
    fn snapshots(&self) -> watch::Receiver<Arc<Snapshot>>;

    /// Does what a face asks for. Resolves once it is under way: by then the snapshot no longer
    /// shows the state from before.
    ///
    /// # Errors
    /// The reason why it can't be done.
    fn command(&self, command: Command) -> impl Future<Output = Result<(), Problem>> + Send;

    /// Every setting as it is in force.
    fn settings(&self) -> Result<Vec<SettingView>, Problem>;

    /// Where the console of a builder's guest is logged. The file need not exist.
    fn log_path(&self, id: BuilderId) -> PathBuf;

    /// How to open a shell in a builder's guest.
    ///
    /// # Errors
    /// The guest does not run, or its keys are not there.
    fn ssh(&self, id: BuilderId) -> Result<SshAccess, Problem>;

    /// Asks the engine to end. Returns at once.
    fn shutdown(&self);
}
