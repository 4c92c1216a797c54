//! The image manifest, where it comes from, and the disks over it.

mod blank;
pub mod build;
mod cache;
pub mod disk;
mod erofs;
pub mod library;
mod manifest;
mod qemu_img;
mod store;
mod tool;

pub use disk::{Disk, Disks};
pub use library::Library;
pub use manifest::{Format, HostKey, Manifest, QemuOptions, Root, ShareFile, Store, Tools, VERSION};
pub use store::Stores;

use igloo_protocol::{Code, Problem, System};
use sha2::{Digest, Sha256};
use std::{
    fs, io,
    os::unix::fs::{FileExt, MetadataExt},
    path::{Path, PathBuf},
};

/// The manifest's name in an image's folder.
pub const MANIFEST: &str = "manifest.json";

/// An image whose files are all there. Made by [`Image::open`].
#[derive(Clone, Debug, PartialEq)]
pub struct Image {
    /// What it says; the paths in it are absolute.
    pub manifest: Manifest,
    /// The manifest's file.
    pub file: PathBuf,
    identity: String,
    base_identity: Option<String>,
}

impl Image {
    /// Opens an image: its folder, or its manifest. Looks at each file of it, and reads none but the
    /// manifest and the two ends of the base disk.
    ///
    /// # Errors
    /// [`Code::NoImage`] where nothing is there, [`Code::BadManifest`], and [`Code::BadImage`] naming
    /// the file that is missing, empty or not a file.
    pub fn open(path: &Path) -> Result<Image, Problem> {
        let file = manifest_file(path)?;
        let text = fs::read(&file).map_err(|e| no_image(path, &e.to_string()))?;
        let mut manifest = Manifest::parse(&text, &file)?;
        manifest.resolve(file.parent().unwrap_or(Path::new("/")));

        let mut hash = Sha256::new();
        hash.update(&text);
        for part in manifest.files() {
            hash.update(look(part)?);
        }
        let base_identity = match &manifest.root {
            Root::Base { path, .. } => {
                Some(disk_identity(path).map_err(|e| bad_image(path, &e.to_string()))?)
            }
            Root::Blank { .. } => None,
        };
        Ok(Image { manifest, file, identity: short_hex(hash), base_identity })
    }

    /// A short hash of the manifest and of its files' sizes and times of change.
    pub fn identity(&self) -> &str {
        &self.identity
    }

    /// A short hash of the base disk's size, time of change and two ends: an overlay fits only the
    /// base that it was made over. `None` for an image whose root is made blank.
    pub fn base_identity(&self) -> Option<&str> {
        self.base_identity.as_deref()
    }

    /// QEMU: as the manifest says, or the one of the guest's architecture.
    pub fn qemu_program(&self) -> PathBuf {
        match (&self.manifest.qemu, self.manifest.system) {
            (Some(q), _) => PathBuf::from(&q.program),
            (None, System::Aarch64Linux) => "qemu-system-aarch64".into(),
            (None, System::X86_64Linux) => "qemu-system-x86_64".into(),
        }
    }

    /// `qemu-img`: as the manifest says, or the one beside its QEMU where that is a path, else from `PATH`.
    pub fn qemu_img(&self) -> PathBuf {
        if let Some(named) = &self.manifest.tools.qemu_img {
            return named.clone();
        }
        beside(&self.qemu_program(), "qemu-img")
    }

    /// `mkfs.ext4`: as the manifest says, or from `PATH`.
    pub fn mkfs_ext4(&self) -> PathBuf {
        self.manifest.tools.mkfs_ext4.clone().unwrap_or_else(|| "mkfs.ext4".into())
    }

    /// `mkfs.erofs`: as the manifest says, or from `PATH`.
    pub fn mkfs_erofs(&self) -> PathBuf {
        self.manifest.tools.mkfs_erofs.clone().unwrap_or_else(|| "mkfs.erofs".into())
    }

    /// GNU tar: as the manifest says, or from `PATH`.
    pub fn tar(&self) -> PathBuf {
        self.manifest.tools.tar.clone().unwrap_or_else(|| "tar".into())
    }
}

