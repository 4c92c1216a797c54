//! The check of the link: `fixtures/darwin-undefined-symbol` calls a function that nothing defines.

use super::{super::Checker, Linker};
use crate::{project::xtask_dir, run};
use anyhow::{Result, bail};

const NAME: &str = "darwin-undefined-symbol";

/// The symbol that is nowhere, as the format writes it.
const SYMBOL: &str = "_igloo_is_defined_nowhere";

/// # Errors
/// For a target the fixture passes with the call in it, or does not pass without.
pub fn run(checker: &Checker, targets: &[&str]) -> Result<()> {
    let linker = Linker::find_or_fetch(checker)?;
    for target in targets {
        expect(checker, &linker, target, &[], Some(SYMBOL))?;
        expect(checker, &linker, target, &["--features", "mended"], None)?;
    }
    println!("the symbol that is nowhere is found for both targets, and nothing without it");
    Ok(())
}

fn expect(
    checker: &Checker,
    linker: &Linker,
    target: &str,
    more: &[&str],
    error: Option<&str>,
) -> Result<()> {
    let folder = "darwin-link-of-itself";
    let mut build = linker.build(checker, folder, target);
    let manifest = xtask_dir(&checker.project.root).join("fixtures").join(NAME).join("Cargo.toml");
    build.args(["--quiet", "--locked", "--manifest-path"]).arg(manifest).args(more);
    run::run(&mut build)?;
    let file = checker.project.target.join(folder).join(target).join("debug").join(NAME);
    match (linker.check(&file, target), error) {
        (Ok(()), None) => Ok(()),
        (Err(found), Some(word)) if format!("{found:#}").contains(word) => Ok(()),
        (Err(found), _) => Err(found.context("the check of the link found something else")),
        (Ok(()), Some(word)) => bail!("the check of the link did not find {word} in {}", file.display()),
    }
}
