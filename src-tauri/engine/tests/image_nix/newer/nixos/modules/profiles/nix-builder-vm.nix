# The half of QEMU since the profile was split.
{ config, ... }:
{
  imports = [ ./nix-builder.nix ];
  virtualisation = {
    sharedDirectories.builder-keys = {
      tag = "keys";
      source = "\"$KEYS\"";
      target = "/var/keys";
    };
    qemu.package = config.virtualisation.host.pkgs.qemu;
    additionalPaths = [ config.system.build.toplevel ];
  };
}
