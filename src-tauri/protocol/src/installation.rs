//! How Nix is installed on this machine, and whose its files are.

use crate::{Problem, plan::ManagedFile};
use serde::{Deserialize, Serialize};

/// How Nix is installed, as its files tell.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct Installation {
    /// By whom.
    pub kind: InstallKind,
    /// The file that carries the user's own settings of Nix. `None`: they belong into the configuration of the
    /// program that generates `nix.conf`.
    pub settings: Option<ManagedFile>,
    /// The launchd label or systemd unit of the Nix daemon; `None`: none that can be restarted.
    pub daemon: Option<String>,
    /// Whether Igloo may write `/etc/nix/machines`.
    pub machines_free: bool,
    /// Whether Nix reads `/etc/nix/machines`, as far as its files tell.
    pub machines_read: bool,
    /// Whether Nix has another way to build for Linux here (`external-builders`), as Determinate's native Linux
    /// builder is.
    pub external_builders: bool,
    /// What stands in the way of a setup, or will, with what to do about it.
    pub obstacles: Vec<Problem>,
}

/// Who installed Nix, or looks after its settings.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(rename_all = "snake_case")]
pub enum InstallKind {
    /// There is no Nix.
    None,
    /// The official script of nixos.org.
    Official,
    /// The installer of the NixOS organisation (`NixOS/nix-installer`).
    NixInstaller,
    /// Determinate Nix, whose `determinate-nixd` writes `nix.conf`.
    Determinate,
    /// Lix.
    Lix,
    /// nix-darwin, with its management of Nix on.
    NixDarwin,
    /// NixOS.
    NixOs,
    /// A distribution's packages: Debian's (`nix-bin`, `nix-setup-systemd`), and others that put Nix into `/usr/bin`.
    Debian,
}
