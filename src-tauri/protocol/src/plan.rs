//! A change of root-owned files: what `igloo-admin` is asked to do, and what it did.
//!
//! Everything here is a closed set. A plan names operations and managed files, never a path, a
//! command or file content; whoever holds a plan can ask for no more than what [`Operation`] lists.
//! Values are checked when they are read, so a `Plan` that exists is a valid one.

mod receipt;
mod report;
mod value;

pub use receipt::{Before, Change, RECEIPT_VERSION, Receipt};
pub use report::{Outcome, REPORT_VERSION, Report, StepReport, StepState};
pub use value::{BadValue, Count, Feature, Features, HostKey, Sha256, Systems, User, Users};

use crate::BuilderId;
use serde::{Deserialize, Serialize};
use std::{collections::HashSet, num::NonZeroU16};

/// The version of [`Plan`]'s JSON.
pub const PLAN_VERSION: u32 = 1;

/// The most operations that a plan may hold.
pub const MAX_OPERATIONS: usize = 16;

/// What to change, and what the files looked like when the user said yes.
///
/// Made by `igloo_admin::plan`; read only through [`Plan::from_json`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(deny_unknown_fields)]
pub struct Plan {
    /// [`PLAN_VERSION`].
    pub version: u32,
    /// What to do, in this order.
    pub ops: Vec<Operation>,
    /// Every file that the operations touch, as it was seen. The helper refuses when one differs.
    pub files: Vec<PlannedFile>,
    /// When it was made, in microseconds since 1970. The helper refuses a plan that is old, or older than
    /// the last change beside its files; so also one without a time, as the first Igloo wrote them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub made_at: Option<u64>,
    /// What the user should know before saying yes, in plain words. Left out of what the helper gets.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<String>,
}

/// A file that a plan touches.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(deny_unknown_fields)]
pub struct PlannedFile {
    /// Which file.
    pub file: ManagedFile,
    /// What was there.
    pub seen: Seen,
}

/// What was found in the place of a file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(rename_all = "snake_case")]
pub enum Seen {
    /// Nothing.
    Absent,
    /// A file that only root can read (the private key).
    Present,
    /// A file with these bytes.
    Sha256(Sha256),
}

/// One thing that `igloo-admin` can do. The helper derives every path and every line from it.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(rename_all = "snake_case")]
pub enum Operation {
    /// Make the key pair with which root's Nix logs in to the builders; kept if it is there.
    BuilderKey,
    /// Write the builder's ssh host alias.
    SshHost(SshHost),
    /// Write the builder's line in `/etc/nix/machines`.
    Machine(Machine),
    /// Set one of Nix' settings, in the file that this machine's installation keeps for its user.
    NixSetting(NixSetting),
    /// Restart the Nix daemon.
    RestartNixDaemon,
    /// Stop, wipe or start nix-darwin's own Linux builder (macOS).
    LinuxBuilderService(ServiceAction),
}

/// What can be done with nix-darwin's own Linux builder, in the order in which it is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(rename_all = "snake_case")]
pub enum ServiceAction {
    /// Power its guest off, then have launchd end it.
    Stop,
    /// Delete its disk, so that the next start makes a clean one. Only while it is stopped.
    Wipe,
    /// Have launchd start it.
    Start,
}

impl ServiceAction {
    /// Its place among the actions.
    const fn place(self) -> u8 {
        match self {
            ServiceAction::Stop => 0,
            ServiceAction::Wipe => 1,
            ServiceAction::Start => 2,
        }
    }
}

/// A setting of Nix that Igloo may write. Others (`post-build-hook`, `build-hook`, `substituters`, ...) would make
/// root run what a caller chose, and have no form here.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(rename_all = "snake_case")]
pub enum NixSetting {
    /// `builders = @/etc/nix/machines`: Nix' own default, for where something sets another value.
    Builders,
    /// `builders-use-substitutes`: whether a builder fetches from substituters itself what it can.
    BuildersUseSubstitutes(bool),
    /// `extra-trusted-users`: users who may tell the daemon anything, which makes them as powerful as root.
    ExtraTrustedUsers(Users),
}

impl NixSetting {
    /// Every setting's name, in the order in which they are written and done.
    pub const NAMES: [&'static str; 3] = ["builders", "builders-use-substitutes", "extra-trusted-users"];

    /// The setting's name in `nix.conf`.
    pub const fn name(&self) -> &'static str {
        Self::NAMES[self.place()]
    }

