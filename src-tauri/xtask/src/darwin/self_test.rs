//! The check of the check: `fixtures/darwin-type-error` has a type error in macOS's part only.

use super::{Checker, TARGETS};
use crate::{project::xtask_dir, run};
use anyhow::{Result, bail};

/// The error that the fixture has (mismatched types), and where.
const ERROR: [&str; 2] = ["error[E0308]", "src/only_on_macos.rs"];

/// # Errors
/// The fixture does not pass for the host, or an Apple target passes with the error in it or
/// fails without it.
pub fn run(checker: &Checker) -> Result<()> {
    expect(checker, "check", None, false, None)?;
    for target in TARGETS {
        for subcommand in ["check", "clippy"] {
            expect(checker, subcommand, Some(target), false, Some(ERROR))?;
            expect(checker, subcommand, Some(target), true, None)?;
        }
    }
    println!("the type error in macOS's part is found for both targets, and nothing without it");
    Ok(())
}

fn expect(
    checker: &Checker,
    subcommand: &str,
    target: Option<&str>,
    mended: bool,
    error: Option<[&str; 2]>,
) -> Result<()> {
    let manifest = xtask_dir(&checker.project.root).join("fixtures/darwin-type-error/Cargo.toml");
    let mut command = checker.cargo(subcommand, "darwin-check-of-itself");
    command.args(["--locked", "--all-targets", "--manifest-path"]).arg(manifest);
    if let Some(target) = target {
        command.args(["--target", target]);
    }
    if mended {
        command.args(["--features", "mended"]);
    }
    let outcome = run::outcome(&mut command)?;
    let is_expected = match error {
        None => outcome.success,
        Some(words) => !outcome.success && words.iter().all(|word| outcome.stderr.contains(word)),
    };
    if !is_expected {
        let expected = if error.is_some() { "fail with the type error" } else { "pass" };
        bail!("{} was to {expected}:\n{}{}", run::describe(&command), outcome.stdout, outcome.stderr);
    }
    Ok(())
}
