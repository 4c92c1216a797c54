//! `igloo reset`

use super::{Outcome, builder, context::Context, follow::report, print};
use igloo_protocol::{Code, Command, Problem};

/// Make a builder's disk clean at the next start: all that was built on it is lost
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Which builder; the one that is enabled unless named
    #[arg(value_parser = builder::Name)]
    builder: Option<String>,
    /// Don't ask
    #[arg(long, short)]
    yes: bool,
}

/// Marks a builder's disk to be made clean.
pub async fn run(args: Args, context: &Context) -> Outcome {
    let snapshot = context.client.snapshot().await?;
    let id = builder::pick(args.builder.as_deref(), &snapshot)?;
    let question = format!("Lose all that was built on {id} at its next start?");
    if !args.yes && !print::confirm(&question)? {
        return Err(Problem::new(Code::NotConfirmed, format!("{id} keeps its disk"), "answer y to reset it"));
    }
    context.client.command(&Command::Reset { builder: id }).await?;
    let snapshot = context.client.snapshot().await?;
    report(builder::view(id, &snapshot)?, &format!("{id} starts with a clean disk the next time"), context)
}
