//! The flake and its modules, read by the real Nix with a stub of nixpkgs, and what they write by Igloo's own readers.

use super::{plist, root};
use igloo_engine::{
    host::Paths,
    settings::{HostSize, Store},
};
use igloo_protocol::{BuilderId, InstallKind, SettingsPatch, plan::Plan};
use serde_json::{Value, json};
use std::{
    collections::BTreeSet,
    fs,
    os::unix::fs::{PermissionsExt, symlink},
    path::Path,
    process::Command,
};

const HOST: HostSize = HostSize { cores: 8, memory_mib: 32768 };

/// What Nix makes of an attribute of `check.nix` for a user's `services.igloo`, or what it says is wrong.
fn evaluate(attribute: &str, igloo: Value) -> Result<Value, String> {
    let nix = std::env::var_os("IGLOO_TEST_NIX").expect("`cargo xtask test` sets IGLOO_TEST_NIX");
    let home = tempfile::tempdir().unwrap();
    let ran = Command::new(Path::new(&nix).join("nix-instantiate"))
        .args(["--store", "dummy://", "--eval", "--strict", "--json", "--attr", attribute])
        .arg("--arg")
        .arg("root")
        .arg(root())
        .args(["--argstr", "user", &json!({ "services": { "igloo": igloo } }).to_string()])
        .arg(root().join("tests/bundle/nix/check.nix"))
        .env("HOME", home.path())
        .output()
        .unwrap();
    if ran.status.success() {
        Ok(serde_json::from_slice(&ran.stdout).unwrap())
    } else {
        Err(String::from_utf8_lossy(&ran.stderr).into_owned())
    }
}

fn nix(attribute: &str, igloo: Value) -> Value {
    evaluate(attribute, igloo).unwrap_or_else(|error| panic!("{attribute}: {error}"))
}

/// Igloo's own settings file with this text.
fn file(text: &str) -> (tempfile::TempDir, Store) {
    let dir = tempfile::tempdir().unwrap();
    let paths = Paths::below(dir.path());
    paths.create().unwrap();
    fs::write(paths.settings_file(), text).unwrap();
    (dir, Store::new(paths.settings_file(), HOST))
}

#[test]
fn the_flake_has_a_package_and_an_app_for_each_system() {
    assert_eq!(
        nix("flake.inputs", json!({})),
        json!({ "nixpkgs": { "url": "github:NixOS/nixpkgs/nixpkgs-unstable" } })
    );
    for system in ["aarch64-darwin", "x86_64-darwin", "aarch64-linux", "x86_64-linux"] {
        let made = |name: &str| nix(&format!("self.packages.{system}.default.made.{name}"), json!({}));
        assert_eq!(made("version"), env!("CARGO_PKG_VERSION"), "{system}");
        assert_eq!(made("cargoBuildFlags"), json!(["--package", "igloo", "--package", "igloo-admin"]));
        let app = nix(&format!("self.apps.{system}.default"), json!({}));
        assert!(app["type"] == "app" && app["program"].as_str().unwrap().ends_with("/bin/igloo"), "{app}");
        let install = made("postInstall").as_str().unwrap().to_owned();
        assert_eq!(install.contains("Applications/Igloo.app"), system.ends_with("darwin"), "{install}");
        // as it says what it replaces, the policy has to have it
        let policy =
            fs::read_to_string(root().join("src-tauri/admin/polkit/dev.igloo.admin.policy")).unwrap();
        assert!(!install.contains("--replace-fail") || policy.contains("/usr/bin/igloo-admin"));
        let fixup = made("postFixup").as_str().unwrap().to_owned();
        assert!(!fixup.contains("igloo-admin"), "what root runs is no shell script: {fixup}");
    }
}

