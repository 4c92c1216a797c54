//! The invariants of `docs/architecture.md` that a machine can hold.

#![allow(clippy::unwrap_used)]

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
    process::Command,
};

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Every crate that a package is built from, itself left out.
fn dependencies(package: &str) -> BTreeSet<String> {
    let tree = Command::new(env!("CARGO"))
        .args(["tree", "--offline", "--package", package, "--edges", "normal,build", "--prefix", "none"])
        .args(["--format", "{p}", "--target", "all"])
        .current_dir(root())
        .output()
        .unwrap();
    assert!(tree.status.success(), "{}", String::from_utf8_lossy(&tree.stderr));
    let names = String::from_utf8(tree.stdout).unwrap();
    names
        .lines()
        .filter_map(|l| l.split_whitespace().next())
        .filter(|n| *n != package)
        .map(Into::into)
        .collect()
}

fn ours(package: &str) -> Vec<String> {
    dependencies(package).into_iter().filter(|n| n.starts_with("igloo")).collect()
}

fn sources(dir: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(dir).unwrap().map(|e| e.unwrap().path());
    let files = entries.flat_map(|p| if p.is_dir() { sources(&p) } else { vec![p] });
    files.filter(|p| p.extension().is_some_and(|e| e == "rs")).collect()
}

#[test]
fn dependencies_go_one_way() {
    assert_eq!(ours("igloo-protocol"), [""; 0]);
    assert_eq!(ours("igloo-engine"), ["igloo-protocol"]);
    assert_eq!(ours("igloo-admin"), ["igloo-protocol"]);
    assert_eq!(ours("igloo"), ["igloo-admin", "igloo-engine", "igloo-protocol"]);
}

#[test]
fn the_engine_knows_no_window() {
    let windowed = |n: &String| ["tauri", "wry", "tao", "gtk", "webkit2gtk", "muda"].contains(&n.as_str());
    assert_eq!(dependencies("igloo-engine").into_iter().filter(windowed).collect::<Vec<_>>(), [""; 0]);
    assert!(dependencies("igloo").contains("tauri"), "the check would see it");
}

#[test]
fn what_runs_as_root_is_small() {
    let all = dependencies("igloo-admin");
    let unwanted = ["tokio", "hyper", "axum", "openssl", "openssl-sys", "ssh2", "rustls", "reqwest", "tauri"];
    assert_eq!(all.iter().filter(|n| unwanted.contains(&n.as_str())).collect::<Vec<_>>(), [""; 0]);
    assert!(all.len() < 40, "{} crates: {all:?}", all.len());
}

#[test]
fn only_the_host_module_of_the_engine_knows_which_host_it_is() {
    let engine = root().join("src-tauri/engine/src");
    let host = engine.join("host");
    let knows = |p: &PathBuf| fs::read_to_string(p).unwrap().contains("target_os");
    let odd: Vec<_> = sources(&engine).into_iter().filter(|p| !p.starts_with(&host)).filter(knows).collect();
    assert_eq!(odd, Vec::<PathBuf>::new());
    assert!(sources(&host).iter().any(knows), "the check would see it");
}

#[test]
fn no_source_file_is_longer_than_500_lines() {
    let long: Vec<_> = sources(&root().join("src-tauri"))
        .into_iter()
        .filter(|p| fs::read_to_string(p).unwrap().lines().count() > 500)
        .collect();
    assert_eq!(long, Vec::<PathBuf>::new());
}

#[test]
fn every_top_level_file_has_its_place() {
    let known = [
        "Cargo.toml",
        "Cargo.lock",
        "src-tauri",
        "ui",
        "icons",
        "tests",
        "tauri.conf.json",
        "README.md",
        "CONTRIBUTING.md",
        "LICENSE",
        "docs",
        "deny.toml",
        "clippy.toml",
        "rustfmt.toml",
        // Nix looks for it here alone
        "flake.nix",
    ];
    let tracked = Command::new("git").args(["ls-files"]).current_dir(root()).output().unwrap();
    let tops: BTreeSet<_> = String::from_utf8(tracked.stdout)
        .unwrap()
        .lines()
        .map(|l| l.split('/').next().unwrap().to_owned())
        .filter(|t| !t.starts_with('.') && !known.contains(&t.as_str()))
        .collect();
    assert_eq!(tops, BTreeSet::new());
}

