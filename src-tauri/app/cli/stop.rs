//! `igloo stop`

use super::{
    Outcome, builder,
    context::Context,
    follow::{Goal, Patience, report, until},
    progress::Story,
};
use igloo_protocol::{Command, Phase, StopMode};

/// Stop a builder, or cancel its start; waits for builds that run
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Which builder; the one that is enabled unless named
    #[arg(value_parser = builder::Name)]
    builder: Option<String>,
    /// Don't wait for builds: they fail
    #[arg(long)]
    now: bool,
    /// Return as soon as the stop is under way
    #[arg(long)]
    no_wait: bool,
}

/// What a stop does about builds, by the option.
pub fn mode(now: bool) -> StopMode {
    if now { StopMode::Now } else { StopMode::Wait }
}

/// Stops a builder.
pub async fn run(args: Args, context: &Context) -> Outcome {
    let snapshot = context.client.snapshot().await?;
    let id = builder::pick(args.builder.as_deref(), &snapshot)?;
    let before = builder::view(id, &snapshot)?;
    if before.phase == Phase::Stopped {
        return report(before, &format!("{id} is stopped already"), context);
    }
    let command = Command::Stop { builder: id, mode: mode(args.now) };
    let patience = Patience { no_wait: args.no_wait, timeout: None };
    let story = Story::new(id, context.json);
    let view = until(Goal::Stopped, Some(command), before, patience, story, context).await?;
    let text = if args.no_wait { format!("{id} is stopping") } else { format!("{id} is stopped") };
    report(&view, &text, context)
}
