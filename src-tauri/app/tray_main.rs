//! `igloo-tray`: the menu-bar app.

use igloo::{
    log, session,
    tray::{self, link::Link},
};
use igloo_engine::{api::Client, host::Paths};
use igloo_protocol::{Code, Problem};
use std::process::ExitCode;

fn main() -> ExitCode {
    log::to_stderr();
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
    let failed = |e: &dyn std::error::Error| {
        Problem::new(Code::Internal, format!("the app can't start: {e}"), "see the log")
    };
    let link = Link::new(Client::new(Paths::from_env()?.socket())).map_err(|e| failed(&e))?;
    let code = tray::run(link.snapshots(), link.commands()).map_err(|e| failed(&e))?;
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