/// importNpmLock fetches each package of the page by its address and its hash, and has neither by itself.
#[test]
fn every_package_of_the_page_has_an_address_and_a_hash() {
    let lock = nix("npmLock", json!({}));
    let packages: Vec<_> =
        lock["packages"].as_object().unwrap().iter().filter(|(k, _)| !k.is_empty()).collect();
    assert!(packages.len() > 50);
    for (path, package) in packages {
        let address = package["resolved"].as_str().unwrap_or_else(|| panic!("{path}"));
        let name = path.rsplit_once("node_modules/").unwrap().1;
        let file =
            format!("{}-{}.tgz", name.rsplit('/').next().unwrap(), package["version"].as_str().unwrap());
        assert_eq!(address, format!("https://registry.npmjs.org/{name}/-/{file}"));
        assert!(package["integrity"].as_str().unwrap().starts_with("sha512-"), "{path}");
    }
    // nixpkgs takes the page's own dependencies from the same list
    let page: Value = serde_json::from_slice(&fs::read(root().join("ui/package.json")).unwrap()).unwrap();
    for name in page["devDependencies"].as_object().unwrap().keys() {
        assert!(lock["packages"][format!("node_modules/{name}")]["resolved"].is_string(), "{name}");
    }
}

/// As Nix' own commands see it, which allow less in a `flake.nix` than the language does.
#[test]
fn nix_itself_shows_the_flake() {
    let nix = std::env::var_os("IGLOO_TEST_NIX").expect("`cargo xtask test` sets IGLOO_TEST_NIX");
    let dir = tempfile::tempdir().unwrap();
    let (flake, stub) = (dir.path().join("igloo"), dir.path().join("nixpkgs"));
    for (from, to) in [("tests/bundle/nix", &stub), ("src-tauri/nix", &flake.join("src-tauri/nix"))] {
        fs::create_dir_all(to).unwrap();
        for file in fs::read_dir(root().join(from)).unwrap().map(|entry| entry.unwrap()) {
            fs::copy(file.path(), to.join(file.file_name())).unwrap();
        }
    }
    fs::create_dir(flake.join("ui")).unwrap();
    for file in ["flake.nix", "Cargo.toml", "tauri.conf.json", "ui/package-lock.json"] {
        fs::copy(root().join(file), flake.join(file)).unwrap();
    }
    fs::write(stub.join("flake.nix"), "{ outputs = { self }: import ./nixpkgs.nix; }").unwrap();
    let ran = Command::new(Path::new(&nix).join("nix"))
        .args(["--extra-experimental-features", "nix-command flakes", "flake", "show", "--json"])
        .args(["--all-systems", "--offline", "--no-write-lock-file", "--store"])
        .arg(dir.path().join("store"))
        .args(["--override-input", "nixpkgs"])
        .arg(format!("path:{}", stub.display()))
        .arg(format!("path:{}", flake.display()))
        .env("HOME", dir.path())
        .env("NIX_CONF_DIR", dir.path())
        .output()
        .unwrap();
    assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));
    let shown: Value = serde_json::from_slice(&ran.stdout).unwrap();
    for system in ["aarch64-darwin", "x86_64-linux"] {
        let name = format!("igloo-{}", env!("CARGO_PKG_VERSION"));
        assert_eq!(shown["packages"][system]["default"]["name"], name);
        assert_eq!(shown["apps"][system]["default"]["type"], "app");
    }
}

#[test]
fn the_app_that_nix_makes_says_what_the_bundlers_says() {
    let made = nix("infoPlist", json!({}));
    for (key, value) in plist(&json!("src-tauri/Info.plist")) {
        assert_eq!(made[&key], json!(value.as_boolean().unwrap()), "{key}");
    }
    let config = super::config();
    assert_eq!(made["CFBundleExecutable"], config["mainBinaryName"]);
    assert_eq!(made["CFBundleIdentifier"], config["identifier"]);
    assert_eq!(made["LSMinimumSystemVersion"], config["bundle"]["macOS"]["minimumSystemVersion"]);
    assert_eq!(made["CFBundleShortVersionString"], env!("CARGO_PKG_VERSION"));
    let icons = config["bundle"]["icon"].to_string();
    assert!(icons.contains(&format!("/{}\"", made["CFBundleIconFile"].as_str().unwrap())), "{icons}");
}

#[test]
fn every_setting_is_an_option_and_no_option_is_more() {
    let settings: BTreeSet<_> = file("").1.views().unwrap().into_iter().map(|view| view.key).collect();
    for module in ["darwin", "home.x86_64-linux"] {
        let names: Vec<String> = serde_json::from_value(nix(&format!("{module}.names"), json!({}))).unwrap();
        assert_eq!(names.into_iter().collect::<BTreeSet<_>>(), settings, "{module}");
    }
}

