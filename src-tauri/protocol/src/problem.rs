//! What went wrong, in a form that a person can act on and a program can match.

use serde::{Deserialize, Serialize};
use std::fmt;

/// Something that went wrong: a typed code, what happened and why, and what to do about it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct Problem {
    /// What kind of problem it is.
    pub code: Code,
    /// What happened, and the cause as far as it is known. One sentence, no full stop.
    pub message: String,
    /// What the user can do. One sentence, no full stop.
    pub remedy: String,
}

impl Problem {
    /// A problem with its cause and its remedy.
    pub fn new(code: Code, message: impl Into<String>, remedy: impl Into<String>) -> Self {
        Problem { code, message: message.into(), remedy: remedy.into() }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Problem {}

/// Declares the codes once: variant, wire name, exit code of the CLI, meaning.
macro_rules! codes {
    ($($variant:ident = $name:literal, $exit:literal, $doc:literal;)*) => {
        /// What kind of problem it is. The CLI's exit codes are derived from it (`docs/exit-codes.md`).
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
        #[cfg_attr(test, derive(ts_rs::TS))]
        #[non_exhaustive]
        pub enum Code {
            $(#[doc = $doc] #[serde(rename = $name)] $variant,)*
        }

        impl Code {
            /// Every code.
            pub const ALL: &[Code] = &[$(Code::$variant),*];

            /// The name on the wire and in `--json`.
            pub const fn as_str(self) -> &'static str {
                match self { $(Code::$variant => $name),* }
            }

            /// The exit code of the CLI.
            pub const fn exit_code(self) -> u8 {
                match self { $(Code::$variant => $exit),* }
            }

            /// What it means, in one sentence.
            pub const fn meaning(self) -> &'static str {
                match self { $(Code::$variant => $doc),* }
            }
        }
    };
}

codes! {
    Internal = "internal", 1, "Something that should not happen; the log has more.";
    Usage = "usage", 2, "The command or the request makes no sense as it was given.";
    NoEngine = "no_engine", 3, "No engine runs, and this needs one.";
    EngineRunning = "engine_running", 4, "Another engine runs on the same state.";
    EngineFailed = "engine_failed", 5, "The engine could not start, or went away during a request.";
    NoDisplay = "no_display", 6, "There is no display to show the tray on.";
    BadSettings = "bad_settings", 10, "The settings file or a value in it is not valid.";
    UnknownBuilder = "unknown_builder", 11, "There is no such builder.";
    Disabled = "disabled", 12, "The builder is not enabled in the settings.";
    WrongPhase = "wrong_phase", 13, "The builder can't do this in the state that it is in.";
    NoImage = "no_image", 20, "No image is chosen, or its folder is not there.";
    BadManifest = "bad_manifest", 21, "The image's manifest is not valid.";
    BadImage = "bad_image", 22, "A file of the image is missing or damaged.";
    BadDisk = "bad_disk", 23, "The builder's disk is damaged.";
    DiskFull = "disk_full", 24, "There is not enough room on the disk.";
    MissingTool = "missing_tool", 25, "A program that is needed is not installed.";
    PortTaken = "port_taken", 26, "Something else listens on the builder's port.";
    BadKey = "bad_key", 27, "A key file is damaged, or can't be made or read.";
    KeychainFailed = "keychain_failed", 28, "The keychain refused the builder's key, or did not answer in time.";
    ImageFailed = "image_failed", 29, "Nix could not build the image.";
    VmFailed = "vm_failed", 30, "The virtual machine did not start.";
    VmCrashed = "vm_crashed", 31, "The virtual machine ended without being asked to.";
    BootTimeout = "boot_timeout", 32, "The guest did not become ready in time.";
    HostKeyMismatch = "host_key_mismatch", 33, "The guest showed another host key than the expected one.";
    LoginFailed = "login_failed", 34, "The guest did not let the builder's user in.";
    DaemonFailed = "daemon_failed", 35, "The guest's nix-daemon does not answer or does not trust the user.";
    WrongSystem = "wrong_system", 36, "The guest does not build the system that was promised.";
    TooManyRestarts = "too_many_restarts", 37, "The builder failed three times within five minutes.";
    GuestUnreachable = "guest_unreachable", 38, "The guest stopped answering.";
    ClockOff = "clock_off", 39, "The guest's clock is not that of this machine.";
    Cancelled = "cancelled", 40, "The user stopped it.";
    NotConfirmed = "not_confirmed", 41, "It needs a confirmation that was not given.";
    NotAllowed = "not_allowed", 50, "The right to do this was refused.";
    AdminFailed = "admin_failed", 51, "igloo-admin could not do it; nothing is left half-done.";
    FileChanged = "file_changed", 52, "A file was changed by others since it was looked at.";
    NotManaged = "not_managed", 53, "The file is written by another program, so Igloo leaves it alone.";
    ProofFailed = "proof_failed", 54, "Nix is set up, but a build that was to prove it failed.";
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn names_and_exit_codes_are_unique_and_fit_a_shell() {
        let names: HashSet<_> = Code::ALL.iter().map(|c| c.as_str()).collect();
        let exits: HashSet<_> = Code::ALL.iter().map(|c| c.exit_code()).collect();
        assert_eq!((names.len(), exits.len()), (Code::ALL.len(), Code::ALL.len()));
        // 126 and up belong to the shell (sysexits start at 64)
        assert!(exits.iter().all(|e| (1..64).contains(e)));
    }

    #[test]
    fn the_wire_name_is_the_name() {
        for c in Code::ALL {
            assert_eq!(serde_json::to_string(c).unwrap(), format!("{:?}", c.as_str()));
        }
    }
}
