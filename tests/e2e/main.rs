//! End to end: the real command line, engine, `igloo-admin`, QEMU, guest and Nix.
//!
//! They need root on Linux and what `cargo xtask test` prepares: images in
//! `IGLOO_TEST_IMAGE_X86_64` and `IGLOO_TEST_IMAGE_AARCH64`, a Nix in `IGLOO_TEST_NIX`. Every test
//! has an Igloo of its own (`IGLOO_HOME`), with ports that the kernel chose; those that need a Nix
//! or a file under `/etc` run in a mount namespace of their own, so that tests, and whole test
//! runs, don't meet.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stderr)]

mod support;

mod build;
mod disks;
mod drift;
mod faults;
mod finished;
mod host;
mod image_build;
mod keychain;
mod lifecycle;
mod setup;
mod snippet;
mod split;
mod survival;
