# From a nixpkgs to an image: a folder with a manifest.json, whose closure holds everything that it names.
#
# On a Mac the guest is that of `darwin.linux-builder`, on Linux the same NixOS profile with this host's packages. Nothing that
# the guest consists of is set here, so its system is the one that cache.nixos.org has. Names that came or went between versions
# of nixpkgs are taken with `or`.
{
  # nixpkgs: a path
  nixpkgs ? <nixpkgs>,
  # the host
  system ? builtins.currentSystem,
  # what the guest is: aarch64-linux or x86_64-linux
  guest ? builtins.replaceStrings [ "darwin" ] [ "linux" ] system,
  # a NixOS module of the user's: a path, or null
  config ? null,
}:
let
  inherit (builtins)
    attrNames
    concatLists
    elem
    elemAt
    filter
    isString
    pathExists
    readFile
    split
    toJSON
    ;

  pkgs = import nixpkgs { inherit system; overlays = [ ]; config = { }; };
  isDarwin = elem system [
    "aarch64-darwin"
    "x86_64-darwin"
  ];

  # the profile had this name before
  profiles = "${toString nixpkgs}/nixos/modules/profiles";
  profile =
    if pathExists "${profiles}/nix-builder-vm.nix" then
      "${profiles}/nix-builder-vm.nix"
    else
      "${profiles}/macos-builder.nix";

  user = if config == null then [ ] else [ config ];
  isNative = guest == builtins.replaceStrings [ "darwin" ] [ "linux" ] system;
  platform = if isNative then [ ] else [ { nixpkgs.hostPlatform = guest; } ];

  # the guest's configuration
  c =
    if isDarwin then
      (
        if user == [ ] && isNative then
          pkgs.darwin.linux-builder
        else
          pkgs.darwin.linux-builder.override { modules = platform ++ user; }
      ).nixosConfig
    else
      (import "${toString nixpkgs}/nixos" {
        system = null;
        configuration = {
          imports = [ profile ] ++ user;
          nixpkgs.hostPlatform = guest;
          virtualisation.host.pkgs = pkgs;
        };
      }).config;

  v = c.virtualisation;
  h = v.host.pkgs;
  toplevel = c.system.build.toplevel;
  registration = h.closureInfo { rootPaths = v.additionalPaths or [ ]; };
  store = h.closureInfo {
    rootPaths = [
      toplevel
      registration
    ];
  };
  initrd = v.directBoot.initrd or "${toplevel}/initrd";

  qemu = v.qemu.package or h.qemu;
  program = if guest == "aarch64-linux" then "qemu-system-aarch64" else "qemu-system-x86_64";
  consoles = v.qemu.consoles or [ (if guest == "aarch64-linux" then "ttyAMA0" else "ttyS0") ];

  # the programs of a package are in an output of their own, where it has one
  bin = package: package.bin or package;

  shares = map (name: v.sharedDirectories.${name}.tag or name) (attrNames v.sharedDirectories);
  has = tag: elem tag shares;
  trim = text: elemAt (filter isString (split "\n" text)) 0;

  manifest = {
    version = 1;
    name = "nixpkgs ${c.system.nixos.release or "unknown"}${if user == [ ] then "" else ", configured"}";
    system = guest;
    kernel = "${toplevel}/kernel";
    initrd = "${initrd}";
    # as the file kernel-params of the system has them
    cmdline = toString (
      c.boot.kernelParams
      ++ [
        "init=${toplevel}/init"
        "regInfo=${registration}/registration"
      ]
      ++ map (console: "console=${console}") consoles
    );
    root = {
      kind = "blank";
      label = "nixos";
      fs = "ext4";
    };
    store = {
      paths = "${store}/store-paths";
      label = "nix-store";
    };
    inherit shares;
    user = "builder";
    keys = {
      tag = "keys";
      file = "builder_ed25519.pub";
    };
    host_key = {
      kind = "known";
      public = trim (readFile "${profiles}/keys/ssh_host_ed25519_key.pub");
    };
    # all that polkit lets the user do
    power_off = "systemctl poweroff";
    extra_systems = filter (
      emulated:
      emulated != guest
      && elem emulated [
        "aarch64-linux"
        "x86_64-linux"
      ]
    ) (concatLists [ (c.boot.binfmt.emulatedSystems or [ ]) ]);
    qemu.program = "${bin qemu}/bin/${program}";
    tools = {
      qemu_img = "${bin qemu}/bin/qemu-img";
      mkfs_ext4 = "${bin h.e2fsprogs}/bin/mkfs.ext4";
      mkfs_erofs = "${bin h.erofs-utils}/bin/mkfs.erofs";
      tar = "${bin h.gnutar}/bin/tar";
    };
  }
  // (
    if has "certs" then
      {
        certs = {
          tag = "certs";
          file = "ca-certificates.crt";
        };
      }
    else
      { }
  );
in
h.writeTextDir "manifest.json" (toJSON manifest)
