//! What runs as root stays small and safe: counts the crates that `igloo-admin` is made of, and its `unsafe`.
#![allow(clippy::unwrap_used, missing_docs)]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
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

fn sources(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let files = entries.flat_map(|path| if path.is_dir() { sources(&path) } else { vec![path] });
    files.filter(|path| path.extension().is_some_and(|e| e == "rs")).collect()
}

/// Lines of code with the word `unsafe`, comments and names such as `unsafe_place` left out.
fn unsafe_lines(text: &str) -> usize {
    let code = text.lines().map(|line| line.split("//").next().unwrap_or_default());
    let words = |line: &str| {
        let word = |c: char| !c.is_alphanumeric() && c != '_';
        line.split(word).any(|w| w == "unsafe" || w == "unsafe_code")
    };
    code.filter(|line| words(line)).count()
}

#[test]
fn nothing_of_it_is_unsafe() {
    assert_eq!(unsafe_lines("unsafe { x() } // unsafe\nfn unsafe_place() {}\n#[allow(unsafe_code)]"), 2);
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let files: Vec<_> = ["src", "../protocol/src"].iter().flat_map(|f| sources(&here.join(f))).collect();
    assert!(files.len() > 20, "{files:?}");
    let odd: Vec<_> = files.iter().filter(|f| unsafe_lines(&fs::read_to_string(f).unwrap()) > 0).collect();
    assert_eq!(odd, Vec::<&PathBuf>::new());
}
