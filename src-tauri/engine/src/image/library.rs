//! The images that Igloo has built, and what of them is still needed.

use super::{
    Image, MANIFEST, Root, Stores,
    cache::{Cache, Making, TEMP_PREFIX},
};
use crate::{
    files,
    host::{
        Paths,
        paths::{cannot, private_dir},
    },
    settings::Settings,
    vm::RunDir,
};
use igloo_protocol::{BuilderId, Problem, System};
use serde::Serialize;
use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

/// Links to images in the Nix store, each a root of Nix' garbage collector, and the store images beside them.
#[derive(Clone, Debug)]
pub struct Library {
    links: Cache,
    stores: Stores,
}

/// An image that was built, or that a builder uses.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Entry {
    /// What the setting `image` may name.
    pub folder: PathBuf,
    /// What the image is called; `None` where it can't be read.
    pub name: Option<String>,
    /// The guest's system.
    pub system: Option<System>,
    /// The size of its store image or of its base disk, in bytes as the disk has them; `None` where there is none yet.
    pub bytes: Option<u64>,
    /// The builders that start from it, or run it.
    pub used_by: Vec<BuilderId>,
}

/// What was removed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Collected {
    /// Images that Nix may collect now.
    pub images: Vec<PathBuf>,
    /// Store images.
    pub stores: Vec<PathBuf>,
    /// The room that they took, in bytes.
    pub bytes: u64,
}

/// Which manifests the builders start from or run.
pub type Uses = BTreeMap<PathBuf, BTreeSet<BuilderId>>;

/// What the builders use: the images of the settings, and those of machines that run.
pub fn uses(paths: &Paths, settings: &Settings) -> Uses {
    let mut uses = Uses::new();
    for id in BuilderId::ALL {
        let chosen = settings.builder(id).image.clone().map(|folder| manifest_in(&folder));
        let running = RunDir::new(paths.run_dir(id)).read().map(|record| record.manifest);
        for manifest in chosen.into_iter().chain(running) {
            uses.entry(manifest).or_default().insert(id);
        }
    }
    uses
}

impl Library {
    /// The library of a user.
    pub fn new(paths: &Paths) -> Library {
        Library { links: Cache::new(paths.state_dir.join("images")), stores: Stores::new(&paths.cache_dir) }
    }

    /// The store images.
    pub fn stores(&self) -> &Stores {
        &self.stores
    }

    /// Held while an image is built: one at a time, and nothing is collected meanwhile.
    pub(super) async fn lock(&self) -> Result<Making<'_>, Problem> {
        private_dir(self.links.folder())?;
        self.links.lock().await
    }

    /// The link of the image that is being built; one that is left of a build that was cut off goes with the next lock.
    pub(super) fn building(&self) -> PathBuf {
        self.links.folder().join(format!("{TEMP_PREFIX}building"))
    }

    /// The link of an image in the Nix store: named by the path's hash.
    pub(super) fn root_for(&self, made: &Path) -> PathBuf {
        let base = made.file_name().unwrap_or_default().to_string_lossy();
        self.links.folder().join(base.split('-').next().unwrap_or(&base))
    }

    /// The images that were built, and those that builders use besides.
    pub fn list(&self, uses: &Uses) -> Vec<Entry> {
        let mut by_manifest: BTreeMap<PathBuf, PathBuf> = BTreeMap::new();
        for manifest in uses.keys() {
            by_manifest.insert(manifest.clone(), manifest.parent().unwrap_or(manifest).to_owned());
        }
        for link in self.links() {
            by_manifest.insert(manifest_in(&link), link);
        }
        by_manifest.into_iter().map(|(manifest, folder)| self.entry(folder, uses.get(&manifest))).collect()
    }

    /// Removes the links to images that no builder uses, and the store images of none that a builder uses.
    ///
    /// # Errors
    /// A used image that can't be read, since its store image is not known then; a file that can't be removed.
    pub async fn collect(&self, uses: &Uses) -> Result<Collected, Problem> {
        let _lock = self.lock().await?;
        let mut kept = BTreeSet::new();
        for manifest in uses.keys() {
            kept.extend(self.stores.file(&Image::open(manifest)?)?);
        }
        let mut collected = Collected::default();
        for link in self.links().into_iter().filter(|link| !uses.contains_key(&manifest_in(link))) {
            files::remove(&link).map_err(|e| cannot("remove", &link, &e))?;
            collected.images.push(link);
        }
        for file in self.stores.all().into_iter().filter(|file| !kept.contains(file)) {
            collected.bytes += allocated(&file).unwrap_or_default();
            files::remove(&file).map_err(|e| cannot("remove", &file, &e))?;
            collected.stores.push(file);
        }
        Ok(collected)
    }

    /// The links, sorted.
    fn links(&self) -> Vec<PathBuf> {
        let entries = fs::read_dir(self.links.folder()).into_iter().flatten().flatten();
        let whole =
            entries.filter(|e| !e.file_name().to_string_lossy().starts_with(TEMP_PREFIX)).map(|e| e.path());
        let mut links: Vec<_> = whole.filter(|path| path.is_symlink()).collect();
        links.sort();
        links
    }

    fn entry(&self, folder: PathBuf, used_by: Option<&BTreeSet<BuilderId>>) -> Entry {
        let image = Image::open(&folder).ok();
        let bytes = image.as_ref().and_then(|image| match &image.manifest.root {
            Root::Base { path, .. } => allocated(path),
            Root::Blank { .. } => allocated(&self.stores.file(image).ok()??),
        });
        let manifest = image.map(|image| image.manifest);
        Entry {
            folder,
            bytes,
            system: manifest.as_ref().map(|m| m.system),
            name: manifest.map(|m| m.name),
            used_by: used_by.into_iter().flatten().copied().collect(),
        }
    }
}

/// The manifest that a folder, or a link to it, leads to.
fn manifest_in(folder: &Path) -> PathBuf {
    let file = if folder.is_dir() { folder.join(MANIFEST) } else { folder.to_owned() };
    fs::canonicalize(&file).unwrap_or(file)
}

/// What a file takes of the disk, in bytes.
fn allocated(file: &Path) -> Option<u64> {
    use std::os::unix::fs::MetadataExt;
    fs::metadata(file).ok().map(|meta| meta.blocks() * 512)
}

#[cfg(test)]
mod tests;
