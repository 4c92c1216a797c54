//! `igloo-tray`: the menu-bar app, with the engine in it.

use clap::Parser;
use igloo::{
    log, session,
    tray::{
        self, Parts,
        instance::{self, Instance},
        link::Link,
        page::Page,
    },
};
use igloo_engine::{api::Client, host::Paths};
use igloo_protocol::{Code, Problem};
use std::process::ExitCode;

/// Igloo in the menu bar. A second launch opens the window of the first.
#[derive(Debug, Parser)]
#[command(name = "igloo-tray", version)]
struct Args {
    /// Open the window at this page: builders, queue, nix, settings, logs or welcome
    #[arg(long, value_parser = page)]
    page: Option<Page>,
}

fn page(name: &str) -> Result<Page, String> {
    Page::named(name).ok_or_else(|| "there is no such page".into())
}

fn main() -> ExitCode {
    let args = Args::parse();
    log::to_stderr();
    match run(args) {
        Ok(code) => code,
        Err(problem) => {
            tracing::error!("{problem}; {}", problem.remedy);
            ExitCode::from(problem.code.exit_code())
        }
    }
}

fn run(args: Args) -> Result<ExitCode, Problem> {
    if cfg!(target_os = "linux") {
        look_at_session()?;
    }
    let paths = Paths::from_env()?;
    paths.create()?;
    let first = match instance::claim(&paths.runtime_dir, args.page)? {
        Instance::First(first) => first,
        Instance::Second => return Ok(ExitCode::SUCCESS),
    };
    let failed = |e: &dyn std::error::Error| {
        Problem::new(Code::Internal, format!("the app can't start: {e}"), "see the log")
    };
    let mut link = Link::new(Client::new(paths.socket())).map_err(|e| failed(&e))?;
    link.host(paths.clone());
    let code = tray::run(Parts { link: &link, paths, first, page: args.page });
    link.end();
    Ok(ExitCode::from(u8::try_from(code.map_err(|e| failed(&e))?).unwrap_or(Code::Internal.exit_code())))
}

/// GTK panics without a display. Without a bus it lives, but the user sees nothing and should know why.
fn look_at_session() -> Result<(), Problem> {
    let env = |name: &str| std::env::var(name).ok();
    if !session::has_display(env) {
        return Err(Problem::new(
            Code::NoDisplay,
            "there is no display to show the tray on: neither WAYLAND_DISPLAY nor DISPLAY is set",
            "start igloo-tray in a desktop session, or use `igloo serve` without one",
        ));
    }
    if !session::has_bus(env) {
        tracing::warn!(
            "no D-Bus session bus answers, so no panel can show the tray; Igloo runs on without it"
        );
    }
    Ok(())
}
