//! `igloo ephemeral`

use super::{Outcome, builder, context::Context, follow::report};
use clap::ValueEnum;
use igloo_protocol::{Command, SettingsPatch};

/// Choose whether a builder forgets everything when it stops
#[derive(Debug, clap::Args)]
#[command(allow_missing_positional = true)]
pub struct Args {
    /// Which builder; the one that is enabled unless named
    #[arg(value_parser = builder::Name)]
    builder: Option<String>,
    /// On: each start has a throwaway disk. Off: the persistent disk, as it was
    #[arg(required = true)]
    state: Switch,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Switch {
    On,
    Off,
}

/// Turns ephemeral on or off.
pub async fn run(args: Args, context: &Context) -> Outcome {
    let id = builder::pick(args.builder.as_deref(), &context.client.snapshot().await?)?;
    let on = matches!(args.state, Switch::On);
    let patch = SettingsPatch { set: vec![(format!("builders.{id}.ephemeral"), Some(on.to_string()))] };
    context.client.command(&Command::Settings { patch }).await?;
    let snapshot = context.client.snapshot().await?;
    let view = builder::view(id, &snapshot)?;
    let what = if on { "uses a throwaway disk" } else { "uses its persistent disk" };
    let differs = view.running.as_ref().is_some_and(|guest| guest.ephemeral != on);
    let when = if differs { " from the next start on" } else { "" };
    report(view, &format!("{id} {what}{when}"), context)
}
