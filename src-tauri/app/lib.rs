//! The faces of Igloo: thin clients of the engine.

pub mod cli;
