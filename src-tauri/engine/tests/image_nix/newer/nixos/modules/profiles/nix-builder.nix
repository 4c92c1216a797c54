# The neutral half since the profile was split.
{
  system.nixos.release = "26.05";
  boot.binfmt.emulatedSystems = [ "x86_64-linux" ];
}
