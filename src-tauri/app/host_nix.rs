//! The engine's eyes for the host's Nix settings: `igloo-admin`'s own.

use igloo_admin::{
    Root,
    inspect::{self, inspect},
};
use igloo_engine::builder::{HostNix, Needs};
use igloo_protocol::Setup;
use std::num::NonZeroU16;

/// Looks at the files below `/etc`.
pub struct Files;

impl HostNix for Files {
    fn look(&self, needs: &Needs) -> Setup {
        let Some(port) = NonZeroU16::new(needs.port) else { return Setup::Unknown };
        let needs = inspect::Needs {
            builder: needs.builder,
            port,
            host_key: needs.host_key.as_deref(),
            daemon_key: needs.daemon_key.as_deref(),
        };
        inspect(&Root::system(), &needs)
    }
}
