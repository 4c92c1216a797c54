//! `igloo restart`

use super::{
    Outcome, builder,
    context::Context,
    follow::{Goal, Patience, report, until},
    progress::Story,
    stop::mode,
};
use igloo_protocol::Command;
use std::time::Duration;

/// Stop a builder and start it again, with the settings as they are now
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Which builder; the one that is enabled unless named
    #[arg(value_parser = builder::Name)]
    builder: Option<String>,
    /// Don't wait for builds: they fail
    #[arg(long)]
    now: bool,
    /// Return as soon as the restart is under way
    #[arg(long)]
    no_wait: bool,
    /// Stop waiting after this many seconds; the restart goes on
    #[arg(long, value_name = "SECONDS")]
    timeout: Option<u64>,
}

/// Restarts a builder.
pub async fn run(args: Args, context: &Context) -> Outcome {
    let snapshot = context.client.snapshot().await?;
    let id = builder::pick(args.builder.as_deref(), &snapshot)?;
    let command = Command::Restart { builder: id, mode: mode(args.now) };
    let patience = Patience { no_wait: args.no_wait, timeout: args.timeout.map(Duration::from_secs) };
    let story = Story::new(id, context.json);
    let before = builder::view(id, &snapshot)?;
    let view = until(Goal::ReadyAgain, Some(command), before, patience, story, context).await?;
    let text = if args.no_wait { format!("{id} is restarting") } else { format!("{id} is ready again") };
    report(&view, &text, context)
}
