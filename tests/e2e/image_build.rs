//! `igloo image`: built by the real Nix, of a stub in place of nixpkgs, kept from being collected, and let go.

use crate::support::{Home, Run};
use igloo_protocol::Code;
use std::path::PathBuf;

fn stub(file: &str) -> String {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    root.join("src-tauri/engine/tests/image_nix").join(file).to_string_lossy().into_owned()
}

fn home() -> Home {
    let mut home = Home::in_sandbox();
    home.sandbox_mut().start_nix();
    home.serve();
    home
}

fn build(home: &Home, more: &[&str]) -> Run {
    let nixpkgs = stub("newer");
    home.igloo(&[&["image", "build", "--builder", "x86_64", "--nixpkgs", &nixpkgs], more].concat())
}

/// The folder that the native builder's setting names.
fn chosen(home: &Home) -> String {
    home.igloo(&["settings", "get", "builders.x86_64.image"]).ok().out.trim().to_owned()
}

#[test]
fn an_image_is_built_chosen_kept_and_let_go() {
    let home = home();
    let built = build(&home, &[]).ok();
    assert!(built.out.contains("x86_64 uses nixpkgs 26.05"), "{}", built.out);
    assert!(built.err.contains("built"), "progress in counts: {}", built.err);
    let stock = chosen(&home);
    assert!(stock.starts_with(&*home.path().join("state/images").to_string_lossy()), "{stock}");
    let list = home.igloo(&["image", "list"]).ok().out;
    assert!(list.contains("nixpkgs 26.05, x86_64-linux, ") && list.contains("used by x86_64"), "{list}");

    // everything that the manifest names outlives Nix' collector
    home.sandbox().sh("nix-collect-garbage").ok();
    let names_all = format!("grep -o '/nix/store/[^\" ]*' {stock}/manifest.json | xargs ls -d");
    home.sandbox().sh(&names_all).ok();

    let config = stub("config.nix");
    build(&home, &["--config", &config]).ok();
    let mine = chosen(&home);
    assert_ne!(mine, stock);
    let stores = || home.sandbox().sh(&format!("ls {}/cache/stores", home.path().display())).ok().out;
    assert_eq!(stores().lines().count(), 2, "{}", stores());
    home.igloo(&["image", "gc"]).ok();
    assert_eq!(stores().lines().count(), 1, "{}", stores());
    let whole = home.sandbox().sh(&format!("readlink {mine}; test ! -e {stock}")).ok().out;
    home.sandbox().sh("nix-collect-garbage").ok();
    home.sandbox().sh(&format!("ls {whole}")).ok();
    assert_eq!(home.igloo(&["image", "gc"]).ok().out, "nothing to remove: each image is used by a builder\n");
}

#[test]
fn a_guest_that_nothing_builds_says_how_to_get_a_builder() {
    let home = home();
    let (nixpkgs, config) = (stub("newer"), stub("config.nix"));
    let args = ["image", "build", "--builder", "aarch64", "--nixpkgs", &nixpkgs];
    let stock = home.igloo(&args).failed(Code::ImageFailed);
    assert!(stock.err.contains("in no cache"), "{}", stock.err);
    let mine = home.igloo(&[&args[..], &["--config", &config]].concat()).failed(Code::ImageFailed);
    assert!(mine.err.contains("Build the stock image first"), "{}", mine.err);
    build(&home, &["--config", "/nonexistent.nix"]).failed(Code::Usage);
}
