# What both modules have.
{ lib, pkgs, packages }:
{
  enable = lib.mkEnableOption "Igloo, a Linux builder for Nix in the menu bar";

  package = lib.mkOption {
    type = lib.types.package;
    default = packages.${pkgs.stdenv.hostPlatform.system}.igloo;
    defaultText = lib.literalExpression "igloo.packages.\${system}.igloo";
    description = "The package.";
  };

  settings = import ./settings.nix { inherit lib; };
}
