//! `igloo-tray`: the menu-bar app.

use igloo::tray::{self, session};
use igloo_protocol::{Code, Problem};
use std::{io::IsTerminal, process::ExitCode};
use tokio::sync::watch;
use tracing_subscriber::EnvFilter;

fn main() -> ExitCode {
    let filter = EnvFilter::try_from_env("IGLOO_LOG").unwrap_or_else(|_| EnvFilter::new("info"));
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal())
        .init();
    match run() {
        Ok(code) => code,
        Err(problem) => {
            tracing::error!("{problem}; {}", problem.remedy);
            ExitCode::from(problem.code.exit_code())
        }
    }
}

fn run() -> Result<ExitCode, Problem> {
    if cfg!(target_os = "linux") {
        look_at_session()?;
    }
    // there is nothing yet that connects to an engine
    let (_engine, snapshots) = watch::channel(None);
    let code = tray::run(snapshots, |command| tracing::warn!(?command, "no engine runs"))
        .map_err(|e| Problem::new(Code::Internal, format!("the app can't start: {e}"), "see the log"))?;
    Ok(ExitCode::from(u8::try_from(code).unwrap_or(Code::Internal.exit_code())))
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
