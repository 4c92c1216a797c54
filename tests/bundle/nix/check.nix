# The flake at `root` with the stub of nixpkgs, and its modules for a user's configuration, given as JSON.
{ root, user ? "{}" }:
let
  nixpkgs = import ./nixpkgs.nix;
  inherit (nixpkgs) lib;
  flake = import (root + "/flake.nix");
  self = flake.outputs { inherit self nixpkgs; };
  evaluate = module: system:
    let made = lib.evaluate { inherit module; pkgs = nixpkgs.legacyPackages.${system}; user = builtins.fromJSON user; }; in
    made // { names = lib.names "" made.options.services.igloo.settings; };
  darwin = evaluate self.darwinModules.default "aarch64-darwin";
  words = builtins.concatStringsSep ",";
in
{
  inherit flake self darwin;
  npmLock = self.packages.x86_64-linux.igloo.made.passthru.page.made.npmDeps.made.packageLock;
  infoPlist = import (root + "/src-tauri/nix/info-plist.nix") {
    inherit (self.packages.aarch64-darwin.igloo.made) version;
    config = builtins.fromJSON (builtins.readFile (root + "/tauri.conf.json"));
  };
  darwinStart = builtins.head (import (root + "/src-tauri/nix/darwin.nix") { inherit (self) packages; } {
    inherit lib; inherit (darwin) config; pkgs = nixpkgs.legacyPackages.aarch64-darwin // { writeShellScript = _: text: text; };
  }).config.content.launchd.user.agents.igloo.serviceConfig.ProgramArguments;
  # the lines that nix-darwin and NixOS write to /etc/nix/machines
  darwinMachines = map
    (m: toString [
      "${m.protocol}://${m.sshUser}@${m.hostName}" (words m.systems) m.sshKey m.maxJobs m.speedFactor
      (words m.supportedFeatures) "-" m.publicHostKey
    ])
    darwin.result.nix.buildMachines;
  home = builtins.mapAttrs (system: _: evaluate self.homeManagerModules.default system) nixpkgs.legacyPackages;
}
