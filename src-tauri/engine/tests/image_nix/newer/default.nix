{
  system,
  config ? { },
  overlays ? [ ],
}:
import ../packages.nix {
  inherit system;
  profile = ./nixos/modules/profiles/nix-builder-vm.nix;
}
