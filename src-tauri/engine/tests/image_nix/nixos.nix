# Evaluates modules without options: what they set is merged, the later ones win.
{
  configuration,
  system,
}:
assert system == null;
let
  isPlain = x: builtins.isAttrs x && (x.type or "") != "derivation" && !(x ? closureInfo);
  merge =
    a: b:
    a
    // builtins.mapAttrs (
      name: value: if isPlain value && isPlain (a.${name} or null) then merge a.${name} value else value
    ) b;
  collect =
    module:
    let
      set = if builtins.isAttrs module then module else import module;
      body = if builtins.isFunction set then set { inherit config; } else set;
    in
    builtins.concatMap collect (body.imports or [ ]) ++ [ (removeAttrs body [ "imports" ]) ];

  guest = import ./packages.nix {
    system = config.nixpkgs.hostPlatform;
    profile = null;
  };
  base = {
    nixpkgs.hostPlatform = config.platform;
    boot.kernelParams = [
      "loglevel=4"
      "net.ifnames=0"
    ];
    system.nixos.release = "25.11";
    system.build.toplevel = guest.make "nixos-system" ''
      mkdir $out
      for file in kernel initrd init; do echo $file for $release > $out/$file; done
    '' { inherit (config.system.nixos) release; inherit (config) label; };
    label = "stock";
    virtualisation.sharedDirectories = {
      xchg.target = "/tmp/xchg";
      shared.target = "/tmp/shared";
      certs.target = "/etc/ssl/certs";
    };
  };
  config = builtins.foldl' merge base (collect configuration);
in
{
  inherit config;
}
