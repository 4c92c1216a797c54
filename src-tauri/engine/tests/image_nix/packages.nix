# The few packages of the stubs. Each is a derivation that any machine can build; their programs are those of PATH.
{
  system,
  profile,
}:
let
  make =
    name: script: attrs:
    derivation (
      {
        inherit name system;
        builder = "/bin/sh";
        PATH = "/usr/bin:/bin";
        args = [
          "-c"
          script
        ];
      }
      // attrs
    )
    // attrs;
  package =
    name: programs:
    make name ''
      mkdir -p $out/bin
      for program in $programs; do
        printf '#!/bin/sh\nexec %s "$@"\n' $program > $out/bin/$program
        chmod +x $out/bin/$program
      done
    '' { inherit programs; };

  pkgs = {
    inherit make;
    stdenv.hostPlatform.system = system;
    gnutar = package "gnutar" [ "tar" ];
    qemu = package "qemu" [
      "qemu-img"
      "qemu-system-aarch64"
      "qemu-system-x86_64"
    ];
    erofs-utils = package "erofs-utils" [ "mkfs.erofs" ];
    # its programs are in an output of their own
    e2fsprogs = package "e2fsprogs" [ ] // {
      bin = package "e2fsprogs-bin" [ "mkfs.ext4" ];
    };
    writeTextDir =
      file: text: make "source" ''mkdir -p $out; printf '%s' "$text" > "$out/${file}"'' { inherit text; };
    closureInfo =
      { rootPaths }:
      make "closure-info" ''
        mkdir $out
        for path in $rootPaths; do echo $path; done > $out/store-paths
        : > $out/registration
      '' { inherit rootPaths; };

    # as pkgs/top-level/darwin-packages.nix has it
    darwin.linux-builder = makeOverridable (
      { modules }:
      let
        nixos = import ./nixos.nix {
          system = null;
          configuration = {
            imports = [ profile ] ++ modules;
            virtualisation.host.pkgs = pkgs;
            platform = builtins.replaceStrings [ "darwin" ] [ "linux" ] system;
          };
        };
      in
      package "create-builder" [ ] // { nixosConfig = nixos.config; }
    ) { modules = [ ]; };
  };

  makeOverridable = f: args: f args // { override = new: makeOverridable f (args // new); };
in
pkgs
