# As much of nixpkgs as the flake uses. A package is a name in the store with what it was made from beside it.
let
  lib = import ./lib.nix;
  package = name: made: {
    type = "derivation"; inherit name made;
    outPath = "/nix/store/00000000000000000000000000000000-${name}";
  };
  for = system:
    let
      scope = {
        inherit lib;
        stdenv.hostPlatform = {
          inherit system;
          isDarwin = builtins.match ".*-darwin" system != null;
          isLinux = builtins.match ".*-linux" system != null;
        };
        rustPlatform.buildRustPackage = made: package "igloo-${made.version}" made;
        buildNpmPackage = made: package made.pname made;
        importNpmLock = { __functor = _: { npmRoot, packageLock }: package "npm-deps" { inherit packageLock; }; npmConfigHook = "hook"; };
        writeText = name: text: package name { inherit text; };
        writeShellScript = name: text: package name { inherit text; };
        callPackage = file: extra:
          let f = import file; in f (builtins.mapAttrs (name: _: scope.${name}) (builtins.functionArgs f) // extra);
      } // lib.genAttrs [
        "pkg-config" "perl" "openssl" "webkitgtk_4_1" "libayatana-appindicator" "wrapGAppsHook3" "makeWrapper" "qemu" "openssh"
      ] (name: package name { });
    in
    scope;
in
{
  inherit lib;
  legacyPackages = lib.genAttrs (lib.platforms.darwin ++ lib.platforms.linux) for;
}
