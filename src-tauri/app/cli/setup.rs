//! `igloo setup`

use super::{Outcome, context::Context};
use igloo_protocol::{Code, Problem};

/// Set Nix up to use a builder, or take that back
#[derive(Debug, clap::Args)]
pub struct Args {}

/// Sets Nix up.
pub async fn run(_: Args, _: &Context) -> Outcome {
    Err(Problem::new(Code::Internal, "not there yet", "wait"))
}
