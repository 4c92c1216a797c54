//! QEMU's own words, and those of vzvm, which nixpkgs runs in QEMU's place with Apple's framework.

use super::{Known, known};
use igloo_protocol::Code;

pub(crate) const TRY_TCG: &str = "Set the acceleration to `tcg`, or use another version of QEMU";

/// QEMU's own words, the telling ones first. Those about HVF are from nixpkgs' and nix-darwin's
/// issues (nixpkgs#528299, #532038, #555928; nix-darwin#1292).
pub(crate) const QEMU: &[Known] = &[
    known(
        "HVF does not support GICv2",
        Code::VmFailed,
        "this QEMU can't give a guest the interrupt controller it was asked for",
        TRY_TCG,
    ),
    known(
        "max-arm-cpu.sme' not found",
        Code::VmFailed,
        "this QEMU is too old for the Mac's processor",
        "Use a newer QEMU",
    ),
    known("hvf_arch_init_vcpu", Code::VmFailed, "QEMU could not set up Apple's hypervisor", TRY_TCG),
    known("HV_UNSUPPORTED", Code::VmFailed, "this Mac's hypervisor refuses what QEMU asks for", TRY_TCG),
    known(
        "HV_DENIED",
        Code::VmFailed,
        "QEMU may not use Apple's hypervisor: it is not signed for it",
        "Use nixpkgs' or Homebrew's QEMU, or set the acceleration to `tcg`",
    ),
    known(
        "Could not set up host forwarding rule",
        Code::PortTaken,
        "the port to the guest is in use",
        "Start it again",
    ),
    known(
        "\" lock",
        Code::VmFailed,
        "another process has its disk open",
        "Stop the other virtual machine, or wait until it has ended",
    ),
    known(
        "Image is not in qcow2 format",
        Code::BadDisk,
        "its disk is damaged",
        "Make it clean with `igloo reset`; what was built on it is lost",
    ),
    known(
        "qcow2: Image is corrupt",
        Code::BadDisk,
        "its disk is damaged",
        "Make it clean with `igloo reset`; what was built on it is lost",
    ),
    known(
        "cannot set up guest memory",
        Code::VmFailed,
        "the host has not that much memory",
        "Give the builder less memory",
    ),
    known(
        "Cannot allocate memory",
        Code::VmFailed,
        "the host has not that much memory",
        "Give the builder less memory",
    ),
    known("could not load kernel", Code::BadImage, "its kernel can't be read", "Make the image again"),
    known(
        "could not load initrd",
        Code::BadImage,
        "its initial RAM disk can't be read",
        "Make the image again",
    ),
    known(
        "There is no option group 'fsdev'",
        Code::MissingTool,
        "this QEMU has no 9p shares",
        "Use a QEMU that is built with virtfs",
    ),
    known(
        "Could not access KVM kernel module",
        Code::VmFailed,
        "/dev/kvm can't be used",
        "Set the acceleration to `auto`",
    ),
    known(
        "failed to initialize kvm",
        Code::VmFailed,
        "/dev/kvm can't be used",
        "Set the acceleration to `auto`",
    ),
    known("invalid accelerator", Code::VmFailed, "this QEMU has not that acceleration", "Set it to `auto`"),
    known("internal error", Code::VmFailed, "the host can't run the guest's processor", TRY_TCG),
];

/// Words of vzvm (`nixos/modules/profiles/nix-builder-vz-vm.nix`, its checks before the start) and of Rosetta
/// in its guest (apple/container#1142).
pub(crate) const VZ: &[Known] = &[
    known(
        "cannot listen on 127.0.0.1:",
        Code::PortTaken,
        "another builder, or another program, listens on the builder's port",
        "Stop it, or give the builder another port (`igloo settings set builders.<builder>.port`)",
    ),
    known(
        "is a QEMU qcow2 image, not a raw disk",
        Code::BadDisk,
        "the disk was made for QEMU, and Apple's framework takes raw ones only",
        "Use the builder with QEMU, or make its disk clean with `igloo reset`",
    ),
    known(
        "Rosetta is not installed",
        Code::MissingTool,
        "the Mac has no Rosetta, by which the guest runs x86_64 programs",
        "Run `softwareupdate --install-rosetta`",
    ),
    known(
        "rosetta error: unhandled auxillary vector type",
        Code::WrongSystem,
        "the guest's kernel is newer than this macOS' Rosetta understands",
        "Update macOS, or use an image with an older kernel",
    ),
];
