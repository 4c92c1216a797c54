//! Builder images of the demo and of the end-to-end tests, in the cache.

use crate::{cache, run};
use anyhow::{Context, Result};
use std::path::{Path, PathBuf};

/// Architectures that images are made for, by Debian's names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Arch {
    /// x86_64
    Amd64,
    /// aarch64
    Arm64,
}

impl Arch {
    /// This machine's own.
    pub const NATIVE: Arch = if cfg!(target_arch = "aarch64") { Arch::Arm64 } else { Arch::Amd64 };

    /// Debian's name.
    pub fn debian(self) -> &'static str {
        match self {
            Arch::Amd64 => "amd64",
            Arch::Arm64 => "arm64",
        }
    }

    /// The name of Igloo's builder.
    pub fn builder(self) -> &'static str {
        match self {
            Arch::Amd64 => "x86_64",
            Arch::Arm64 => "aarch64",
        }
    }
}

/// Find or make an image; gives its folder, which has a `manifest.json`. The recipe itself is
/// what makes a half-made image invisible and makers wait for one another.
pub fn find_or_make(root: &Path, arch: Arch) -> Result<PathBuf> {
    let recipe = root.join("tests/image");
    let key = run::capture(run::command(recipe.join("key.sh")).arg(arch.debian()))?;
    let key = key.split_whitespace().next().context("tests/image/key.sh prints no key")?;
    let image = cache::root()?.join("images").join(key);
    run::run(run::command(recipe.join("make-image.sh")).arg(arch.debian()).arg(&image))?;
    Ok(image)
}
