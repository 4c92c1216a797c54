//! A newer Nix than the machine's Debian has, for the end-to-end tests: Debian's own packages of
//! another suite, unpacked into the cache with the libraries they want, the C library included. With
//! it comes `mkfs.erofs`, since that of Debian 12 (1.5) does not read tar archives.

use crate::{
    apt::{Release, machine_sources, sources},
    cache, run,
};
use anyhow::{Context, Result, bail};
use std::{
    fs,
    path::{Path, PathBuf},
};

/// The packages that are unpacked, and the programs of them that are made to run.
const PACKAGES: &str = "nix-bin,erofs-utils";
const PROGRAMS: [&str; 3] = ["nix", "mkfs.erofs", "dump.erofs"];

const KEYRING: &str = "/usr/share/keyrings/debian-archive-keyring.gpg";

/// Debian suites whose Nix can be had.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Suite {
    /// Nix 2.26
    Trixie,
    /// Debian's newest Nix
    Sid,
}

impl Suite {
    fn name(self) -> &'static str {
        match self {
            Suite::Trixie => "trixie",
            Suite::Sid => "sid",
        }
    }
}

/// Find or make the Nix of a suite; gives the folder with `nix`, `nix-daemon`, `nix-build`, ….
pub fn find_or_make(suite: Suite) -> Result<PathBuf> {
    let key = cache::key(&[include_str!("host_nix.rs"), suite.name(), std::env::consts::ARCH]);
    let dir = cache::root()?.join("nix").join(format!("{}-{key}", suite.name()));
    cache::made(&dir, |partial| make(suite, partial, &dir))?;
    let bin = dir.join("usr/bin");
    run::capture(run::command(bin.join("nix")).arg("--version")).context("the unpacked Nix does not run")?;
    Ok(bin)
}

fn make(suite: Suite, partial: &Path, dir: &Path) -> Result<()> {
    if !run::is_root() {
        bail!("unpacking Debian's packages needs root");
    }
    unpack(suite, partial)?;
    for unused in ["var", "etc", "dev", "usr/share"] {
        cache::remove(&partial.join(unused))?;
    }
    let libraries = folder_of_libraries(partial)?;
    let inside = libraries.strip_prefix(partial)?;
    // the loader's path is absolute, so it is that of the final folder
    let loader = dir.join(inside).join(loader_name());
    let path = dir.join(inside);
    for program in PROGRAMS {
        let mut patch = run::command("patchelf");
        patch.arg("--set-interpreter").arg(&loader).args(["--force-rpath", "--set-rpath"]).arg(&path);
        run::run(patch.arg(partial.join("usr/bin").join(program)))?;
    }
    for entry in fs::read_dir(&libraries)? {
        let file = entry?.path();
        if wants_path(&file) {
            // some are linker scripts or have no dynamic section: they need none
            run::outcome(
                run::command("patchelf").args(["--force-rpath", "--set-rpath"]).arg(&path).arg(&file),
            )?;
        }
    }
    Ok(())
}

fn unpack(suite: Suite, to: &Path) -> Result<()> {
    let codename = Release::of_this_machine().map(|release| release.codename).unwrap_or_default();
    let mirror = sources::archive_uri(&machine_sources()?, &codename)
        .context("this machine has no Debian archive among its apt sources: run this on Debian")?;
    let mut unpack = run::command("mmdebstrap");
    unpack.args(["--quiet", "--variant=extract", "--mode=root"]);
    unpack.arg(format!("--include={PACKAGES}"));
    // mmdebstrap does not read the machine's apt.conf
    unpack.arg("--aptopt=Acquire::Check-Valid-Until \"false\"");
    unpack.arg("--aptopt=APT::Install-Recommends \"false\"");
    let config = run::capture(run::command("apt-config").arg("dump"))?;
    unpack.args(proxies(&config).map(|proxy| format!("--aptopt={proxy}")));
    unpack.arg(suite.name()).arg(to);
    run::run(unpack.arg(format!("deb [signed-by={KEYRING}] {mirror} {} main", suite.name())))
}

fn proxies(config: &str) -> impl Iterator<Item = &str> {
    config.lines().filter(|line| {
        let line = line.to_lowercase();
        line.starts_with("acquire::http::proxy") || line.starts_with("acquire::https::proxy")
    })
}

fn folder_of_libraries(root: &Path) -> Result<PathBuf> {
    let name = format!("{}-linux-gnu", std::env::consts::ARCH);
    let dir = root.join("usr/lib").join(name);
    if !dir.join(loader_name()).exists() {
        bail!("{} has no {}", dir.display(), loader_name());
    }
    Ok(dir)
}

fn loader_name() -> &'static str {
    if cfg!(target_arch = "aarch64") { "ld-linux-aarch64.so.1" } else { "ld-linux-x86-64.so.2" }
}

/// The C library finds its own parts, and patching it breaks it.
fn wants_path(file: &Path) -> bool {
    let name = file.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    let is_libc = ["ld-linux", "libc.so", "libc-", "libpthread", "libm.so", "libdl"];
    let is_library = name.starts_with("lib") && name.contains(".so") && !file.is_symlink();
    is_library && !is_libc.iter().any(|part| name.starts_with(part))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn proxies_are_passed_on() {
        let config = "Acquire \"\";\nAcquire::http::Proxy \"http://p:1\";\nAcquire::Retries \"3\";\n";
        assert_eq!(proxies(config).collect::<Vec<_>>(), ["Acquire::http::Proxy \"http://p:1\";"]);
    }

    #[test]
    fn the_c_library_is_left_alone() {
        let wants = |name| wants_path(Path::new(name));
        assert!(wants("libnixstore.so") && wants("libsodium.so.23.3.0"));
        assert!(!wants("libc.so.6") && !wants("ld-linux-x86-64.so.2") && !wants("gconv"));
    }
}
