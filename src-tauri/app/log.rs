//! What the programs log, and where.

use std::io::{self, IsTerminal};
use tracing_subscriber::EnvFilter;

/// Logs to stderr from here on: what `IGLOO_LOG` asks for (in the directives of [`EnvFilter`]), else what is
/// of level info or worse. Call it once.
pub fn to_stderr() {
    let filter = EnvFilter::try_from_env("IGLOO_LOG").unwrap_or_else(|_| EnvFilter::new("info"));
    let colour = io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none();
    tracing_subscriber::fmt().with_env_filter(filter).with_ansi(colour).with_writer(io::stderr).init();
}
