//! The Homebrew cask: it installs what the bundler makes, and forgets nothing that the app leaves behind.

use super::{config, root};
use igloo_engine::host::{Paths, paths::Layout};
use std::{fs, path::PathBuf};

fn cask() -> String {
    fs::read_to_string(root().join("src-tauri/dist/igloo.rb")).unwrap()
}

/// The paths of its `zap`, as those of the user whose home is `/Users/a`.
fn zapped() -> Vec<PathBuf> {
    let cask = cask();
    let zap = cask.split_once("zap trash: [").unwrap().1.split_once(']').unwrap().0;
    zap.split('"').skip(1).step_by(2).map(|p| p.replacen('~', "/Users/a", 1).into()).collect()
}

#[test]
fn zap_removes_what_the_app_keeps_and_nothing_else() {
    let paths = Paths::resolve(Layout::Library, |name| (name == "HOME").then(|| "/Users/a".into())).unwrap();
    let kept = [paths.config_dir, paths.state_dir, paths.cache_dir, paths.runtime_dir];
    let zapped = zapped();
    for dir in &kept {
        assert!(zapped.iter().any(|z| dir.starts_with(z)), "{} stays", dir.display());
    }
    // what else macOS keeps of an app it keeps under the app's identifier
    let identifier = config()["identifier"].as_str().unwrap().to_owned();
    for path in zapped.iter().filter(|z| !kept.iter().any(|dir| dir.starts_with(z))) {
        let name = path.file_name().unwrap().to_str().unwrap();
        assert!(path.starts_with("/Users/a/Library") && name.starts_with(&identifier), "{}", path.display());
    }
}

#[test]
fn it_installs_what_the_bundler_makes() {
    let (cask, config) = (cask(), config());
    let name = config["productName"].as_str().unwrap();
    assert!(cask.contains(&format!("\n  app \"{name}.app\"\n")), "{cask}");
    assert!(cask.contains(&format!("\n  uninstall quit: {}\n", config["identifier"])), "{cask}");
    // the bundler's name of a disk image
    assert!(cask.contains(&format!("/v#{{version}}/{name}_#{{version}}_#{{arch}}.dmg\"")), "{cask}");
    assert!(cask.contains("arch arm: \"aarch64\", intel: \"x64\""), "{cask}");
    // the command line, by the name that the package's program has
    assert!(cask.contains(&format!("binary \"#{{appdir}}/{name}.app/Contents/MacOS/igloo\"")), "{cask}");
    assert!(env!("CARGO_BIN_EXE_igloo").ends_with("/igloo"));
    // Homebrew's name of macOS 13
    assert_eq!(config["bundle"]["macOS"]["minimumSystemVersion"], "13.0");
    assert!(cask.contains("depends_on macos: \">= :ventura\""), "{cask}");
}