/// A program that comes with another: the one beside it where that is a path, else from `PATH`.
fn beside(program: &Path, name: &str) -> PathBuf {
    let beside = program.with_file_name(name);
    if beside.is_absolute() && beside.exists() { beside } else { name.into() }
}

impl Manifest {
    /// Makes paths absolute: a relative one starts at the manifest's folder.
    fn resolve(&mut self, folder: &Path) {
        let mut paths = vec![&mut self.kernel];
        paths.extend(self.initrd.as_mut());
        paths.extend(self.store.as_mut().map(|s| &mut s.paths));
        if let Root::Base { path, .. } = &mut self.root {
            paths.push(path);
        }
        paths.extend(self.tools.each().filter(|tool| tool.components().count() > 1));
        for path in paths {
            *path = folder.join(&*path);
        }
        if let Some(q) = &mut self.qemu
            && q.program.contains('/')
        {
            q.program = folder.join(&q.program).to_string_lossy().into_owned();
        }
    }

    /// Every file that it names.
    fn files(&self) -> Vec<&Path> {
        let mut files = vec![self.kernel.as_path()];
        files.extend(self.initrd.as_deref());
        files.extend(self.store.as_ref().map(|s| s.paths.as_path()));
        if let Root::Base { path, .. } = &self.root {
            files.push(path);
        }
        files
    }
}

fn manifest_file(path: &Path) -> Result<PathBuf, Problem> {
    let meta = fs::metadata(path).map_err(|e| no_image(path, &e.to_string()))?;
    let file = if meta.is_dir() { path.join(MANIFEST) } else { path.to_owned() };
    // absolute, because QEMU and an overlay's header get paths made from it
    fs::canonicalize(&file).map_err(|e| no_image(&file, &e.to_string()))
}

/// The file's stamp, if it is a file with something in it.
fn look(file: &Path) -> Result<String, Problem> {
    let meta = fs::metadata(file).map_err(|e| bad_image(file, &e.to_string()))?;
    if !meta.is_file() {
        return Err(bad_image(file, "it is not a regular file"));
    }
    if meta.len() == 0 {
        return Err(bad_image(file, "it is empty"));
    }
    fs::File::open(file).map_err(|e| bad_image(file, &e.to_string()))?;
    stamp(file).map_err(|e| bad_image(file, &e.to_string()))
}

/// A file's size and time of change: `size-seconds.nanoseconds`.
///
/// # Errors
/// When it is not there.
pub fn stamp(file: &Path) -> io::Result<String> {
    let meta = fs::metadata(file)?;
    Ok(format!("{}-{}.{:09}", meta.len(), meta.mtime(), meta.mtime_nsec()))
}

/// See [`Image::base_identity`]. The ends are read because a time of change can be set back, and a
/// file system's first block changes with every mount.
fn disk_identity(disk: &Path) -> io::Result<String> {
    const END: u64 = 64 << 10;
    let file = fs::File::open(disk)?;
    let size = file.metadata()?.len();
    let mut hash = Sha256::new();
    hash.update(stamp(disk)?);
    for start in [0, size.saturating_sub(END)] {
        let mut end = vec![0; END.min(size) as usize];
        file.read_exact_at(&mut end, start)?;
        hash.update(&end);
    }
    Ok(short_hex(hash))
}

fn short_hex(hash: Sha256) -> String {
    hash.finalize().iter().take(16).map(|b| format!("{b:02x}")).collect()
}

fn no_image(path: &Path, why: &str) -> Problem {
    Problem::new(
        Code::NoImage,
        format!("There is no image at {}: {why}", path.display()),
        "Choose an image's folder in the settings, or make the image first",
    )
}

fn bad_image(file: &Path, why: &str) -> Problem {
    Problem::new(
        Code::BadImage,
        format!("The image's file {} can't be used: {why}", file.display()),
        "Make the image again",
    )
}

#[cfg(test)]
impl Image {
    /// An image that is nowhere.
    pub(crate) fn for_tests(manifest: Manifest) -> Image {
        let file = Path::new("/img").join(MANIFEST);
        Image { manifest, file, identity: "i".into(), base_identity: Some("b".into()) }
    }
}

#[cfg(test)]
mod tests;
