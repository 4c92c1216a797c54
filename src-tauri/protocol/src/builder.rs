//! Which builders there are, and what they are called where.

use serde::{Deserialize, Serialize};
use std::{fmt, str::FromStr};

/// One of the builders that Igloo knows: one a system, each with a name of its own everywhere.
///
/// A closed enum on purpose: it travels to `igloo-admin`, which derives every path and every
/// line from it and takes no name from its caller.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub enum BuilderId {
    /// Builds `aarch64-linux`.
    #[serde(rename = "aarch64")]
    Aarch64,
    /// Builds `x86_64-linux`.
    #[serde(rename = "x86_64")]
    X86_64,
}

/// A name that is none of the builders.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("no builder is called {0:?}; the builders are aarch64 and x86_64")]
pub struct UnknownBuilder(pub String);

impl BuilderId {
    /// Every builder, in the order in which faces show them.
    pub const ALL: [BuilderId; 2] = [BuilderId::Aarch64, BuilderId::X86_64];

    /// The name in commands, paths and settings.
    pub const fn as_str(self) -> &'static str {
        match self {
            BuilderId::Aarch64 => "aarch64",
            BuilderId::X86_64 => "x86_64",
        }
    }

    /// The system that the builder's own guest is.
    pub const fn system(self) -> System {
        match self {
            BuilderId::Aarch64 => System::Aarch64Linux,
            BuilderId::X86_64 => System::X86_64Linux,
        }
    }

    /// The builder whose guest has this machine's own architecture.
    pub const fn native() -> BuilderId {
        if cfg!(target_arch = "aarch64") { BuilderId::Aarch64 } else { BuilderId::X86_64 }
    }

    /// The ssh host alias in `ssh_config` and in the machines line. `linux-builder` and port
    /// 31022 are those of nixpkgs' `darwin.linux-builder`.
    pub const fn alias(self) -> &'static str {
        match self {
            BuilderId::Aarch64 => "linux-builder",
            BuilderId::X86_64 => "linux-builder-x86_64",
        }
    }

    /// The loopback TCP port that Nix connects to unless the settings say otherwise.
    pub const fn default_port(self) -> u16 {
        match self {
            BuilderId::Aarch64 => 31022,
            BuilderId::X86_64 => 31023,
        }
    }
}

impl fmt::Display for BuilderId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for BuilderId {
    type Err = UnknownBuilder;

    /// Takes the builder's own name or its Nix system (`aarch64-linux`).
    fn from_str(s: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .into_iter()
            .find(|b| b.as_str() == s || b.system().as_str() == s)
            .ok_or_else(|| UnknownBuilder(s.to_owned()))
    }
}

/// A Nix system that a builder can build.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub enum System {
    /// `aarch64-linux`
    #[serde(rename = "aarch64-linux")]
    Aarch64Linux,
    /// `x86_64-linux`
    #[serde(rename = "x86_64-linux")]
    X86_64Linux,
}

impl System {
    /// The name that Nix uses.
    pub const fn as_str(self) -> &'static str {
        match self {
            System::Aarch64Linux => "aarch64-linux",
            System::X86_64Linux => "x86_64-linux",
        }
    }
}

impl fmt::Display for System {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A system that no builder of Igloo's builds.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a system that Igloo's builders build")]
pub struct UnknownSystem(pub String);

impl FromStr for System {
    type Err = UnknownSystem;

    fn from_str(s: &str) -> Result<Self, Self::Err> {
        let known = [System::Aarch64Linux, System::X86_64Linux];
        known.into_iter().find(|system| system.as_str() == s).ok_or_else(|| UnknownSystem(s.to_owned()))
    }
}

/// How QEMU runs the guest's processor.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(rename_all = "lowercase")]
pub enum Accel {
    /// Apple's Hypervisor.framework.
    Hvf,
    /// Linux' KVM.
    Kvm,
    /// QEMU's own translator: works everywhere, several times slower.
    Tcg,
}

impl Accel {
    /// The name that QEMU's `-accel` takes.
    pub const fn as_str(self) -> &'static str {
        match self {
            Accel::Hvf => "hvf",
            Accel::Kvm => "kvm",
            Accel::Tcg => "tcg",
        }
    }
}

impl fmt::Display for Accel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_builder_answers_to_its_name_and_its_system() {
        for b in BuilderId::ALL {
            assert_eq!(b.as_str().parse(), Ok(b));
            assert_eq!(b.system().as_str().parse(), Ok(b));
        }
        assert_eq!("riscv".parse::<BuilderId>(), Err(UnknownBuilder("riscv".into())));
    }

    #[test]
    fn json_names_are_the_fields_names() {
        assert_eq!(serde_json::to_string(&BuilderId::X86_64).unwrap(), "\"x86_64\"");
        assert_eq!(serde_json::to_string(&System::Aarch64Linux).unwrap(), "\"aarch64-linux\"");
    }
}
