# A module of home-manager: Igloo for one user, on a Mac the menu-bar app, on Linux the engine without a window.
{ packages }:
{ config, lib, pkgs, ... }:
let
  cfg = config.services.igloo;
  inherit (pkgs.stdenv.hostPlatform) isDarwin;
  toml = import ./toml.nix cfg.settings;
in
{
  options.services.igloo = import ./options.nix { inherit lib pkgs packages; };

  config = lib.mkIf cfg.enable {
    home.packages = [ cfg.package ];

    # where nothing is set the file is the user's own
    home.file."Library/Application Support/Igloo/settings.toml" = lib.mkIf (isDarwin && toml != "") { text = toml; };
    xdg.configFile."igloo/settings.toml" = lib.mkIf (!isDarwin && toml != "") { text = toml; };

    launchd.agents.igloo = lib.mkIf isDarwin {
      enable = true;
      config = {
        ProgramArguments = [ "${cfg.package}/bin/igloo-tray" ];
        RunAtLoad = true;
        # started again after a crash, and not after its user quit it
        KeepAlive.SuccessfulExit = false;
        ProcessType = "Interactive";
      };
    };

    systemd.user.services.igloo = lib.mkIf (!isDarwin) {
      Unit.Description = "Igloo, a Linux builder for Nix";
      Service.ExecStart = "${cfg.package}/bin/igloo serve";
      Service.Restart = "on-failure";
      Install.WantedBy = [ "default.target" ];
    };
  };
}
