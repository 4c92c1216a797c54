//! A small graph of derivations, and where each of them was built.

use super::{nix::Nix, undo::Undo};
use crate::run;
use anyhow::{Context, Result, bail};
use std::{fs, path::PathBuf, time::SystemTime};

const EXPRESSION: &str = include_str!("diamond.nix");

/// Build the graph in the builder alone, and print for each store path where it was built.
///
/// # Errors
/// A build fails, or was not made in a guest.
pub fn build(nix: &Nix, system: &str, undo: &mut Undo) -> Result<()> {
    let expression = nix.home().join("diamond.nix");
    fs::write(&expression, EXPRESSION)?;
    let name = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH)?.as_millis().to_string();
    let mut instantiate = nix.client("nix-instantiate");
    instantiate.arg(&expression).args(["--argstr", "system", system, "--argstr", "run", &name]);
    let derivations = lines(&run::outcome_or_error(&mut instantiate)?);

    let (deleter, doomed) = (nix.clone(), derivations.clone());
    undo.push("the store paths of the demo", move || delete(&deleter, &doomed));

    let mut build = nix.client("nix-build");
    // only the builder may build, and nothing is asked of the internet
    build.args(["--no-out-link", "--max-jobs", "0", "--option", "substitute", "false"]).args(&derivations);
    let outputs = lines(&run::capture(&mut build)?);
    if outputs.len() != derivations.len() {
        bail!("{} derivations gave {} store paths", derivations.len(), outputs.len());
    }
    println!();
    for output in &outputs {
        let text = fs::read_to_string(output).with_context(|| format!("reading {output}"))?;
        println!("{output}\n  {}", place(&text, &here()?)?);
    }
    Ok(())
}

/// The line in which a result says where it was built.
fn place<'a>(text: &'a str, here: &str) -> Result<&'a str> {
    let line =
        text.lines().next().filter(|line| line.contains(": built on ")).context("the result says nothing")?;
    if line.ends_with(here) {
        bail!("this was built on this machine, not in the builder: {line}");
    }
    // the rest is about the kernel's compiler
    Ok(line.split(" (").next().unwrap_or(line))
}

/// The kernel of this machine. A sandbox hides a guest's hostname, but not its kernel.
fn here() -> Result<String> {
    Ok(fs::read_to_string("/proc/version")?.trim().to_owned())
}

fn delete(nix: &Nix, derivations: &[String]) -> Result<()> {
    let mut paths =
        lines(&run::capture(nix.client("nix-store").args(["--query", "--outputs"]).args(derivations))?);
    paths.retain(|path| PathBuf::from(path).exists());
    paths.extend_from_slice(derivations);
    run::outcome_or_error(nix.client("nix-store").arg("--delete").args(paths))?;
    Ok(())
}

fn lines(text: &str) -> Vec<String> {
    text.lines().map(str::trim).filter(|line| !line.is_empty()).map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_build_on_this_machine_is_no_success() {
        let text =
            "join: built on igloo, Linux version 6.12 (gcc)\n  left: built on igloo, Linux version 6.12\n";
        assert_eq!(place(text, "Linux version 5.10").unwrap(), "join: built on igloo, Linux version 6.12");
        assert!(place(text, "Linux version 6.12 (gcc)").is_err());
        assert!(place("", "Linux version 5.10").is_err());
    }
}
