//! What the bundles are made of, as far as it can be read without a Mac.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod cask;
mod flake;
mod release;

use plist::Dictionary;
use serde_json::Value;
use std::{fs, path::Path};

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn config() -> Value {
    serde_json::from_slice(&fs::read(root().join("tauri.conf.json")).unwrap()).unwrap()
}

fn plist(of: &Value) -> Dictionary {
    let path = root().join(of.as_str().expect("a path in tauri.conf.json"));
    plist::Value::from_file(path).unwrap().into_dictionary().unwrap()
}

#[test]
fn the_app_on_a_mac_lives_in_the_menu_bar_alone() {
    let macos = &config()["bundle"]["macOS"];
    let info = plist(&macos["infoPlist"]);
    assert_eq!(info.get("LSUIElement").and_then(plist::Value::as_boolean), Some(true));
    assert_eq!(macos["minimumSystemVersion"], "13.0");
}

/// What `Info.plist` says and the bundler needs to be told.
#[test]
fn the_app_says_what_it_is() {
    let bundle = &config()["bundle"];
    assert_eq!(bundle["category"], "DeveloperTool");
    let licence = fs::read_to_string(root().join("LICENSE")).unwrap();
    let holder = licence.lines().find_map(|l| l.strip_prefix("Copyright (c) ")).unwrap();
    assert_eq!(bundle["copyright"], format!("Copyright © {holder}"));
    assert_eq!(bundle["targets"], serde_json::json!(["app", "dmg", "deb"]));
}

/// Tauri signs with the hardened runtime unless told otherwise; each exception from it is one that an attacker has too.
#[test]
fn the_hardened_runtime_has_no_exception() {
    let macos = &config()["bundle"]["macOS"];
    assert_eq!(macos["hardenedRuntime"], true);
    assert_eq!(plist(&macos["entitlements"]), Dictionary::new());
}

#[test]
fn the_icons_are_there_and_the_macs_has_every_size() {
    let config = config();
    let icons = config["bundle"]["icon"].as_array().unwrap().iter().map(|i| i.as_str().unwrap());
    for icon in icons {
        let bytes = fs::read(root().join(icon)).unwrap();
        if Path::new(icon).extension().unwrap() == "icns" {
            // `icns`, the whole length, then entries of a type and a length each
            assert_eq!(&bytes[..4], b"icns");
            assert_eq!(u32::from_be_bytes(bytes[4..8].try_into().unwrap()) as usize, bytes.len());
            let kinds = icns_kinds(&bytes[8..]);
            for kind in ["ic07", "ic08", "ic09", "ic10", "ic11", "ic12", "ic13", "ic14"] {
                assert!(kinds.contains(&kind.to_owned()), "no {kind} among {kinds:?}");
            }
        } else {
            assert!(bytes.starts_with(b"\x89PNG\r\n"), "{icon}");
        }
    }
}

fn icns_kinds(mut rest: &[u8]) -> Vec<String> {
    let mut kinds = Vec::new();
    while rest.len() >= 8 {
        kinds.push(String::from_utf8_lossy(&rest[..4]).into_owned());
        rest = &rest[u32::from_be_bytes(rest[4..8].try_into().unwrap()) as usize..];
    }
    kinds
}

/// The page has nothing from afar, runs no code but its own files', and asks what one permission lists.
#[test]
fn the_page_is_shut_in() {
    let config = config();
    let csp = config["app"]["security"]["csp"].as_str().unwrap();
    assert!(csp.starts_with("default-src 'none';"), "{csp}");
    assert!(!csp.contains("unsafe") && !csp.contains("https:") && !csp.contains('*'), "{csp}");
    let capabilities = config["app"]["security"]["capabilities"].as_array().unwrap();
    assert_eq!(capabilities.len(), 1);
    assert_eq!(
        capabilities[0]["permissions"],
        serde_json::json!(["window", "core:event:allow-listen", "core:event:allow-unlisten"])
    );
    assert_eq!(config["app"]["windows"], serde_json::json!([]), "windows are made when asked for");
}

/// polkit's policy is about one path, and the package puts both there.
#[test]
fn the_policy_is_installed_and_is_about_the_installed_helper() {
    let config = config();
    let files = &config["bundle"]["linux"]["deb"]["files"];
    let policy = files["/usr/share/polkit-1/actions/dev.igloo.admin.policy"].as_str().unwrap();
    let text = fs::read_to_string(root().join(policy)).unwrap();
    assert!(text.contains("org.freedesktop.policykit.exec.path\">/usr/bin/igloo-admin<"), "{text}");
}
