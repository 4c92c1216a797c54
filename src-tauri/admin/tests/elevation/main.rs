//! Becoming root, for real: the process of an unprivileged user asks as the app does, on a desktop with a polkitd
//! on a system bus of the test's own, and in a terminal with `sudo`. Runs as root on Linux.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stdout, missing_docs)]

mod agent;
mod machine;
mod polkit;
mod sudo;
#[path = "../support/mod.rs"]
mod support;
mod terminal;
mod user;