/// A value for every setting, none of them its default.
fn chosen() -> Value {
    let builder = |port: u16| {
        json!({ "enabled": false, "image": "/an image/é", "cores": 3, "memory": 4097, "disk": 77,
                "ephemeral": true, "port": port, "accel": "tcg" })
    };
    json!({
        "builders": { "aarch64": builder(4444), "x86_64": builder(4445) },
        "terminal": "a \"terminal\" \\ ${HOME} ''é",
        "nixpkgs": "/a nixpkgs",
        "open_at_login": true,
        "stop_on_battery": true,
        "keychain": false,
        "notify": { "build_failed": false, "builder_failed": false, "disk_nearly_full": false },
    })
}

#[test]
fn igloo_reads_every_setting_that_a_module_writes() {
    let chosen = chosen();
    let written = |module: &str, place: &str| -> String {
        let result = nix(&format!("{module}.result"), json!({ "enable": true, "settings": chosen }));
        let text = result.pointer(place).and_then(Value::as_str);
        text.unwrap_or_else(|| panic!("{place}: {result}")).to_owned()
    };
    let text = written("darwin", "/environment/etc/igloo~1settings.toml/text");
    let (_dir, by_nix) = file(&text);
    let (_dir, by_hand) = file("");
    for view in by_nix.views().unwrap() {
        assert!(view.set, "{}", view.key);
        let value = chosen.pointer(&format!("/{}", view.key.replace('.', "/"))).unwrap().to_string();
        by_hand.apply(&SettingsPatch { set: vec![(view.key, Some(value))] }).unwrap();
    }
    assert_eq!(by_nix.load().unwrap(), by_hand.load().unwrap());
    let mac = "/home/file/Library~1Application Support~1Igloo~1settings.toml/text";
    assert_eq!(written("home.aarch64-darwin", mac), text);
    assert_eq!(written("home.x86_64-linux", "/xdg/configFile/igloo~1settings.toml/text"), text);
}

/// JSON's strings, of which Nix makes the file, have it as it is.
#[test]
fn the_one_character_that_toml_forbids_in_a_string_is_escaped() {
    let image = "/an\u{7f}image";
    let user = json!({ "enable": true, "settings": { "builders": { "x86_64": { "image": image } } } });
    let made = nix("home.x86_64-linux.result", user);
    let text = made["xdg"]["configFile"]["igloo/settings.toml"]["text"].as_str().unwrap();
    let settings = file(text).1.load().unwrap();
    assert_eq!(settings.builder(BuilderId::X86_64).image.as_deref(), Some(Path::new(image)));
}

#[test]
fn where_nothing_is_set_the_file_stays_the_users() {
    for module in ["darwin", "home.aarch64-darwin", "home.x86_64-linux"] {
        let made = nix(&format!("{module}.result"), json!({ "enable": true })).to_string();
        assert!(!made.contains("settings.toml"), "{made}");
        assert_eq!(nix(&format!("{module}.result"), json!({ "settings": chosen() })), Value::Null);
    }
}

#[test]
fn what_igloo_would_refuse_is_refused_before() {
    for (settings, word) in [
        (json!({ "builders": { "aarch64": { "cores": 0 } } }), "cores"),
        (json!({ "builders": { "aarch64": { "port": 65536 } } }), "port"),
        (json!({ "builders": { "aarch64": { "accel": "warp" } } }), "accel"),
        (json!({ "keychain": "yes" }), "keychain"),
        (json!({ "builders": { "riscv": {} } }), "riscv"),
    ] {
        let error = evaluate("darwin.result", json!({ "enable": true, "settings": settings })).unwrap_err();
        assert!(error.contains(word), "{error}");
    }
}

const PLAN: &str = r#"{"version":1,"files":[],"ops":[
    {"ssh_host":{"builder":"aarch64","port":4444,"share_connection":true}},
    {"machine":{"builder":"aarch64","systems":["aarch64-linux","x86_64-linux"],"max_jobs":4,"features":["big-parallel"],
     "host_key":"ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJBWcxb/Blaqt1auOtE+F8QUWrUotiC5qBJ+UuEWdVCb"}}]}"#;