    /// Its place in [`NixSetting::NAMES`].
    const fn place(&self) -> usize {
        match self {
            NixSetting::Builders => 0,
            NixSetting::BuildersUseSubstitutes(_) => 1,
            NixSetting::ExtraTrustedUsers(_) => 2,
        }
    }
}

/// A builder's ssh host alias.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(deny_unknown_fields)]
pub struct SshHost {
    /// Which builder.
    pub builder: BuilderId,
    /// The loopback TCP port that it is reached on.
    pub port: NonZeroU16,
    /// Whether root's connections share one (ssh's `ControlMaster`). It halves the time of small builds,
    /// and some versions of Nix can't live with it, so it is for the caller to know that this one can:
    /// 2.16 hangs (NixOS/nix#8329); Determinate Nix, which opens masters of its own, fails with "protocol
    /// mismatch, got 'started'" (DeterminateSystems/nix-src#441, NixOS/nix#14132).
    #[serde(default)]
    pub share_connection: bool,
}

/// A builder's entry in `/etc/nix/machines`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(deny_unknown_fields)]
pub struct Machine {
    /// Which builder.
    pub builder: BuilderId,
    /// What it builds.
    pub systems: Systems,
    /// How many builds Nix may give it at a time.
    pub max_jobs: Count,
    /// How fast it is, relative to other builders; 1 when left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub speed_factor: Option<Count>,
    /// The features that it supports, such as `big-parallel`.
    pub features: Features,
    /// The guest's host key, which Nix pins.
    pub host_key: HostKey,
}

/// A file that Igloo may write, or (where it says so) only looks at. Its path is known to `igloo-admin` alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(rename_all = "snake_case")]
pub enum ManagedFile {
    /// The private key.
    BuilderKey,
    /// The public key.
    BuilderKeyPub,
    /// A builder's file in `ssh_config.d`.
    SshHost(BuilderId),
    /// `/etc/nix/machines`
    Machines,
    /// `/etc/nix/nix.conf`
    NixConf,
    /// `/etc/nix/nix.custom.conf`, which `nix.conf` includes where an installer writes that itself.
    NixCustomConf,
    /// `igloo-admin` itself, where it was installed for the app to start it.
    Helper,
    /// The launchd job of nix-darwin's Linux builder: looked at, never written.
    LinuxBuilderJob,
}

/// A folder that Igloo may make.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ManagedFolder {
    /// `/etc/nix`
    Nix,
    /// `/etc/ssh/ssh_config.d`
    SshConfig,
    /// Igloo's own folder, with the receipt: root's alone.
    State,
    /// Where ssh keeps the sockets of shared connections: root's alone.
    SshControl,
    /// The system's folder for programs that an app starts as root.
    HelperTools,
    /// launchd's folder for the jobs that an administrator installs: looked into, never written to.
    LaunchDaemons,
}

/// Why some JSON is not a plan.
#[derive(Debug, thiserror::Error)]
pub enum BadPlan {
    /// Not JSON, an unknown operation or field, or a value that is not allowed.
    #[error("the plan is not valid: {0}")]
    Json(#[from] serde_json::Error),
    /// Made by another version of Igloo.
    #[error("the plan has version {0}, and this program knows version {PLAN_VERSION}")]
    Version(u32),
    /// Empty or too long.
    #[error("the plan has {0} operations; 1 to {MAX_OPERATIONS} are allowed")]
    Size(usize),
    /// The same thing asked for twice.
    #[error("the plan holds two operations for the same thing")]
    Twice,
}

#[derive(Deserialize)]
struct VersionOnly {
    version: u32,
}

impl Plan {
    /// Reads a plan, strictly: an unknown version, field, operation or value is an error.
    pub fn from_json(json: &[u8]) -> Result<Plan, BadPlan> {
        let VersionOnly { version } = serde_json::from_slice(json)?;
        if version != PLAN_VERSION {
            return Err(BadPlan::Version(version));
        }
        let plan: Plan = serde_json::from_slice(json)?;
        check_operations(&plan.ops)?;
        Ok(plan)
    }

