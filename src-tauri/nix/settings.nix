# Every setting of Igloo as an option. One that is null is not written, and Igloo's own default holds, which may depend on the
# machine. `igloo settings` shows them all; a test compares the two lists.
{ lib }:
let
  inherit (lib) mkOption types;
  setting = type: description: mkOption {
    type = types.nullOr type;
    default = null;
    inherit description;
  };

  builder = {
    enabled = setting types.bool "Whether the builder is there at all.";
    image = setting types.str "The folder of the image that the builder boots, as an absolute path.";
    cores = setting (types.ints.between 1 256) "Virtual processors.";
    memory = setting (types.ints.between 256 4194304) "Memory in MiB.";
    disk = setting (types.ints.between 1 16384) "Size of the disk in GiB; it grows and never shrinks.";
    ephemeral = setting types.bool "Whether a start writes to a throwaway disk and leaves the persistent one alone.";
    port = setting (types.ints.between 1 65535) "The loopback port that Nix connects to.";
    accel = setting (types.enum [ "auto" "hvf" "kvm" "tcg" ]) "How the guest's processor is run.";
  };
in
{
  builders = { aarch64 = builder; x86_64 = builder; };
  open_at_login = setting types.bool "Whether Igloo opens when you log in.";
  stop_on_battery = setting types.bool "Whether builders are stopped, once their builds end, when this machine goes on battery.";
  terminal = setting types.str "The terminal that a builder is opened in; the first that is found unless named.";
  nixpkgs = setting types.str "The nixpkgs that images are built of: a flake, a folder, or a channel in <>.";
  keychain = setting types.bool "Whether the key that logs in to a builder is kept in the keychain, where there is one.";
  notify = {
    build_failed = setting types.bool "Whether a build that fails in a builder is notified.";
    builder_failed = setting types.bool "Whether a builder that fails is notified, with its cause.";
    disk_nearly_full = setting types.bool "Whether a builder's disk that is nearly full is notified.";
  };
}
