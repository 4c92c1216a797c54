//! A Rust toolchain that has the standard library of the Apple targets.

use super::{TARGETS, std_source};
use crate::{cache, run};
use anyhow::{Context, Result, bail};
use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

/// Where cargo and rustc are.
pub struct Toolchain {
    /// The folder with `bin` and `lib` of a toolchain of ours; `None`: the one on the PATH will do.
    own: Option<PathBuf>,
}

impl Toolchain {
    /// The machine's own if it has the targets or rustup can give them to it, else a copy in the
    /// cache, with a standard library built from Debian's sources of it.
    pub fn find_or_make(build_std: bool) -> Result<Toolchain> {
        let sysroot = rustc(&["--print", "sysroot"])?;
        let sysroot = Path::new(sysroot.trim());
        if !build_std && TARGETS.iter().all(|target| has_std(sysroot, target)) {
            return Ok(Toolchain { own: None });
        }
        let version = rustc(&["-vV"])?;
        let key = cache::key(&[&version, include_str!("toolchain.rs"), include_str!("std_source.rs")]);
        let own = cache::root()?.join("darwin").join(key);
        if !own.is_dir() && !build_std && rustup_adds_targets() {
            return Ok(Toolchain { own: None });
        }
        cache::made(&own, |partial| make(partial, sysroot, &version))?;
        Ok(Toolchain { own: Some(own) })
    }

    /// A cargo command.
    pub fn cargo(&self, subcommand: &str) -> Command {
        let mut command = match &self.own {
            None => run::command("cargo"),
            Some(dir) => own_cargo(dir),
        };
        command.arg(subcommand);
        command
    }
}

fn rustc(args: &[&str]) -> Result<String> {
    run::capture(run::command("rustc").args(args))
}

fn has_std(sysroot: &Path, target: &str) -> bool {
    let libraries = fs::read_dir(sysroot.join("lib/rustlib").join(target).join("lib"));
    libraries.is_ok_and(|entries| {
        entries.flatten().any(|entry| entry.file_name().to_string_lossy().starts_with("libstd-"))
    })
}

fn rustup_adds_targets() -> bool {
    let added = run::outcome(run::command("rustup").args(["target", "add"]).args(TARGETS));
    match added {
        Ok(outcome) if outcome.success => true,
        Ok(outcome) => {
            println!(
                "rustup cannot add the targets here: {}",
                outcome.stderr.lines().last().unwrap_or_default()
            );
            false
        }
        Err(_) => false,
    }
}

/// Cargo of a toolchain folder, with nothing that would lead its rustc to another one: rustc finds
/// its standard library from where its own shared library is.
fn own_cargo(dir: &Path) -> Command {
    let bin = dir.join("bin");
    let mut command = run::command(bin.join("cargo"));
    let path = std::env::var_os("PATH").unwrap_or_default();
    let path = std::iter::once(bin.clone()).chain(std::env::split_paths(&path));
    if let Ok(path) = std::env::join_paths(path) {
        command.env("PATH", path);
    }
    command.env("RUSTC", bin.join("rustc"));
    command.env_remove("LD_LIBRARY_PATH").env_remove("RUSTUP_TOOLCHAIN");
    command
}

fn make(dir: &Path, sysroot: &Path, version: &str) -> Result<()> {
    let line = |name: &str| version.lines().find_map(|line| line.strip_prefix(name)).map(str::trim);
    let (release, host) =
        (line("release:").context("rustc has no release")?, line("host:").context("rustc has no host")?);
    println!("making the standard library of macOS for rustc {release}, once");
    copy_toolchain(dir, sysroot, host)?;
    std_source::put(release, &dir.join("lib/rustlib/src/rust"))?;
    for target in TARGETS {
        build_std(dir, target)?;
    }
    Ok(())
}

/// Hard links where the file system can, so that it costs no space and rustup's own stays as it is.
fn copy_toolchain(dir: &Path, sysroot: &Path, host: &str) -> Result<()> {
    let rustlib = dir.join("lib/rustlib");
    fs::create_dir_all(&rustlib)?;
    copy(&sysroot.join("bin"), dir)?;
    for entry in fs::read_dir(sysroot.join("lib"))? {
        let file = entry?.path();
        if !file.is_dir() {
            copy(&file, &dir.join("lib"))?;
        }
    }
    if sysroot.join("libexec").is_dir() {
        copy(&sysroot.join("libexec"), dir)?;
    }
    copy(&sysroot.join("lib/rustlib").join(host), &rustlib)
}

fn copy(from: &Path, into: &Path) -> Result<()> {
    let linked = run::outcome(run::command("cp").arg("-al").arg(from).arg(into))?;
    if linked.success {
        return Ok(());
    }
    run::run(run::command("cp").args(["-a", "--remove-destination"]).arg(from).arg(into))
}

/// Build a crate that has nothing in it with `-Z build-std`, and keep what std became.
fn build_std(dir: &Path, target: &str) -> Result<()> {
    let seed = dir.join("seed");
    fs::create_dir_all(seed.join("src"))?;
    fs::write(seed.join("src/lib.rs"), "")?;
    fs::write(seed.join("Cargo.toml"), SEED)?;
    let mut build = own_cargo(dir);
    build.args(["build", "--quiet", "--release", "--target", target, "--target-dir", "target"]);
    build.arg("-Zbuild-std=std,panic_unwind,panic_abort,proc_macro,test");
    // the unstable option, with a stable rustc; the bitcode is what rustup's own std has
    build.env("RUSTC_BOOTSTRAP", "1").env("RUSTFLAGS", "-Cembed-bitcode=yes");
    build.env_remove("CARGO_TARGET_DIR").env_remove("CARGO_ENCODED_RUSTFLAGS").current_dir(&seed);
    run::run(&mut build)?;
    let libraries = dir.join("lib/rustlib").join(target).join("lib");
    fs::create_dir_all(&libraries)?;
    for entry in fs::read_dir(seed.join("target").join(target).join("release/deps"))? {
        let file = entry?.path();
        let name = file.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        if name.ends_with(".rlib") && !name.starts_with("libseed-") {
            fs::copy(&file, libraries.join(name))?;
        }
    }
    cache::remove(&seed)?;
    if !has_std(dir, target) {
        bail!("building std for {target} made no libstd");
    }
    Ok(())
}

const SEED: &str = r#"cargo-features = ["profile-rustflags"]
[package]
name = "seed"
version = "0.0.0"
edition = "2024"
[workspace]
# else rustc refuses this std for profiles with panic = "abort"
[profile.release.package.panic_abort]
rustflags = ["-Cpanic=abort"]
"#;
