# npm's lock file with an address for each package. Ours names no registry, so that any can be used; nixpkgs' importNpmLock
# has to have one. The hashes in the lock file say what comes from there.
let
  inherit (builtins) elemAt mapAttrs match;
  address = path: version:
    let
      name = elemAt (match "(.*/)?node_modules/(.+)" path) 1;
      file = elemAt (match "(@[^/]+/)?([^/]+)" name) 1;
    in
    "https://registry.npmjs.org/${name}/-/${file}-${version}.tgz";
in
lock: lock // {
  packages = mapAttrs
    (path: package: if path == "" || package ? resolved then package else package // { resolved = address path package.version; })
    lock.packages;
}
