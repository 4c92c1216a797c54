//! Where a builder's key is kept.

use crate::Problem;
use serde::{Deserialize, Serialize};

/// Where the private key is that the user logs in to a builder with.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(rename_all = "snake_case", tag = "place")]
pub enum KeyPlace {
    /// There is none yet.
    #[default]
    None,
    /// In the user's keychain.
    Keychain,
    /// In a file that only the user may read.
    File {
        /// Why not in the keychain. `None`: the settings say so, or it is not known.
        why: Option<Problem>,
    },
}
