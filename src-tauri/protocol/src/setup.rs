//! Whether this machine's Nix is set up for a builder.

use crate::BuilderId;
use serde::{Deserialize, Serialize};

/// What a builder needs of this machine's Nix.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Needs {
    /// Which builder.
    pub builder: BuilderId,
    /// The loopback port that it is reached on.
    pub port: u16,
    /// The guest's host key (`ssh-ed25519 <base64>`), where a guest runs.
    pub host_key: Option<String>,
    /// The public key that the guest lets in for root's Nix (`ssh-ed25519 <base64> …`). `None`: it was never set up.
    pub daemon_key: Option<String>,
}

/// Whether this machine's Nix is set up to build on a builder, as far as its files tell.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(rename_all = "snake_case", tag = "state")]
pub enum Setup {
    /// Not looked at.
    #[default]
    Unknown,
    /// Nothing of it is there.
    Absent,
    /// All of it is there.
    InPlace,
    /// It was set up, and by now something differs from what the builder needs.
    Drifted {
        /// What differs, one entry a file.
        files: Vec<Drift>,
    },
}

/// A file that is not as a builder needs it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct Drift {
    /// Its path.
    pub path: String,
    /// What differs, in one plain sentence.
    pub how: String,
}
