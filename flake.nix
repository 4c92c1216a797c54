{
  description = "Igloo: a Linux builder for Nix, one click away";

  inputs.nixpkgs.url = "github:NixOS/nixpkgs/nixpkgs-unstable";

  outputs = { self, nixpkgs }:
    let
      systems = [ "aarch64-darwin" "x86_64-darwin" "aarch64-linux" "x86_64-linux" ];
      each = make: nixpkgs.lib.genAttrs systems (system: make system nixpkgs.legacyPackages.${system});
    in
    {
      packages = each (system: pkgs: rec {
        igloo = pkgs.callPackage ./src-tauri/nix/package.nix { };
        default = igloo;
      });

      apps = each (system: pkgs: rec {
        igloo = {
          type = "app";
          program = "${self.packages.${system}.igloo}/bin/igloo";
          meta.description = "The command line; with no command it starts the menu-bar app";
        };
        default = igloo;
      });

      overlays.default = final: prev: { igloo = final.callPackage ./src-tauri/nix/package.nix { }; };

      darwinModules = rec {
        igloo = import ./src-tauri/nix/darwin.nix { packages = self.packages; };
        default = igloo;
      };

      homeManagerModules = rec {
        igloo = import ./src-tauri/nix/home.nix { packages = self.packages; };
        default = igloo;
      };
    };
}
