//! The engine's eyes for the host's Nix settings: `igloo-admin`'s own.

use igloo_admin::{Root, inspect};
use igloo_engine::builder::HostNix;
use igloo_protocol::{Needs, Setup};

/// Looks at the files below `/etc`.
pub struct Files;

impl HostNix for Files {
    fn look(&self, needs: &Needs) -> Setup {
        inspect(&Root::system(), needs)
    }
}
