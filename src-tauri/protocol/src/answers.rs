//! What the API answers beside the snapshot.

use crate::{Build, BuilderId, FinishedBuild};
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// One setting as it is in force.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct SettingView {
    /// Its dotted name in `settings.toml` (`builders.x86_64.cores`).
    pub key: String,
    /// The value in force, in TOML's form. `None`: there is none.
    pub value: Option<String>,
    /// The value without the user's choice, in TOML's form.
    pub default: Option<String>,
    /// Whether the settings file sets it.
    pub set: bool,
    /// What it does, in one sentence for a person.
    pub effect: String,
    /// When a change of it takes effect.
    pub applies: Applies,
}

/// When a change of a setting takes effect.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(rename_all = "snake_case")]
pub enum Applies {
    /// At once.
    Now,
    /// When the builder is started the next time.
    NextStart,
}

impl Applies {
    /// When, for a person.
    pub const fn describe(self) -> &'static str {
        match self {
            Applies::Now => "at once",
            Applies::NextStart => "at the next start",
        }
    }
}

/// What a client needs to open a shell in a guest.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SshAccess {
    /// The loopback TCP port.
    pub port: u16,
    /// The user in the guest.
    pub user: String,
    /// The file that holds the private key; the public one where `agent` has the private.
    pub identity: PathBuf,
    /// The socket of the ssh-agent that has the private key. `None`: it is in the file.
    #[serde(default)]
    pub agent: Option<PathBuf>,
    /// The name under which the host key is known.
    pub alias: String,
    /// The guest's public host key: type and base64, as in a `known_hosts` line after the name.
    pub host_key: String,
}

/// One builder's queue.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct BuilderQueue {
    /// Which builder.
    pub builder: BuilderId,
    /// The builds that run in the guest. `None`: not known.
    pub builds: Option<Vec<Build>>,
    /// The builds that ended since the engine started, newest first.
    #[serde(default)]
    pub finished: Vec<FinishedBuild>,
    /// How many wait for it. `None`: not known.
    pub waiting: Option<u64>,
}