    /// What was seen in the place of `file`; `None` if the plan does not name it.
    pub fn seen(&self, file: ManagedFile) -> Option<&Seen> {
        self.files.iter().find(|f| f.file == file).map(|f| &f.seen)
    }
}

/// Checks that operations may stand in one plan: 1 to [`MAX_OPERATIONS`], none for the same thing twice.
pub fn check_operations(ops: &[Operation]) -> Result<(), BadPlan> {
    if ops.is_empty() || ops.len() > MAX_OPERATIONS {
        return Err(BadPlan::Size(ops.len()));
    }
    let mut subjects = HashSet::new();
    if ops.iter().all(|op| subjects.insert(op.subject())) { Ok(()) } else { Err(BadPlan::Twice) }
}

impl Operation {
    /// What the operation is about: its place in the order in which operations are done (what
    /// others rest on comes first), and the builder.
    pub fn subject(&self) -> (u8, Option<BuilderId>) {
        match self {
            Operation::BuilderKey => (0, None),
            Operation::SshHost(s) => (1, Some(s.builder)),
            Operation::Machine(m) => (2, Some(m.builder)),
            Operation::NixSetting(setting) => (3 + setting.place() as u8, None),
            // after every setting
            Operation::RestartNixDaemon => (3 + NixSetting::NAMES.len() as u8, None),
            Operation::LinuxBuilderService(action) => {
                (4 + NixSetting::NAMES.len() as u8 + action.place(), None)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJBWcxb/Blaqt1auOtE+F8QUWrUotiC5qBJ+UuEWdVCb";

    fn plan(ops: &str) -> String {
        format!(r#"{{"version":1,"ops":[{ops}],"files":[{{"file":"machines","seen":"absent"}}]}}"#)
    }

    fn machine(extra: &str) -> String {
        format!(
            r#"{{"machine":{{"builder":"aarch64","systems":["aarch64-linux"],"max_jobs":4,"features":["big-parallel"],"host_key":"{KEY}"{extra}}}}}"#
        )
    }

    #[test]
    fn a_plan_of_version_1_is_read_and_written_back() {
        let ops = format!(
            r#""builder_key",{{"ssh_host":{{"builder":"x86_64","port":31023,"share_connection":true}}}},{},"restart_nix_daemon""#,
            machine("")
        );
        let json = plan(&ops);
        let read = Plan::from_json(json.as_bytes()).unwrap();
        assert_eq!(serde_json::to_string(&read).unwrap(), json);
        assert_eq!(read.seen(ManagedFile::Machines), Some(&Seen::Absent));
        assert_eq!(read.seen(ManagedFile::BuilderKey), None);
    }

    #[test]
    fn another_version_is_named_even_if_its_fields_are_unknown() {
        let e = Plan::from_json(br#"{"shape":"new","version":7}"#).unwrap_err();
        assert!(matches!(e, BadPlan::Version(7)), "{e}");
    }

    #[test]
    fn nothing_outside_the_closed_set_is_read() {
        for ops in [
            r#""run""#,
            r#"{"run":{"command":"id"}}"#,
            r#"{"ssh_host":{"builder":"aarch64","port":0}}"#,
            r#"{"ssh_host":{"builder":"aarch64","port":65536}}"#,
            r#"{"ssh_host":{"builder":"aarch64","port":22,"proxy_command":"id"}}"#,
            r#"{"ssh_host":{"builder":"../../root","port":22}}"#,
            r#"{"builder_key":{"path":"/root/.ssh/id"}}"#,
            &machine(r#","path":"/etc/passwd""#),
            &machine(r#","max_jobs":4"#),
            r#"{"linux_builder_service":"restart"}"#,
            r#"{"linux_builder_service":{"stop":"org.nixos.nix-daemon"}}"#,
            r#""linux_builder_service""#,
            "",
        ] {
            assert!(Plan::from_json(plan(ops).as_bytes()).is_err(), "{ops}");
        }
        let file = r#"{"version":1,"ops":["builder_key"],"files":[{"file":"/etc/passwd","seen":"absent"}]}"#;
        assert!(Plan::from_json(file.as_bytes()).is_err());
        let field = r#"{"version":1,"ops":["builder_key"],"files":[],"root":"/tmp"}"#;
        assert!(Plan::from_json(field.as_bytes()).is_err());
    }

    #[test]
    fn operations_are_bounded_and_about_different_things() {
        let twice = format!("{0},{0}", machine(""));
        assert!(matches!(Plan::from_json(plan(&twice).as_bytes()), Err(BadPlan::Twice)));
        let service = r#"{"linux_builder_service":"stop"},{"linux_builder_service":"start"}"#;
        assert!(Plan::from_json(plan(service).as_bytes()).is_ok());
        assert!(matches!(
            Plan::from_json(plan(&format!("{service},{service}")).as_bytes()),
            Err(BadPlan::Twice)
        ));
        let many = vec![r#""builder_key""#; 17].join(",");
        assert!(matches!(Plan::from_json(plan(&many).as_bytes()), Err(BadPlan::Size(17))));
    }
}
