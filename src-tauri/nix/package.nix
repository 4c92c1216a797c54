# The app, the command line and the helper from this folder. The page is built apart, and put where the app embeds it from.
# Hashes come from the two lock files, so none is kept here.
{ lib
, stdenv
, rustPlatform
, buildNpmPackage
, importNpmLock
, pkg-config
, perl
, openssl
, webkitgtk_4_1
, libayatana-appindicator
, wrapGAppsHook3
, makeWrapper
, writeText
, qemu
, openssh
}:
let
  root = ../..;
  version = (fromTOML (builtins.readFile (root + "/Cargo.toml"))).workspace.package.version;

  page = buildNpmPackage {
    pname = "igloo-page";
    inherit version;
    src = root + "/ui";
    npmDeps = importNpmLock {
      npmRoot = root + "/ui";
      packageLock = import ./npm-lock.nix (builtins.fromJSON (builtins.readFile (root + "/ui/package-lock.json")));
    };
    npmConfigHook = importNpmLock.npmConfigHook;
    installPhase = "cp -r dist $out";
  };

  info = writeText "Info.plist" (lib.generators.toPlist { escape = true; } (import ./info-plist.nix {
    inherit version;
    config = builtins.fromJSON (builtins.readFile (root + "/tauri.conf.json"));
  }));
in
rustPlatform.buildRustPackage {
  pname = "igloo";
  inherit version;

  src = lib.cleanSource root;
  cargoLock.lockFile = root + "/Cargo.lock";
  cargoBuildFlags = [ "--package" "igloo" "--package" "igloo-admin" ];

  # OpenSSL's own build, which macOS' ssh2 comes with, is written in Perl
  nativeBuildInputs = [ pkg-config makeWrapper ]
    ++ lib.optional stdenv.hostPlatform.isDarwin perl
    ++ lib.optional stdenv.hostPlatform.isLinux wrapGAppsHook3;
  buildInputs = lib.optionals stdenv.hostPlatform.isLinux [ openssl webkitgtk_4_1 libayatana-appindicator ];

  passthru = { inherit page; };

  preBuild = ''
    mkdir -p ui/dist
    cp -r ${page}/. ui/dist/
  '';

  # end to end they need root and virtual machines
  doCheck = false;

  # igloo-admin stays as it is made: what root runs is no shell script
  dontWrapGApps = true;

  postInstall = lib.optionalString stdenv.hostPlatform.isDarwin ''
    app=$out/Applications/Igloo.app/Contents
    mkdir -p $app/MacOS $app/Resources
    mv $out/bin/* $app/MacOS/
    cp icons/icon.icns $app/Resources/
    cp ${info} $app/Info.plist
    ln -s $app/MacOS/igloo-admin $out/bin/
    for program in igloo igloo-tray; do
      makeWrapper $app/MacOS/$program $out/bin/$program --suffix PATH : ${lib.makeBinPath [ qemu ]}
    done
  '' + lib.optionalString stdenv.hostPlatform.isLinux ''
    install -D -m 444 src-tauri/admin/polkit/dev.igloo.admin.policy -t $out/share/polkit-1/actions
    substituteInPlace $out/share/polkit-1/actions/dev.igloo.admin.policy \
      --replace-fail /usr/bin/igloo-admin $out/bin/igloo-admin
  '';

  postFixup = lib.optionalString stdenv.hostPlatform.isLinux ''
    wrapProgram $out/bin/igloo --suffix PATH : ${lib.makeBinPath [ qemu openssh ]}
    wrapGApp $out/bin/igloo-tray \
      --suffix PATH : ${lib.makeBinPath [ qemu openssh ]} \
      --suffix LD_LIBRARY_PATH : ${lib.makeLibraryPath [ libayatana-appindicator ]}
  '';

  meta = {
    description = "Linux builder for Nix, one click away";
    license = lib.licenses.mit;
    mainProgram = "igloo";
    platforms = lib.platforms.darwin ++ lib.platforms.linux;
  };
}
