//! The command line: a client of the engine's API, and the way to run the engine without a window.
//!
//! One command a file. What is printed is made by pure functions from what the API answers;
//! only `print` prints.

pub(crate) mod builder;
mod completions;
mod context;
mod ephemeral;
mod explain;
mod follow;
pub(crate) mod format;
mod harmless;
mod image;
mod log;
mod print;
mod progress;
mod queue;
mod reset;
mod restart;
mod serve;
mod service;
mod settings;
pub(crate) mod setup;
mod spawn;
mod ssh;
mod start;
mod status;
mod stop;
mod tray;

use clap::{Parser, Subcommand};
use context::Context;
use igloo_protocol::{Code, Problem};
use std::process::ExitCode;

/// What every command ends with.
type Outcome = Result<(), Problem>;

/// A Linux builder for Nix. Without a command: the menu-bar app, where it is installed.
#[derive(Debug, Parser)]
#[command(name = "igloo", version, after_help = "Exit codes: docs/exit-codes.md")]
struct Cli {
    /// Print JSON: results on standard output, problems on standard error
    #[arg(long, global = true)]
    json: bool,
    #[command(subcommand)]
    verb: Option<Verb>,
}

#[derive(Debug, Subcommand)]
enum Verb {
    Serve(serve::Args),
    Status(status::Args),
    Start(start::Args),
    Stop(stop::Args),
    Restart(restart::Args),
    Log(log::Args),
    Queue(queue::Args),
    Ssh(ssh::Args),
    Ephemeral(ephemeral::Args),
    Reset(reset::Args),
    Image(image::Args),
    Settings(settings::Args),
    Setup(setup::Args),
    Service(service::Args),
    Explain(explain::Args),
    Completions(completions::Args),
}

/// Runs the command that the process' arguments name. The exit code is the problem's
/// ([`Code::exit_code`]), 0 without one.
pub fn main() -> ExitCode {
    let cli = Cli::parse();
    let Err(problem) = run(cli.verb, cli.json) else { return ExitCode::SUCCESS };
    print::problem(&problem, cli.json);
    ExitCode::from(problem.code.exit_code())
}

fn run(verb: Option<Verb>, json: bool) -> Outcome {
    let Some(verb) = verb else { return tray::run() };
    if let Verb::Completions(args) = verb {
        return completions::run(&args);
    }
    let context = Context::new(json)?;
    let builder = match &verb {
        Verb::Serve(_) => tokio::runtime::Builder::new_multi_thread(),
        _ => tokio::runtime::Builder::new_current_thread(),
    };
    runtime(builder)?.block_on(dispatch(verb, &context))
}

async fn dispatch(verb: Verb, context: &Context) -> Outcome {
    match verb {
        Verb::Serve(args) => serve::run(args, context).await,
        Verb::Status(args) => status::run(args, context).await,
        Verb::Start(args) => start::run(args, context).await,
        Verb::Stop(args) => stop::run(args, context).await,
        Verb::Restart(args) => restart::run(args, context).await,
        Verb::Log(args) => log::run(args, context).await,
        Verb::Queue(args) => queue::run(args, context).await,
        Verb::Ssh(args) => ssh::run(args, context).await,
        Verb::Ephemeral(args) => ephemeral::run(args, context).await,
        Verb::Reset(args) => reset::run(args, context).await,
        Verb::Image(args) => image::run(args, context).await,
        Verb::Settings(args) => settings::run(args, context).await,
        Verb::Setup(args) => setup::run(args, context).await,
        Verb::Service(args) => service::run(args, context).await,
        Verb::Explain(args) => explain::run(&args, context),
        Verb::Completions(args) => completions::run(&args),
    }
}

fn runtime(mut builder: tokio::runtime::Builder) -> Result<tokio::runtime::Runtime, Problem> {
    builder.enable_all().worker_threads(2).build().map_err(|e| {
        Problem::new(
            Code::Internal,
            format!("can't start: {e}"),
            "look at the limits of this user's processes",
        )
    })
}

#[cfg(test)]
pub(crate) mod tests;
