//! Whether Nix can live with an ssh connection that several builds share.
//!
//! Sharing halves the time of small builds. But ssh does not run the `LocalCommand` whose output
//! older versions wait for on a shared connection: they hang (NixOS/nix#8329), and Determinate Nix
//! fails with a protocol mismatch (DeterminateSystems/nix-src#441). Nix proper from 2.26 asks whether a
//! connection is shared, and works; but between its question and its connection the shared one may end, and
//! then that build fails (NixOS/nix#14132; seen with 2.26.3). So it is never on unless the user asks for it.

use igloo_protocol::{Code, Problem};
use std::process::Command;

const SINCE: (u32, u32) = (2, 26);

/// Whether the Nix on the path can. Where none is, nobody can tell.
pub fn possible() -> bool {
    let asked = Command::new(super::program("nix")).arg("--version").output();
    asked.is_ok_and(|out| can_share(&String::from_utf8_lossy(&out.stdout)))
}

/// What to tell who asks for it all the same.
pub fn impossible() -> Problem {
    Problem::new(
        Code::Usage,
        "the Nix on the path can't build over a shared ssh connection: only Nix proper from 2.26 can",
        "leave --share-connection out",
    )
}

/// Whether the Nix that gave this version (`nix (Nix) 2.26.3`) can.
fn can_share(version: &str) -> bool {
    let Some(number) = version.trim().strip_prefix("nix (Nix) ") else { return false };
    let mut parts = number.split(['.', '-', '+']).map_while(|p| p.parse::<u32>().ok());
    parts.next().zip(parts.next()).is_some_and(|found| found >= SINCE)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_versions_that_were_seen_to_work_share() {
        for able in ["nix (Nix) 2.26.3\n", "nix (Nix) 2.34.8", "nix (Nix) 3.0"] {
            assert!(can_share(able), "{able}");
        }
        for unable in [
            "nix (Nix) 2.8.0",
            "nix (Nix) 2.18.1",
            "nix (Lix, like Nix) 2.95.3",
            "nix (Determinate Nix 3.22.2) 2.34.1",
            "",
        ] {
            assert!(!can_share(unable), "{unable}");
        }
    }
}
