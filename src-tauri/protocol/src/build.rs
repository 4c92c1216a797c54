//! Builds: those that run, and those that ended.

use serde::{Deserialize, Serialize};

/// A build.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct Build {
    /// The derivation: its store path where a source can tell, else its name (`hello-2.12.1`).
    /// `None`: a build runs, but no source can tell which.
    pub derivation: Option<String>,
    /// How it is.
    pub state: BuildState,
    /// Seconds since it started, where a source can tell.
    pub elapsed_s: Option<f64>,
    /// Processor seconds that it used so far, where a source can tell.
    pub cpu_s: Option<f64>,
    /// Where this is known from.
    pub source: BuildSource,
}

impl Build {
    /// The derivation's name for a list: without the store, the hash and `.drv`.
    pub fn name(&self) -> Option<&str> {
        self.derivation.as_deref().map(name)
    }
}

/// How a build is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(rename_all = "snake_case")]
pub enum BuildState {
    /// Its builder process runs in the guest.
    Running,
    /// A session is open for it, but nothing of it runs yet (or any more): copying, or waiting.
    Session,
}

/// Where a build is known from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(rename_all = "snake_case")]
pub enum BuildSource {
    /// The guest's processes and locks.
    GuestProcesses,
}

/// A build that ended.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct FinishedBuild {
    /// As of [`Build::derivation`].
    pub derivation: Option<String>,
    /// How it ended.
    pub end: BuildEnd,
    /// Seconds from its start to the look that found it gone, where a source can tell.
    pub elapsed_s: Option<f64>,
    /// When it was found gone: milliseconds since the Unix epoch.
    pub ended_ms: u64,
}

impl FinishedBuild {
    /// How many are kept of a builder.
    pub const MOST: usize = 50;

    /// The derivation's name for a list: without the store, the hash and `.drv`.
    pub fn name(&self) -> Option<&str> {
        self.derivation.as_deref().map(name)
    }
}

/// How a build ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(rename_all = "snake_case")]
pub enum BuildEnd {
    /// Its outputs are valid in the guest's store.
    Built,
    /// It ended without its outputs: it failed, or who asked for it gave up. Nothing in a guest tells these apart.
    NotBuilt,
    /// The builder ended under it.
    BuilderEnded,
    /// No source can tell.
    Unknown,
}

/// `hello-2.12.1` of `/nix/store/<hash>-hello-2.12.1.drv`; what is no store path is a name already.
fn name(derivation: &str) -> &str {
    let Some(base) = derivation.strip_prefix("/nix/store/") else { return derivation };
    let name = base.split_once('-').map_or(base, |(_hash, name)| name);
    name.strip_suffix(".drv").unwrap_or(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_builds_name_leaves_the_store_out() {
        let mut b = Build {
            derivation: Some("/nix/store/0c0w2x3m3m1yhzjqmm9jq5s8c5k3w1f4-hello-2.12.1.drv".into()),
            state: BuildState::Running,
            elapsed_s: None,
            cpu_s: None,
            source: BuildSource::GuestProcesses,
        };
        assert_eq!(b.name(), Some("hello-2.12.1"));
        b.derivation = Some("hello".into());
        assert_eq!(b.name(), Some("hello"));
        b.derivation = None;
        assert_eq!(b.name(), None);
    }
}
