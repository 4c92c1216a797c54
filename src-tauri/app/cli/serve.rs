//! `igloo serve`

use super::{Outcome, context::Context, print};
use futures_util::StreamExt;
use igloo_engine::api::Client;
use igloo_protocol::{BuilderId, Code, Command, Problem, Snapshot, StopMode};
use std::{pin::pin, sync::Arc, time::Duration};
use tokio::signal::unix::{Signal, SignalKind, signal};

/// How long the engine may take to say what runs.
const ANSWER: Duration = Duration::from_secs(1);

/// How long builders may take to stop before the engine ends all the same.
const BUILDERS_STOP: Duration = Duration::from_secs(120);

/// Run the engine without a window, until it is interrupted
#[derive(Debug, clap::Args)]
#[command(after_help = "IGLOO_LOG sets what is logged, for example IGLOO_LOG=igloo_engine=debug.\n\
                        Builders go on running when the engine ends; the next engine takes them over.")]
pub struct Args {
    /// Stop the builders when interrupted; builds that run then fail
    #[arg(long)]
    stop_builders_on_exit: bool,
    /// Leave the terminal's session (used by `start --serve`)
    #[arg(long, hide = true)]
    detached: bool,
}

/// Runs the engine.
pub async fn run(args: Args, context: &Context) -> Outcome {
    if args.detached {
        // fails only for the leader of a process group, which has no need of it
        let _ = rustix::process::setsid();
    }
    crate::log::to_stderr();
    let mut signals = Signals::new()?;
    let client = context.client.clone();
    let shutdown = async move {
        signals.next().await;
        leave(&client, args.stop_builders_on_exit, signals).await;
    };
    let vault = Arc::new(crate::keychain::Desktop);
    igloo_engine::serve(context.paths.clone(), Arc::new(crate::host_nix::Files), vault, shutdown).await
}

/// The signals that end the engine.
struct Signals {
    interrupt: Signal,
    terminate: Signal,
}

impl Signals {
    fn new() -> Result<Signals, Problem> {
        let listen = |kind| {
            signal(kind).map_err(|e| {
                Problem::new(Code::Internal, format!("can't listen for signals: {e}"), "try again")
            })
        };
        Ok(Signals {
            interrupt: listen(SignalKind::interrupt())?,
            terminate: listen(SignalKind::terminate())?,
        })
    }

    async fn next(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }
}

/// Stops the builders if that is wanted, else says which go on. A second signal cuts it short.
async fn leave(client: &Client, stop: bool, mut signals: Signals) {
    // an engine that does not answer must not hold up its own end
    let Ok(Ok(snapshot)) = tokio::time::timeout(ANSWER, client.snapshot()).await else { return };
    let up = up(&snapshot);
    if up.is_empty() {
        return;
    }
    if !stop {
        print::note(&going_on(&up));
        return;
    }
    tokio::select! {
        result = stop_builders(client, &up) => if let Err(p) = result {
            print::problem(&p, false);
        },
        () = tokio::time::sleep(BUILDERS_STOP) => print::note("not every builder has stopped in time"),
        () = signals.next() => print::note(&going_on(&up)),
    }
}

async fn stop_builders(client: &Client, up: &[BuilderId]) -> Outcome {
    for builder in up {
        print::note(&format!("stopping {builder}"));
        client.command(&Command::Stop { builder: *builder, mode: StopMode::Now }).await?;
    }
    let mut events = pin!(client.events().await?);
    while let Some(snapshot) = events.next().await {
        if self::up(&snapshot?).is_empty() {
            break;
        }
    }
    Ok(())
}

fn up(snapshot: &Snapshot) -> Vec<BuilderId> {
    snapshot.builders.iter().filter(|b| b.phase.is_up()).map(|b| b.id).collect()
}

fn going_on(up: &[BuilderId]) -> String {
    let names: Vec<_> = up.iter().map(|b| b.as_str()).collect();
    let (verb, them) = if up.len() == 1 { ("goes", "it") } else { ("go", "them") };
    format!("{} {verb} on running; the next engine takes {them} over", names.join(" and "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::tests::{ready, snapshot};

    #[test]
    fn what_goes_on_running_is_said() {
        let mut s = snapshot();
        assert!(up(&s).is_empty());
        s.builders.iter_mut().for_each(ready);
        assert_eq!(going_on(&up(&s)), "aarch64 and x86_64 go on running; the next engine takes them over");
        assert_eq!(going_on(&up(&s)[1..]), "x86_64 goes on running; the next engine takes it over");
    }
}
