//! `igloo start`

use super::{
    Outcome, builder,
    context::Context,
    follow::{Goal, Patience, report, until},
    format::duration,
    progress::Story,
    spawn,
};
use igloo_protocol::{Code, Command, Phase, Problem};
use std::time::Duration;

/// Start a builder and wait until Nix can build on it
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Which builder; the one that is enabled unless named
    #[arg(value_parser = builder::Name)]
    builder: Option<String>,
    /// Start an engine in the background if none runs
    #[arg(long)]
    serve: bool,
    /// Return as soon as the start is under way
    #[arg(long)]
    no_wait: bool,
    /// Stop waiting after this many seconds; the start goes on
    #[arg(long, value_name = "SECONDS")]
    timeout: Option<u64>,
}

/// Starts a builder.
pub async fn run(args: Args, context: &Context) -> Outcome {
    if args.serve {
        spawn::engine(context).await?;
    }
    let snapshot = context.client.snapshot().await.map_err(with_serve)?;
    let id = builder::pick(args.builder.as_deref(), &snapshot)?;
    let before = builder::view(id, &snapshot)?;
    if before.phase == Phase::Ready {
        return report(before, &format!("{id} is ready already"), context);
    }
    let under_way = matches!(before.phase, Phase::Preparing { .. } | Phase::Booting { .. });
    let command = (!under_way).then_some(Command::Start { builder: id });
    let patience = Patience { no_wait: args.no_wait, timeout: args.timeout.map(Duration::from_secs) };
    let story = Story::new(id, context.json);
    let view = until(Goal::Ready, command, before, patience, story, context).await?;
    let text = match &view.running {
        _ if args.no_wait => format!("{id} is starting"),
        Some(guest) => {
            format!("{id} is ready after {}", duration(view.since_ms.saturating_sub(guest.started_ms)))
        }
        None => format!("{id} is ready"),
    };
    report(&view, &text, context)
}

/// Of the ways to an engine, here is one that needs no other terminal.
fn with_serve(problem: Problem) -> Problem {
    if problem.code != Code::NoEngine {
        return problem;
    }
    Problem {
        remedy: "run `igloo start --serve`, which starts one in the background, or open Igloo".into(),
        ..problem
    }
}
