# The options that a snippet may set, as far as their types go; an unknown name or a wrong type is an error.
{ settings, nix, module }:
let
  is = type: value: builtins.typeOf value == type;
  listOf = check: value: is "list" value && builtins.all check value;
  str = is "string";
  machine = {
    hostName = str; protocol = v: v == "ssh" || v == "ssh-ng"; sshUser = str; sshKey = str;
    systems = listOf str; maxJobs = is "int"; speedFactor = is "int"; supportedFeatures = listOf str;
    mandatoryFeatures = listOf str; publicHostKey = str;
  };
  named = options: value: is "set" value
    && builtins.all (n: (options.${n} or (throw "no option ${n}")) value.${n} || throw "${n} has a wrong type") (builtins.attrNames value);
  every = check: value: is "set" value && builtins.all (n: check value.${n}) (builtins.attrNames value);
  options = {
    ${nix} = named { distributedBuilds = is "bool"; buildMachines = listOf (named machine); ${settings} = every (v: str v || is "bool" v); };
    environment = named { etc = every (named { text = str; }); };
    programs = named { ssh = named { extraConfig = str; }; };
  };
in
assert named options module;
map (m: "${m.protocol}://${m.sshUser}@${m.hostName} ${builtins.concatStringsSep "," m.systems} ${m.sshKey} ${toString m.maxJobs} ${toString m.speedFactor} ${builtins.concatStringsSep "," m.supportedFeatures} - ${m.publicHostKey}") module.${nix}.buildMachines
