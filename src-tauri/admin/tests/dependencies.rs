//! What runs as root stays small: counts the crates that `igloo-admin` is made of.
#![allow(clippy::unwrap_used, missing_docs)]

use std::collections::BTreeSet;
use std::process::Command;

#[test]
fn the_helper_is_made_of_few_crates_and_none_for_networks() {
    let output = Command::new(env!("CARGO"))
        .args(["tree", "--offline", "--locked", "-p", "igloo-admin", "-e", "normal", "--prefix", "none"])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).unwrap();
    let crates: BTreeSet<&str> = text.lines().filter_map(|l| l.split(' ').next()).collect();
    assert!(crates.contains("igloo-admin") && crates.contains("rustix"), "{crates:?}");
    assert!(crates.len() < 40, "{} crates: {crates:?}", crates.len());
    for banned in [
        "tokio",
        "async-std",
        "smol",
        "hyper",
        "reqwest",
        "openssl",
        "rustls",
        "ssh2",
        "tauri",
        "igloo-engine",
    ] {
        assert!(!crates.contains(banned), "{banned}");
    }
}
