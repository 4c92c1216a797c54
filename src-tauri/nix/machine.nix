# What `igloo setup` would write for a builder, in the words of a configuration that generates Nix' files itself: the line of
# /etc/nix/machines as an entry of nix.buildMachines, and the file for ssh. A test compares both with igloo-admin's.
{ lib }:
let
  key = "/etc/nix/igloo_builder_ed25519";
  aliases = { aarch64 = "linux-builder"; x86_64 = "linux-builder-x86_64"; };
  ports = { aarch64 = 31022; x86_64 = 31023; };
in
rec {
  options = id: with lib; {
    publicHostKey = mkOption {
      type = types.str;
      description = "The builder's host key in base64. Igloo made it, so `igloo setup --plan` is where to have it from.";
    };
    systems = mkOption {
      type = types.listOf types.str;
      default = [ "${id}-linux" ];
      description = "What it builds.";
    };
    maxJobs = mkOption {
      type = types.ints.positive;
      default = 1;
      description = "How many builds at once; `igloo setup` takes the builder's cores.";
    };
    supportedFeatures = mkOption {
      type = types.listOf types.str;
      default = [ "benchmark" "big-parallel" ];
      description = "Features of the builder's own Nix.";
    };
    shareConnection = mkOption {
      type = types.bool;
      default = false;
      description = "Whether builds share one ssh connection. Not with Nix before 2.26, and not with Determinate Nix.";
    };
  };

  buildMachine = id: machine: {
    hostName = aliases.${id};
    protocol = "ssh-ng";
    sshUser = "builder";
    sshKey = key;
    speedFactor = 1;
    mandatoryFeatures = [ ];
    inherit (machine) systems maxJobs supportedFeatures publicHostKey;
  };

  sshFile = id: "ssh/ssh_config.d/100-igloo-${id}.conf";

  ssh = { id, machine, port ? null, control }:
    let alias = aliases.${id}; in
    ''
      Host ${alias}
        HostName 127.0.0.1
        Port ${toString (if port == null then ports.${id} else port)}
        User builder
        HostKeyAlias ${alias}
      Match originalhost ${alias} localuser root
        IdentityFile ${key}
        IdentitiesOnly yes
    '' + lib.optionalString machine.shareConnection ''
      Match originalhost ${alias} localuser root exec "test -d ${control}"
        ControlMaster auto
        ControlPath ${control}/%C
        ControlPersist 60
    '';
}