/// The same builder as the plan's.
fn machine(line: &str) -> Value {
    json!({
        "enable": true,
        "settings": { "builders": { "aarch64": { "port": 4444 } } },
        "machines": { "aarch64": {
            "systems": ["aarch64-linux", "x86_64-linux"], "maxJobs": 4, "supportedFeatures": ["big-parallel"],
            "publicHostKey": line.rsplit(' ').next().unwrap(), "shareConnection": true,
        } },
    })
}

#[test]
fn nix_darwin_writes_what_a_setup_would_write() {
    let ops = Plan::from_json(PLAN.as_bytes()).unwrap().ops;
    let plain = igloo_admin::snippet(InstallKind::Official, &ops);
    let line = plain.lines().find(|line| line.starts_with("ssh-ng://")).unwrap();
    let made = nix("darwin.result", machine(line));
    assert_eq!(nix("darwinMachines", machine(line)), json!([line]));
    assert_eq!(made["nix"]["distributedBuilds"], true);
    // igloo-admin's own words for nix-darwin are the same text in another form
    let ssh = made["environment"]["etc"]["ssh/ssh_config.d/100-igloo-aarch64.conf"]["text"].as_str().unwrap();
    let lines: String = ssh.lines().map(|line| format!("  {line}\n")).collect();
    let words = igloo_admin::snippet(InstallKind::NixDarwin, &ops);
    let wanted =
        format!("environment.etc.\"ssh/ssh_config.d/100-igloo-aarch64.conf\".text = ''\n{lines}'';\n");
    assert!(words.ends_with(&wanted), "{words}\n{wanted}");
}

#[test]
fn without_a_machine_nix_darwin_leaves_nix_alone() {
    let made = nix("darwin.result", json!({ "enable": true }));
    assert!(made.get("nix").is_none(), "{made}");
    let error =
        evaluate("darwin.result", json!({ "enable": true, "machines": { "aarch64": {} } })).unwrap_err();
    assert!(error.contains("machines.aarch64.publicHostKey"), "{error}");
}

#[test]
fn at_login_the_settings_are_a_link_unless_the_user_has_a_file() {
    let dir = tempfile::tempdir().unwrap();
    let (made, home, tray) = (dir.path().join("made.toml"), dir.path().join("home"), dir.path().join("tray"));
    fs::write(&tray, "#!/bin/sh\necho started\n").unwrap();
    fs::set_permissions(&tray, fs::Permissions::from_mode(0o755)).unwrap();
    let script = nix("darwinStart", json!({ "enable": true })).as_str().unwrap().to_owned();
    let program = script.split_whitespace().last().unwrap();
    assert!(program.ends_with("/bin/igloo-tray"), "{script}");
    let script = script
        .replace(program, tray.to_str().unwrap())
        .replace("/etc/igloo/settings.toml", made.to_str().unwrap());
    let start = || {
        let ran = Command::new("sh").args(["-c", &script]).env("HOME", &home).output().unwrap();
        assert_eq!(String::from_utf8_lossy(&ran.stdout), "started\n");
        String::from_utf8_lossy(&ran.stderr).into_owned()
    };
    let settings = home.join("Library/Application Support/Igloo/settings.toml");
    // nothing set, and nothing there
    assert_eq!((start().as_str(), settings.exists()), ("", false));
    fs::write(&made, "keychain = false\n").unwrap();
    for _ in 0..2 {
        assert_eq!(start(), "");
        assert_eq!(fs::read_link(&settings).unwrap(), made);
    }
    let mode = fs::metadata(settings.parent().unwrap()).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o700);
    // set no more
    fs::remove_file(&made).unwrap();
    start();
    assert!(!settings.is_symlink());
    // a link of the user's own to nowhere is not ours
    symlink("/nowhere", &settings).unwrap();
    start();
    assert!(settings.is_symlink());
    // a file of the user's own
    fs::remove_file(&settings).unwrap();
    fs::write(&settings, "keychain = true\n").unwrap();
    fs::write(&made, "keychain = false\n").unwrap();
    assert!(start().contains("is a file of your own"));
    assert_eq!(fs::read_to_string(&settings).unwrap(), "keychain = true\n");
}
