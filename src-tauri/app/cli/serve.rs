//! `igloo serve`

use super::{Outcome, context::Context, print};
<<<<<<< HEAD
use futures_util::StreamExt;
use igloo_engine::api::Client;
use igloo_protocol::{BuilderId, Code, Command, Problem, Snapshot, StopMode};
=======
use igloo_engine::{AtExit, api::Client};
use igloo_protocol::{BuilderId, Code, Problem, Snapshot};
>>>>>>> cli
use std::{
    io::{self, IsTerminal},
    time::Duration,
};
use tokio::signal::unix::{Signal, SignalKind, signal};
use tracing_subscriber::EnvFilter;

/// How long the engine may take to say what runs.
const ANSWER: Duration = Duration::from_secs(1);

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
    log_to_stderr();
    let at_exit = if args.stop_builders_on_exit { AtExit::Stop } else { AtExit::Leave };
    let (mut first, mut second) = (Signals::new()?, Signals::new()?);
    let shutdown = async {
        first.next().await;
        tell(&context.client, at_exit).await;
    };
<<<<<<< HEAD
    igloo_engine::serve(context.paths.clone(), shutdown).await
=======
    let impatience = async {
        second.next().await;
        second.next().await;
    };
    tokio::select! {
        end = igloo_engine::serve(context.paths.clone(), at_exit, shutdown) => end,
        () = impatience => Err(Problem::new(
            Code::Cancelled,
            "interrupted again before the engine had ended in good order",
            "run `igloo serve`: it takes over what still runs",
        )),
    }
>>>>>>> cli
}

fn log_to_stderr() {
    let filter = EnvFilter::try_from_env("IGLOO_LOG").unwrap_or_else(|_| EnvFilter::new("info"));
    let colour = io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none();
    tracing_subscriber::fmt().with_env_filter(filter).with_ansi(colour).with_writer(io::stderr).init();
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

/// Says what becomes of the builders that run.
async fn tell(client: &Client, at_exit: AtExit) {
    // an engine that does not answer must not hold up its own end
    let Ok(Ok(snapshot)) = tokio::time::timeout(ANSWER, client.snapshot()).await else { return };
    let up = up(&snapshot);
    if !up.is_empty() {
        print::note(&fate(&up, at_exit));
    }
}

fn up(snapshot: &Snapshot) -> Vec<BuilderId> {
    snapshot.builders.iter().filter(|b| b.phase.is_up()).map(|b| b.id).collect()
}

fn fate(up: &[BuilderId], at_exit: AtExit) -> String {
    let names: Vec<_> = up.iter().map(|b| b.as_str()).collect();
    let names = names.join(" and ");
    let (verb, them) = if up.len() == 1 { ("goes", "it") } else { ("go", "them") };
    match at_exit {
        AtExit::Leave => format!("{names} {verb} on running; the next engine takes {them} over"),
        AtExit::Stop => format!("stopping {names}; interrupt again to leave {them} running"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::tests::{ready, snapshot};

    #[test]
    fn what_becomes_of_the_builders_is_said() {
        let mut s = snapshot();
        assert!(up(&s).is_empty());
        s.builders.iter_mut().for_each(ready);
        let says = |up: &[BuilderId], at_exit| fate(up, at_exit);
        let (both, one) = (&up(&s)[..], &up(&s)[1..]);
        let expected = "aarch64 and x86_64 go on running; the next engine takes them over";
        assert_eq!(says(both, AtExit::Leave), expected);
        assert_eq!(says(one, AtExit::Leave), "x86_64 goes on running; the next engine takes it over");
        assert_eq!(says(one, AtExit::Stop), "stopping x86_64; interrupt again to leave it running");
    }
}
