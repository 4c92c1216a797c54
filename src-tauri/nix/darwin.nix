# A module of nix-darwin: Igloo for every user who logs in, and what Nix has to know of its builders.
#
# nix-darwin generates Nix' files, so Igloo leaves them alone; `services.igloo.machines` has it write what `igloo setup` would.
# The key of the daemon is no configuration: `igloo setup --key` makes it, and proves that all of it works.
{ packages }:
{ config, lib, pkgs, ... }:
let
  cfg = config.services.igloo;
  machine = import ./machine.nix { inherit lib; };
  toml = import ./toml.nix cfg.settings;

  # Igloo reads a file below the user's home, where nix-darwin writes none, so that one is a link. A file of the user's own
  # stays as it is.
  start = pkgs.writeShellScript "igloo-start" ''
    set -u
    made=/etc/igloo/settings.toml
    settings="$HOME/Library/Application Support/Igloo/settings.toml"
    if [ ! -e "$made" ]; then
      [ "$(readlink "$settings")" != "$made" ] || rm "$settings"
    elif [ -L "$settings" ] || [ ! -e "$settings" ]; then
      mkdir -p -m 700 "''${settings%/*}"
      ln -sfn "$made" "$settings"
    else
      echo "services.igloo.settings has no effect: $settings is a file of your own" >&2
    fi
    exec ${cfg.package}/bin/igloo-tray
  '';
in
{
  options.services.igloo = import ./options.nix { inherit lib pkgs packages; } // {
    machines = lib.genAttrs [ "aarch64" "x86_64" ] (id: lib.mkOption {
      type = lib.types.nullOr (lib.types.submodule { options = machine.options id; });
      default = null;
      description = "The builder as one of Nix' machines; null: Nix does not know it.";
    });
  };

  config = lib.mkIf cfg.enable (
    let machines = lib.filterAttrs (id: m: m != null) cfg.machines; in
    {
      environment.systemPackages = [ cfg.package ];

      environment.etc = lib.mapAttrs'
        (id: m: lib.nameValuePair (machine.sshFile id) {
          text = machine.ssh {
            inherit id;
            machine = m;
            port = cfg.settings.builders.${id}.port;
            control = "/var/db/igloo/ssh";
          };
        })
        machines // { "igloo/settings.toml" = lib.mkIf (toml != "") { text = toml; }; };

      nix = lib.mkIf (machines != { }) {
        distributedBuilds = true;
        buildMachines = lib.mapAttrsToList machine.buildMachine machines;
      };

      launchd.user.agents.igloo.serviceConfig = {
        ProgramArguments = [ "${start}" ];
        RunAtLoad = true;
        # started again after a crash, and not after its user quit it
        KeepAlive.SuccessfulExit = false;
        ProcessType = "Interactive";
      };
    }
  );
}
