# Settings as TOML: a line each with its dotted name. Null is left out. JSON's strings are TOML's, but for one character.
let
  inherit (builtins) attrNames concatMap concatStringsSep isAttrs replaceStrings toJSON;
  del = fromTOML ''c = "\u007f"'';
  value = v: replaceStrings [ del.c ] [ "\\u007f" ] (toJSON v);
  lines = path: settings: concatMap
    (name:
      let here = path ++ [ name ]; v = settings.${name}; in
      if v == null then [ ]
      else if isAttrs v then lines here v
      else [ "${concatStringsSep "." here} = ${value v}\n" ])
    (attrNames settings);
in
settings: concatStringsSep "" (lines [ ] settings)