/// What stands between backquotes.
fn quoted(text: &str) -> impl Iterator<Item = &str> {
    text.split('`').skip(1).step_by(2)
}

/// The programs that a source names by their whole path.
fn programs(source: &str) -> impl Iterator<Item = &str> {
    let strings = source.split('"').skip(1).step_by(2);
    strings.filter(|s| ["/bin/", "/usr/bin/", "/usr/sbin/"].iter().any(|dir| s.starts_with(dir)))
}

#[test]
fn every_call_that_is_a_macs_alone_is_in_its_table_with_a_test() {
    let table = fs::read_to_string(root().join("docs/macos.md")).unwrap();
    let rows: Vec<Vec<&str>> = table
        .lines()
        .filter(|l| l.starts_with("| ") && !l.starts_with("| call"))
        .map(|l| l.trim_matches('|').split(" | ").collect())
        .collect();
    assert!(rows.len() > 10 && rows.iter().all(|row| row.len() == 4), "{rows:#?}");

    let sources_dir = root().join("src-tauri");
    let all: Vec<_> = ["admin/src", "engine/src", "app"]
        .map(|dir| sources(&sources_dir.join(dir)))
        .concat()
        .into_iter()
        .map(|file| (file.strip_prefix(&sources_dir).unwrap().to_owned(), fs::read_to_string(&file).unwrap()))
        .collect();
    let listed = |file: &Path| rows.iter().any(|row| quoted(row[1]).any(|f| Path::new(f) == file));
    let of_a_mac = |(_, text): &&(PathBuf, String)| text.contains("target_os = \"macos\"");
    let missing: Vec<_> = all.iter().filter(of_a_mac).map(|(file, _)| file).filter(|f| !listed(f)).collect();
    assert_eq!(missing, Vec::<&PathBuf>::new(), "docs/macos.md lacks these files");

    let calls: String = rows.iter().map(|row| row[0]).collect();
    for file in ["engine/src/host/macos.rs", "admin/src/service.rs", "admin/src/elevate/osascript.rs"] {
        let (_, text) = all.iter().find(|(f, _)| f == Path::new(file)).unwrap();
        assert!(programs(text).count() > 0, "{file} starts nothing");
        for program in programs(text) {
            assert!(calls.contains(&format!("`{program}")), "docs/macos.md lacks {program} of {file}");
        }
    }

    let tests = ["src-tauri", "tests"].map(|dir| sources(&root().join(dir))).concat();
    let tests: String = tests.iter().map(|file| fs::read_to_string(file).unwrap()).collect();
    for row in rows {
        let names: Vec<_> = quoted(row[3]).collect();
        assert!(!names.is_empty(), "no test: {row:?}");
        for name in names {
            assert!(tests.contains(&format!("fn {name}(")), "there is no test {name}");
        }
    }
}

#[test]
fn every_test_that_the_pains_name_is_there() {
    let pains = fs::read_to_string(root().join("docs/pains.md")).unwrap();
    let rows: Vec<_> =
        pains.lines().filter(|l| l.starts_with("| ") && l.as_bytes()[2].is_ascii_digit()).collect();
    assert_eq!(rows.len(), 25);
    let all = ["src-tauri", "tests"].map(|dir| sources(&root().join(dir))).concat();
    let texts: String = all.iter().map(|file| fs::read_to_string(file).unwrap()).collect();
    for row in rows {
        let tests = row.rsplit('|').nth(1).unwrap();
        let names: Vec<_> = tests.split('`').skip(1).step_by(2).collect();
        assert!(!names.is_empty() || row.contains("*open*"), "neither a test nor open: {row}");
        for name in names {
            assert!(texts.contains(&format!("fn {name}(")), "there is no test {name}");
        }
    }
}
