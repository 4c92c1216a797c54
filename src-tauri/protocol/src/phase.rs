//! Where in its life a builder is.

use crate::Problem;
use serde::{Deserialize, Serialize};
use std::fmt;

/// Where in its life a builder is. Derived from what probes say, never stored.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(tag = "phase", rename_all = "snake_case")]
pub enum Phase {
    /// No virtual machine runs.
    Stopped,
    /// What the machine needs is being made ready.
    Preparing {
        /// What is done now.
        step: PrepareStep,
    },
    /// The machine runs; the ladder is being climbed.
    Booting {
        /// The last rung that was reached; `None` before the first.
        rung: Option<Rung>,
    },
    /// Nix can build on it.
    Ready,
    /// A stop was asked for and waits until the builds that run have ended.
    Draining {
        /// How many builds still run.
        builds: usize,
    },
    /// The guest is powering off.
    Stopping,
    /// It does not run, or does not work, for the reason that is given.
    Failed {
        /// Why, and what to do.
        problem: Problem,
    },
}

impl Phase {
    /// Whether a virtual machine is there or is about to be.
    pub fn is_up(&self) -> bool {
        !matches!(self, Phase::Stopped | Phase::Failed { .. })
    }

    /// One word for a list.
    pub fn word(&self) -> &'static str {
        match self {
            Phase::Stopped => "stopped",
            Phase::Preparing { .. } => "preparing",
            Phase::Booting { .. } => "booting",
            Phase::Ready => "ready",
            Phase::Draining { .. } => "draining",
            Phase::Stopping => "stopping",
            Phase::Failed { .. } => "failed",
        }
    }
}

/// What happens before a machine is started.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(rename_all = "snake_case")]
pub enum PrepareStep {
    /// The image's manifest is read and its files are looked at.
    Image,
    /// The image of its store is made, unless it is there: once, for some minutes.
    Store,
    /// The key pair, the host key and the shares are laid out.
    Keys,
    /// The disk is made, grown or overlaid.
    Disk,
    /// The machine is started.
    Launch,
}

impl PrepareStep {
    /// What is done, for a person.
    pub const fn describe(self) -> &'static str {
        match self {
            PrepareStep::Image => "reading the image",
            PrepareStep::Store => "making the store image",
            PrepareStep::Keys => "laying out the keys",
            PrepareStep::Disk => "preparing the disk",
            PrepareStep::Launch => "starting the virtual machine",
        }
    }
}

/// A rung of the readiness ladder, lowest first. The rung at which a start stopped is what the user is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(rename_all = "snake_case")]
pub enum Rung {
    /// The hypervisor's process is alive.
    Process,
    /// It answers on its control socket and says that the guest runs.
    Qmp,
    /// The forwarded port accepts a connection.
    Port,
    /// The guest's sshd sends its banner.
    Banner,
    /// It shows the host key that is expected.
    HostKey,
    /// It lets the builder's user in.
    Login,
    /// The guest's `nix-daemon` answers, and trusts the user.
    Daemon,
    /// Nix in the guest builds the systems that were promised.
    Systems,
}

impl Rung {
    /// Every rung, in order.
    pub const ALL: [Rung; 8] = [
        Rung::Process,
        Rung::Qmp,
        Rung::Port,
        Rung::Banner,
        Rung::HostKey,
        Rung::Login,
        Rung::Daemon,
        Rung::Systems,
    ];

    /// What holds once the rung is reached, for a person.
    pub const fn describe(self) -> &'static str {
        match self {
            Rung::Process => "virtual machine started",
            Rung::Qmp => "guest is running",
            Rung::Port => "port is open",
            Rung::Banner => "SSH answers",
            Rung::HostKey => "host key is the expected one",
            Rung::Login => "logged in",
            Rung::Daemon => "nix-daemon answers",
            Rung::Systems => "builds the promised systems",
        }
    }

    /// The rung after this one.
    pub fn next(self) -> Option<Rung> {
        Rung::ALL.into_iter().find(|r| *r > self)
    }
}

impl fmt::Display for Rung {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.describe())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rungs_are_in_order() {
        let mut climbed = vec![Rung::Process];
        while let Some(next) = climbed.last().and_then(|r| r.next()) {
            climbed.push(next);
        }
        assert_eq!(climbed, Rung::ALL);
    }

    #[test]
    fn a_phase_is_tagged_in_json() {
        let p = Phase::Booting { rung: Some(Rung::HostKey) };
        assert_eq!(serde_json::to_string(&p).unwrap(), r#"{"phase":"booting","rung":"host_key"}"#);
    }
}
