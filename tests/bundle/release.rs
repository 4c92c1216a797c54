//! The workflows, which no test can run, and the scripts that they call, which can.

use super::root;
use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
    process::{Command, Output},
};

const WORKFLOWS: [&str; 2] = ["ci.yml", "release.yml"];

fn workflow(name: &str) -> String {
    fs::read_to_string(root().join(".github/workflows").join(name)).unwrap()
}

fn script(name: &str) -> PathBuf {
    root().join("src-tauri/dist").join(name)
}

fn run(script: &Path, arguments: &[&str]) -> Output {
    Command::new(script).args(arguments).output().unwrap()
}

/// A tag can be moved to other code; a commit can't. The comment says which version it is.
#[test]
fn every_action_is_pinned_to_a_commit() {
    for name in WORKFLOWS {
        let text = workflow(name);
        let uses: Vec<_> = text.lines().filter_map(|l| l.split_once("uses: ")).map(|(_, u)| u).collect();
        assert!(!uses.is_empty());
        for action in uses {
            let (_, rest) = action.split_once('@').unwrap();
            let (commit, version) = rest.split_once(" # v").unwrap_or_else(|| panic!("{name}: {action}"));
            assert!(commit.len() == 40 && commit.bytes().all(|b| b.is_ascii_hexdigit()), "{name}: {action}");
            assert!(version.starts_with(|c: char| c.is_ascii_digit()), "{name}: {action}");
        }
    }
}

/// The names are Tauri's (<https://v2.tauri.app/distribute/sign/macos/>), but for the last, which holds the file that
/// `APPLE_API_KEY_PATH` names.
#[test]
fn a_release_is_signed_by_what_tauri_asks_for_and_nothing_else_sees_a_secret() {
    let secrets = |text: &str| -> BTreeSet<String> {
        let ends = |c: char| !(c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_');
        text.split("secrets.").skip(1).map(|s| s.split(ends).next().unwrap().to_owned()).collect()
    };
    let release = workflow("release.yml");
    let names = [
        "APPLE_CERTIFICATE",
        "APPLE_CERTIFICATE_PASSWORD",
        "APPLE_SIGNING_IDENTITY",
        "APPLE_API_ISSUER",
        "APPLE_API_KEY",
        "APPLE_API_KEY_P8",
    ];
    assert_eq!(secrets(&release), BTreeSet::from(names.map(String::from)));
    let step = release.split_once("Bundle, signed and notarised").unwrap().1;
    let step = step.split_once("- name:").unwrap().0;
    assert_eq!(secrets(step).len(), names.len());
    assert!(step.contains("APPLE_API_KEY_PATH: "), "{step}");
    // elsewhere only whether there is one is asked
    let elsewhere = release.replace(step, "");
    let asked = elsewhere.matches("${{ secrets.APPLE_CERTIFICATE != '' }}").count();
    assert_eq!(elsewhere.matches("secrets.").count(), asked);
    assert!(secrets(&workflow("ci.yml")).is_empty());
}

#[test]
fn jobs_may_do_little_and_not_for_ever() {
    for name in WORKFLOWS {
        let text = workflow(name);
        let count = |what: &str| text.matches(what).count();
        assert_eq!(count("    runs-on: "), count("    timeout-minutes: "), "{name}");
        assert!(text.contains("\npermissions:\n  contents: read\n"), "{name}");
        assert_eq!(count("pull_request_target"), 0, "{name}");
    }
    let release = workflow("release.yml");
    assert_eq!(release.matches(": write").count(), 1);
    let last = release.split_once("\n  release:\n").unwrap().1;
    assert!(last.contains("      contents: write\n") && last.contains("needs: [mac, debian]"), "{last}");
}

#[test]
fn what_the_workflows_run_is_there() {
    for name in WORKFLOWS {
        let text = workflow(name);
        let words = text.split_whitespace().map(|w| w.trim_matches('"'));
        let scripts: BTreeSet<_> =
            words.filter(|w| w.starts_with("src-tauri/dist/") || w.starts_with(".ci/")).collect();
        assert!(!scripts.is_empty(), "{name}");
        for script in scripts {
            let parsed = Command::new("sh").arg("-n").arg(root().join(script)).output().unwrap();
            assert!(parsed.status.success(), "{script}: {}", String::from_utf8_lossy(&parsed.stderr));
        }
    }
}

#[test]
fn a_tag_has_to_be_the_version() {
    let check = |tag: &str| run(&script("version.sh"), &[tag]).status.success();
    let version = env!("CARGO_PKG_VERSION");
    assert!(check(&format!("v{version}")));
    for other in [version.to_owned(), format!("v{version}1"), "v".to_owned(), String::new()] {
        assert!(!check(&other), "{other}");
    }
}

/// What `release.sh` prints and puts beside the three files of a release.
fn released(signed: &str) -> (tempfile::TempDir, String) {
    let dir = tempfile::tempdir().unwrap();
    for file in ["Igloo_1.2.3_aarch64.dmg", "Igloo_1.2.3_x64.dmg", "Igloo_1.2.3_amd64.deb"] {
        fs::write(dir.path().join(file), file).unwrap();
    }
    let ran = run(&script("release.sh"), &[dir.path().to_str().unwrap(), "1.2.3", "them/igloo", signed]);
    assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));
    (dir, String::from_utf8(ran.stdout).unwrap())
}

fn checksums_hold(dir: &Path, files: usize) {
    let check = Command::new("sha256sum")
        .args(["--check", "--strict", "SHA256SUMS"])
        .current_dir(dir)
        .output()
        .unwrap();
    assert!(check.status.success(), "{}", String::from_utf8_lossy(&check.stderr));
    assert_eq!(fs::read_to_string(dir.join("SHA256SUMS")).unwrap().lines().count(), files);
}

#[test]
fn a_signed_release_has_checksums_and_a_cask_with_the_same() {
    let (dir, notes) = released("true");
    checksums_hold(dir.path(), 4);
    assert!(notes.contains("is signed and notarised") && !notes.contains("not signed"), "{notes}");
    let cask = fs::read_to_string(dir.path().join("igloo.rb")).unwrap();
    let code = cask.lines().filter(|l| !l.trim_start().starts_with('#')).collect::<Vec<_>>().join("\n");
    assert!(!code.contains('@'), "{code}");
    assert!(code.contains("version \"1.2.3\"") && code.contains("github.com/them/igloo/releases"), "{code}");
    let sums = fs::read_to_string(dir.path().join("SHA256SUMS")).unwrap();
    let sum = |file: &str| sums.lines().find(|l| l.ends_with(file)).unwrap().split(' ').next().unwrap();
    assert!(code.contains(&format!("arm:   \"{}\"", sum("aarch64.dmg"))), "{code}");
    assert!(code.contains(&format!("intel: \"{}\"", sum("x64.dmg"))), "{code}");
}

/// Homebrew installs no app that Gatekeeper refuses.
#[test]
fn an_unsigned_release_says_so_and_has_no_cask() {
    let (dir, notes) = released("false");
    checksums_hold(dir.path(), 3);
    assert!(notes.starts_with("**The Mac app is not signed"), "{notes}");
    assert!(!dir.path().join("igloo.rb").exists());
}
