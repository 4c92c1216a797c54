//! The store images: read-only file systems with a closure in them, each made once, when it is first needed.

use super::{
    Image, bad_image,
    cache::{Cache, Making},
    erofs, short_hex,
    tool::{self, Ended},
};
use crate::host::paths::cannot;
use igloo_protocol::Problem;
use sha2::{Digest, Sha256};
use std::{
    fs,
    path::{Path, PathBuf},
};

/// What the images are made by; another number makes them all anew.
const RECIPE: &str = "erofs 1";

/// What takes the store's folder and macOS' case hack off the names, and leaves what links point to.
const TRANSFORMS: [&str; 2] = ["flags=rSh;s|/nix/store/||", r"flags=rSh;s|~nix~case~hack~[[:digit:]]\+||g"];

/// The one that nixpkgs' own script gives; the guest goes by the label.
const UUID: &str = "eb176051-bd15-49b7-9e6b-462e0b467019";

/// The store images in one folder.
#[derive(Clone, Debug)]
pub struct Stores(Cache);

impl Stores {
    /// The store images below the user's cache folder.
    pub fn new(cache_dir: &Path) -> Stores {
        Stores(Cache::new(cache_dir.join("stores")))
    }

    /// The folder.
    pub fn folder(&self) -> &Path {
        self.0.folder()
    }

    /// Every store image, whole and sorted.
    pub fn all(&self) -> Vec<PathBuf> {
        let entries = fs::read_dir(self.folder()).into_iter().flatten().flatten().map(|e| e.path());
        let mut all: Vec<_> = entries.filter(|file| file.extension().is_some_and(|e| e == "erofs")).collect();
        all.sort();
        all
    }

    /// Where the store image of `image` is, or would be. `None` for an image that needs none.
    ///
    /// # Errors
    /// [`igloo_protocol::Code::BadImage`] for a list of paths that can't be read, or is none.
    pub fn file(&self, image: &Image) -> Result<Option<PathBuf>, Problem> {
        let Some(store) = &image.manifest.store else { return Ok(None) };
        let text = fs::read_to_string(&store.paths).map_err(|e| bad_image(&store.paths, &e.to_string()))?;
        let key = key(&text, &store.label).map_err(|why| bad_image(&store.paths, &why))?;
        Ok(Some(self.folder().join(format!("store-{key}.erofs"))))
    }

    /// The store image of `image`, if it needs one: made unless it is there.
    ///
    /// # Errors
    /// [`igloo_protocol::Code::MissingTool`], [`igloo_protocol::Code::DiskFull`],
    /// [`igloo_protocol::Code::BadImage`]. Nothing half-made is left then.
    pub async fn ensure(&self, image: &Image) -> Result<Option<PathBuf>, Problem> {
        let (Some(file), Some(store)) = (self.file(image)?, &image.manifest.store) else { return Ok(None) };
        if erofs::check(&file, &store.label).is_ok() {
            return Ok(Some(file));
        }
        let making = self.0.lock().await?;
        // whoever had the lock before may have made it
        if let Err(why) = erofs::check(&file, &store.label) {
            tracing::info!(file = %file.display(), %why, "making the store image");
            make(&making, image, (&store.paths, &store.label), &file).await?;
        }
        Ok(Some(file))
    }
}

/// What the image of a closure is known by: a hash of its paths, in whatever order, and of the label.
fn key(paths: &str, label: &str) -> Result<String, String> {
    let mut paths: Vec<&str> = paths.lines().collect();
    if paths.is_empty() {
        return Err("it lists no path".into());
    }
    if let Some(odd) = paths.iter().find(|path| !path.starts_with('/')) {
        return Err(format!("{odd:?} is no absolute path"));
    }
    paths.sort_unstable();
    paths.dedup();
    let mut hash = Sha256::new();
    for line in [RECIPE, label].into_iter().chain(paths) {
        hash.update(line);
        hash.update("\n");
    }
    Ok(short_hex(hash))
}

/// tar | mkfs.erofs, as nixpkgs' `run-builder` does it, to a temporary name; then a look at it, then its name.
async fn make(
    making: &Making<'_>,
    image: &Image,
    (paths, label): (&Path, &str),
    file: &Path,
) -> Result<(), Problem> {
    let temp = making.temp()?;
    let (tar, mkfs) = (image.tar(), image.mkfs_erofs());
    let (reader, writer) = std::io::pipe().map_err(|e| cannot("make", file, &e))?;
    // what holds the pipe's ends must be gone before either is waited for
    let packing = tool::spawn(&tar, tool::command(&tar, tar_args(paths)).stdout(writer))?;
    let making_fs = tool::spawn(&mkfs, tool::command(&mkfs, mkfs_args(label, &temp)).stdin(reader))?;
    let (packed, made) = tokio::try_join!(Ended::of(packing), Ended::of(making_fs))?;
    // the one that failed first is the cause
    if made.found_disk_full() || packed.lost_its_reader() {
        made.check(&mkfs, file)?;
    }
    packed.check(&tar, file)?;
    made.check(&mkfs, file)?;
    erofs::check(&temp, label)
        .map_err(|why| bad_image(file, &format!("mkfs.erofs made no good one: {why}")))?;
    making.keep(temp, file)
}

fn tar_args(paths: &Path) -> Vec<String> {
    let mut args = vec!["--create", "--absolute-names", "--verbatim-files-from"];
    for transform in TRANSFORMS {
        args.extend(["--transform", transform]);
    }
    args.push("--files-from");
    args.into_iter().map(str::to_owned).chain([paths.to_string_lossy().into_owned()]).collect()
}

fn mkfs_args(label: &str, image: &Path) -> Vec<String> {
    let args = ["--quiet", "--force-uid=0", "--force-gid=0", "-L", label, "-U", UUID, "-T", "0", "--tar=f"];
    args.into_iter().map(str::to_owned).chain([image.to_string_lossy().into_owned()]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_closure_is_known_by_its_paths_and_its_label() {
        let known = key("/nix/store/a\n/nix/store/b\n", "nix-store").unwrap();
        assert_eq!(key("/nix/store/b\n/nix/store/a\n/nix/store/b", "nix-store").unwrap(), known);
        assert_ne!(key("/nix/store/a\n/nix/store/c\n", "nix-store").unwrap(), known);
        assert_ne!(key("/nix/store/a\n/nix/store/b\n", "other").unwrap(), known);
        for bad in ["", "\n", "/a\n\n/b", "--checkpoint-action=exec=x\n"] {
            assert!(key(bad, "l").is_err(), "{bad:?}");
        }
    }

    #[test]
    fn the_programs_are_called_as_nixpkgs_calls_them() {
        insta::assert_snapshot!(tar_args(Path::new("/c/store-paths")).join("\n"), @r"
        --create
        --absolute-names
        --verbatim-files-from
        --transform
        flags=rSh;s|/nix/store/||
        --transform
        flags=rSh;s|~nix~case~hack~[[:digit:]]\+||g
        --files-from
        /c/store-paths
        ");
        insta::assert_snapshot!(mkfs_args("nix-store", Path::new("/s/i")).join("\n"), @r"
        --quiet
        --force-uid=0
        --force-gid=0
        -L
        nix-store
        -U
        eb176051-bd15-49b7-9e6b-462e0b467019
        -T
        0
        --tar=f
        /s/i
        ");
    }
}
