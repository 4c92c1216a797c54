//! The menu-bar app on a desktop of the tests' own: its tray over D-Bus, its window by WebDriver.
//!
//! Each test has an X server, a session bus and an Igloo of its own.
#![cfg(target_os = "linux")]
// clippy sees a test only in what says #[test]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout, clippy::print_stderr)]

mod support;

mod app;
mod bench;
mod faces;
mod package;
mod real;
