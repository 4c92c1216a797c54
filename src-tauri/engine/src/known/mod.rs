//! Failures that are known by their words: what each means, and what to do about it. The tables are used
//! where Igloo itself meets those words, and by `igloo explain`, for those that a user meets elsewhere.

mod guest;
mod machines;
mod nix;
mod qemu;

pub(crate) use guest::GUEST;
pub(crate) use qemu::{QEMU, TRY_TCG};

use igloo_protocol::{Code, Problem};

/// A text that tells a cause.
#[derive(Debug)]
pub(crate) struct Known {
    /// The telling part, as the program writes it.
    pub text: &'static str,
    pub code: Code,
    /// What it is, in words that can follow a colon.
    pub cause: &'static str,
    pub remedy: &'static str,
}

const fn known(text: &'static str, code: Code, cause: &'static str, remedy: &'static str) -> Known {
    Known { text, code, cause, remedy }
}

/// The tables, what is nearest to the root of a failure first: a host key that does not fit is why there is no
/// connection, and that is why no machine is found.
const TABLES: [&[Known]; 6] = [qemu::QEMU, qemu::VZ, guest::GUEST, nix::ACTIVATION, nix::SSH, nix::NIX];

/// What a text of Nix, ssh, QEMU, a guest or nix-darwin tells of failures, the nearest to the root first; empty if
/// nothing in it is known. A message is one sentence without the words that it was told by.
pub fn explain(text: &str) -> Vec<Problem> {
    let found = TABLES.iter().flat_map(|table| table.iter()).filter(|k| text.contains(k.text));
    let mut problems: Vec<Problem> = Vec::new();
    for known in found {
        // which column of the list does not fit is told better than that none does
        let problem = match machines::explain(text) {
            Some(better) if known.text == nix::NO_MACHINE => better,
            _ => Problem::new(known.code, known.cause, known.remedy),
        };
        if !problems.contains(&problem) {
            problems.push(problem);
        }
    }
    problems
}

#[cfg(test)]
mod tests;
