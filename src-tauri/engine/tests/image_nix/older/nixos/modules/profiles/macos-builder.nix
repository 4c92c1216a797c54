# The single file that the profile was once.
{ config, ... }:
{
  virtualisation = {
    sharedDirectories.keys = {
      source = "\"$KEYS\"";
      target = "/var/keys";
    };
    qemu.package = config.virtualisation.host.pkgs.qemu;
    qemu.consoles = [
      "tty0"
      "ttyAMA0,115200n8"
    ];
    directBoot.initrd = "${config.system.build.toplevel}/initrd";
    additionalPaths = [ ];
  };
}
