import ../../nixos.nix
