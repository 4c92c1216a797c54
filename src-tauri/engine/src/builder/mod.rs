//! The lifecycle of a builder: the pure state machine, and the supervisor that runs its effects.

mod breaker;
mod lifecycle;
#[cfg(test)]
mod lifecycle_tests;

pub use lifecycle::{Effect, Event, Lifecycle};
