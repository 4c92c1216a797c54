//! Everything that a face can ask for.

use crate::BuilderId;
use serde::{Deserialize, Serialize};

/// Everything that a face can ask the engine to do.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(tag = "command", rename_all = "snake_case")]
pub enum Command {
    /// Start a builder. Answered once the start is under way; `Ready` is seen in the snapshot.
    Start {
        /// Which builder.
        builder: BuilderId,
    },
    /// Stop a builder, or cancel its start.
    Stop {
        /// Which builder.
        builder: BuilderId,
        /// What to do about builds that run.
        mode: StopMode,
    },
    /// Stop, then start.
    Restart {
        /// Which builder.
        builder: BuilderId,
        /// What to do about builds that run.
        mode: StopMode,
    },
    /// Make the persistent disk clean at the next start.
    Reset {
        /// Which builder.
        builder: BuilderId,
    },
    /// Let the Nix daemon's key into the guest, or no longer.
    DaemonKey {
        /// Which builder.
        builder: BuilderId,
        /// The public half in OpenSSH's one-line form. `None`: the key is taken out.
        public_key: Option<String>,
    },
    /// Change settings.
    Settings {
        /// What changes.
        patch: SettingsPatch,
    },
}

/// What a stop does about builds that run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(rename_all = "snake_case")]
pub enum StopMode {
    /// Wait until they have ended; new ones are turned away.
    #[default]
    Wait,
    /// Power the guest off now.
    Now,
}

/// A change of one or several settings, by their dotted names in `settings.toml`
/// (`builders.x86_64.cores`), with the values as text in TOML's form.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct SettingsPatch {
    /// Settings to set, in order. `None` goes back to the default.
    pub set: Vec<(String, Option<String>)>,
}
