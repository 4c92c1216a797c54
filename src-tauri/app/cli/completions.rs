//! `igloo completions`

use super::{Cli, Outcome, print};
use clap::CommandFactory;
use clap_complete::Shell;

/// Print completions for a shell, to be put where it looks for them
#[derive(Debug, clap::Args)]
pub struct Args {
    /// For which shell
    shell: Shell,
}

/// Prints the completions.
pub fn run(args: &Args) -> Outcome {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "igloo", &mut script);
    print::raw(&script)
}
