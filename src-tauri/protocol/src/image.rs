//! How far the making of an image is.

use crate::BuilderId;
use serde::{Deserialize, Serialize};

/// How far something is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct Tally {
    /// What is done.
    pub done: u64,
    /// What there is to do, as far as it is known by now; it grows.
    pub expected: u64,
}

/// How far Nix is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct NixView {
    /// Derivations that are built.
    pub built: Tally,
    /// Store paths that are fetched.
    pub fetched: Tally,
    /// Bytes that are downloaded, as they come: mostly compressed.
    pub downloaded: Tally,
    /// Bytes that are unpacked into the store.
    pub unpacked: Tally,
    /// What is built or fetched now: the store path's name, without its hash.
    pub now: Option<String>,
}

/// What is done for an image.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(tag = "step", rename_all = "snake_case")]
pub enum ImageStep {
    /// Nix fetches and builds it.
    Nix(NixView),
    /// Its store image is made.
    Store,
}

/// How far a builder's image is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct ImageProgress {
    /// Whose image it is.
    pub builder: BuilderId,
    /// What is done now.
    pub doing: ImageStep,
}
