# As much of nixpkgs' `lib` as the modules use, with the same names and meanings
# (https://nixos.org/manual/nixpkgs/stable/#sec-functions-library). What they use beyond it is an error.
let
  inherit (builtins) all attrNames elem filter isAttrs isBool isInt isList isString listToAttrs map mapAttrs;
  type = name: check: { inherit name check; };
in
rec {
  genAttrs = names: make: listToAttrs (map (name: nameValuePair name (make name)) names);
  nameValuePair = name: value: { inherit name value; };
  mapAttrs' = f: set: listToAttrs (mapAttrsToList f set);
  mapAttrsToList = f: set: map (name: f name set.${name}) (attrNames set);
  filterAttrs = keep: set: listToAttrs
    (map (name: nameValuePair name set.${name}) (filter (name: keep name set.${name}) (attrNames set)));
  optionalString = condition: text: if condition then text else "";
  optional = condition: value: if condition then [ value ] else [ ];
  optionals = condition: values: if condition then values else [ ];
  cleanSource = path: path;
  makeBinPath = packages: builtins.concatStringsSep ":" (map (p: "${p}/bin") packages);
  makeLibraryPath = packages: builtins.concatStringsSep ":" (map (p: "${p}/lib") packages);
  generators.toPlist = { escape }: value: assert escape; "<plist>${builtins.toJSON value}</plist>";
  licenses.mit = "MIT";
  platforms = { darwin = [ "aarch64-darwin" "x86_64-darwin" ]; linux = [ "aarch64-linux" "x86_64-linux" ]; };

  literalExpression = text: { _type = "literalExpression"; inherit text; };
  mkOption = option: option // { _type = "option"; };
  mkEnableOption = what: mkOption { type = types.bool; default = false; description = "Whether to enable ${what}."; };
  mkIf = condition: content: { _type = "if"; inherit condition content; };

  types = rec {
    bool = type "boolean" isBool;
    str = type "string" isString;
    package = type "package" (v: v.type or "" == "derivation");
    enum = values: type "one of ${toString values}" (v: elem v values);
    ints = {
      between = low: high: type "integer from ${toString low} to ${toString high}" (v: isInt v && v >= low && v <= high);
      positive = type "positive integer" (v: isInt v && v > 0);
    };
    nullOr = inner: inner // { name = "null or ${inner.name}"; check = v: v == null || inner.check v; }
      // (if inner ? merge then { merge = path: v: if v == null then null else inner.merge path v; } else { });
    listOf = inner: type "list of ${inner.name}" (v: isList v && all inner.check v);
    submodule = { options }: type "submodule" isAttrs // { merge = path: v: merge path options v; };
  };

  # What a configuration has where the options are these and the user wrote that.
  merge = path: options: user:
    let unknown = filter (name: !(options ? ${name})) (attrNames user); in
    if unknown != [ ] then throw "The option `${path}.${builtins.head unknown}' does not exist."
    else mapAttrs (name: option: value "${path}.${name}" option (user ? ${name}) (user.${name} or { })) options;

  value = path: option: set: user:
    if (option._type or "") != "option" then merge path option (if set then user else { })
    else
      let v = if set then user else option.default or (throw "The option `${path}' was accessed but has no value defined."); in
      if !(option.type.check v) then throw "A definition for option `${path}' is not of type `${option.type.name}'."
      else if option.type ? merge then option.type.merge path v
      else v;

  # The conditions taken away: what is not to be is not there.
  plain = v:
    if !(isAttrs v) || v.type or "" == "derivation" then v
    else if v._type or "" == "if" then (if v.condition then plain v.content else null)
    else filterAttrs (_: inner: inner != null) (mapAttrs (_: plain) v);

  # A module's configuration for a user's one.
  evaluate = { module, pkgs, user }:
    let
      made = module { inherit config pkgs; lib = self; };
      config.services = merge "services" made.options.services user.services;
      self = import ./lib.nix;
    in
    { inherit (made) options; inherit config; result = plain made.config; };

  # The dotted names of options.
  names = path: options: builtins.concatMap
    (name:
      let here = if path == "" then name else "${path}.${name}"; option = options.${name}; in
      if (option._type or "") == "option" then [ here ] else names here option)
    (attrNames options);
}
