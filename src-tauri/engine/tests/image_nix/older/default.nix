{
  system,
  config ? { },
  overlays ? [ ],
}:
import ../packages.nix {
  inherit system;
  profile = ./nixos/modules/profiles/macos-builder.nix;
}
