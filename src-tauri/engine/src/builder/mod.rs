//! The lifecycle of a builder: the pure state machine, and the supervisor that runs its effects.

mod breaker;
mod certs;
mod drift;
mod effects;
mod finished;
mod hub;
mod key;
mod layout;
mod lifecycle;
#[cfg(test)]
mod lifecycle_tests;
mod news;
mod show;
mod start;
mod stop;
mod supervisor;
pub mod view;
mod watch;

pub use drift::{HostNix, follow as follow_drift};
pub use hub::Hub;
pub use layout::{Keys, Layout};
pub use lifecycle::{Effect, Event, Lifecycle};
pub use news::Message;
pub use supervisor::{Supervisor, event};
