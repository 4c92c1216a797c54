//! The problems that more than one module reports.

use igloo_protocol::{Code, Problem};
use std::io;

/// A step of the file work failed.
pub(crate) fn io_failed(doing: &str, path: &str, error: &io::Error) -> Problem {
    let code = match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Code::DiskFull,
        io::ErrorKind::PermissionDenied => Code::NotAllowed,
        _ => Code::AdminFailed,
    };
    let remedy = match code {
        Code::DiskFull => "Free some room on the system's disk, then try again",
        Code::NotAllowed => "Run it as an administrator",
        _ => "Look at the file or folder named in the message, then try again",
    };
    Problem::new(code, format!("Could not {doing} {path}: {error}"), remedy)
}

/// A file or a folder is not as safe as what root writes to must be.
pub(crate) fn unsafe_place(path: &str, why: &str) -> Problem {
    Problem::new(
        Code::AdminFailed,
        format!("{path} {why}, so others could change what root writes there"),
        format!("Make {path} belong to root and writable by root alone, then try again"),
    )
}

/// Something stands there that another program made.
pub(crate) fn symlinked(path: &str) -> Problem {
    Problem::new(
        Code::NotManaged,
        format!("{path} is a symbolic link, so another program (nix-darwin, NixOS) writes it"),
        "Put the builder into that program's configuration (nix.buildMachines, programs.ssh.extraConfig) \
         instead, or turn its management of this file off",
    )
}

/// A file is not what it was.
pub(crate) fn changed(path: &str) -> Problem {
    Problem::new(
        Code::FileChanged,
        format!("{path} was changed since it was looked at"),
        "Look at the new plan and confirm it again",
    )
}
