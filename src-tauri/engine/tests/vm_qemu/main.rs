//! Machines and disks with the real QEMU and qemu-img (Debian: qemu-system-x86, qemu-utils;
//! e2fsprogs, and the mkfs.erofs that `cargo xtask test` prepares beside IGLOO_TEST_NIX). No guest is
//! booted: the kernel here halts and does nothing else, so each test takes about a second.

// clippy's allowance for tests does not reach their helpers
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod disks;
mod machines;
#[cfg(target_os = "linux")]
mod split;
mod support;
