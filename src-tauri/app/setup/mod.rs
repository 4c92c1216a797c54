//! Setting the host's Nix up: what the command line and the window do alike.

pub mod helper;
mod nix;
mod operations;
mod proposal;
mod service;
pub mod sharing;

pub use nix::{effective, program};
pub use operations::{Choice, operations};
pub use proposal::{Proposal, propose};
pub use service::propose_service;

use igloo_engine::api::Client;
use igloo_protocol::{BuilderId, Command, Problem};

/// Lets the key of root's Nix into guests; `None`: no longer.
///
/// # Errors
/// As [`Client::command`].
pub async fn let_in(client: &Client, builders: &[BuilderId], key: Option<&str>) -> Result<(), Problem> {
    for &builder in builders {
        client.command(&Command::DaemonKey { builder, public_key: key.map(str::to_owned) }).await?;
    }
    Ok(())
}
