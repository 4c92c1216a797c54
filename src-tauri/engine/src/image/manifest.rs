//! `manifest.json`, version 1: what a hypervisor needs to know of an image, and nothing else.

use igloo_protocol::{Code, Problem, System};
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};

/// The only version there is.
pub const VERSION: u64 = 1;

/// A manifest. Paths are as they were written: [`super::Image`] resolves them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// [`VERSION`]
    pub version: u64,
    /// What the image is called.
    pub name: String,
    /// The system that the guest is.
    pub system: System,
    /// The kernel, as QEMU's `-kernel` takes it.
    pub kernel: PathBuf,
    /// The initial RAM disk.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub initrd: Option<PathBuf>,
    /// The kernel's command line, whole.
    pub cmdline: String,
    /// The root disk.
    pub root: Root,
    /// A read-only image of a Nix store, made from a list of store paths.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub store: Option<Store>,
    /// The tags of the 9p shares that the guest mounts; it may not boot without one of them.
    #[serde(default)]
    pub shares: Vec<String>,
    /// The guest's user that Nix logs in as.
    pub user: String,
    /// Where the guest reads the public keys that may log in.
    pub keys: ShareFile,
    /// Where the guest reads the certificates that it trusts; the engine copies the host's there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub certs: Option<ShareFile>,
    /// Which host key the guest's sshd shows.
    pub host_key: HostKey,
    /// The command that powers the guest off, run over ssh as [`Manifest::user`].
    pub power_off: String,
    /// Systems that the guest builds besides its own.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub extra_systems: Vec<System>,
    /// How QEMU runs it, where the default does not do.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub qemu: Option<QemuOptions>,
    /// The programs that make its disks, where those of `PATH` don't do.
    #[serde(default, skip_serializing_if = "Tools::is_empty")]
    pub tools: Tools,
}

/// Where the guest's root comes from.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum Root {
    /// A disk image that is only read; what the guest writes goes to an overlay over it.
    Base {
        /// The image.
        path: PathBuf,
        /// Its format.
        format: Format,
    },
    /// An empty disk that the engine creates and formats.
    Blank {
        /// The label of its file system.
        label: String,
        /// The kind of its file system.
        fs: String,
    },
}

/// A disk image's format.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Format {
    /// Bytes as they are.
    Raw,
    /// QEMU's own.
    Qcow2,
}

impl Format {
    /// The name that QEMU uses.
    pub const fn as_str(self) -> &'static str {
        match self {
            Format::Raw => "raw",
            Format::Qcow2 => "qcow2",
        }
    }
}

/// The contents of a store image.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Store {
    /// A file that lists store paths, one a line.
    pub paths: PathBuf,
    /// The label of its file system.
    pub label: String,
}

/// A file in a share.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ShareFile {
    /// The share.
    pub tag: String,
    /// The file's name in it.
    pub file: String,
}

/// Which host key the guest's sshd shows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum HostKey {
    /// One that is baked into the image.
    Known {
        /// Its public half, as in a `.pub` file.
        public: String,
    },
    /// One that the engine makes for each installation and lays into a share.
    Provided {
        /// The share.
        tag: String,
        /// The name of the private key's file in it.
        file: String,
    },
}

/// How QEMU runs the image.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct QemuOptions {
    /// The program: a name to be found in `PATH`, or a path.
    pub program: String,
    /// Arguments after the engine's own.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub args: Vec<String>,
}

/// Programs of the host: a name to be found in `PATH`, or a path.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Tools {
    /// `qemu-img`, for every disk.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub qemu_img: Option<PathBuf>,
    /// `mkfs.ext4`, for a blank root.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mkfs_ext4: Option<PathBuf>,
    /// `mkfs.erofs` of 1.7 or newer, for a store image.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mkfs_erofs: Option<PathBuf>,
    /// GNU tar, for a store image.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tar: Option<PathBuf>,
}

impl Tools {
    fn is_empty(&self) -> bool {
        *self == Tools::default()
    }

    /// Every one that is named.
    pub(super) fn each(&mut self) -> impl Iterator<Item = &mut PathBuf> {
        [&mut self.qemu_img, &mut self.mkfs_ext4, &mut self.mkfs_erofs, &mut self.tar].into_iter().flatten()
    }
}

impl Manifest {
    /// Parses `text`; `file` is only named in the problem.
    ///
    /// # Errors
    /// [`Code::BadManifest`], naming the file and the key that is unknown, missing or wrong.
    pub fn parse(text: &[u8], file: &Path) -> Result<Manifest, Problem> {
        let bad = |why: String| bad_manifest(file, &why);
        let value: serde_json::Value = serde_json::from_slice(text).map_err(|e| bad(e.to_string()))?;
        match value.get("version") {
            None => return Err(bad("the key `version` is missing".into())),
            Some(v) if v.as_u64() == Some(VERSION) => {}
            Some(v) => return Err(bad(format!("the version is {v}, and this Igloo knows only {VERSION}"))),
        }
        // from the text again, for the line of an error and for keys given twice
        let manifest: Manifest = serde_json::from_slice(text).map_err(|e| bad(e.to_string()))?;
        manifest.check().map_err(bad)?;
        Ok(manifest)
    }

    /// Every system that the guest builds, its own first.
    pub fn systems(&self) -> Vec<System> {
        let mut all = vec![self.system];
        all.extend(self.extra_systems.iter().filter(|s| **s != self.system));
        all
    }

    /// Whether the guest may only read the share `tag`.
    pub fn is_read_only(&self, tag: &str) -> bool {
        self.keys.tag == tag || self.certs.as_ref().is_some_and(|certs| certs.tag == tag)
    }

    /// What the types don't say.
    fn check(&self) -> Result<(), String> {
        for (key, value) in [("name", &self.name), ("power_off", &self.power_off)] {
            if value.trim().is_empty() {
                return Err(format!("the key `{key}` is empty"));
            }
        }
        if !plain(&self.user) || self.user.starts_with('-') {
            return Err(format!("`user` is {:?}, which is no user's name", self.user));
        }
        for (i, tag) in self.shares.iter().enumerate() {
            // 31: the limit of virtio-9p's mount tags
            if !plain(tag) || tag.len() > 31 {
                return Err(format!("`shares` has {tag:?}, which is no mount tag"));
            }
            if self.shares[..i].contains(tag) {
                return Err(format!("`shares` has {tag:?} twice"));
            }
        }
        self.check_share_file("keys", &self.keys.tag, &self.keys.file)?;
        if let Some(certs) = &self.certs {
            self.check_share_file("certs", &certs.tag, &certs.file)?;
        }
        if let Root::Blank { label, fs } = &self.root {
            check_label("root.label", label)?;
            if fs != "ext4" {
                return Err(format!("`root.fs` is {fs:?}, and this Igloo makes only ext4"));
            }
        }
        if let Some(store) = &self.store {
            check_label("store.label", &store.label)?;
        }
        if let HostKey::Provided { tag, file } = &self.host_key {
            self.check_share_file("host_key", tag, file)?;
        }
        Ok(())
    }

    fn check_share_file(&self, key: &str, tag: &str, file: &str) -> Result<(), String> {
        if !self.shares.iter().any(|t| t == tag) {
            return Err(format!("`{key}.tag` is {tag:?}, which is none of `shares`"));
        }
        if !plain(file) {
            return Err(format!("`{key}.file` is {file:?}, which is no plain file name"));
        }
        Ok(())
    }
}

/// 15: the volume name of erofs has 16 bytes with the final NUL; ext4's may have one more.
fn check_label(key: &str, label: &str) -> Result<(), String> {
    if plain(label) && label.len() <= 15 {
        Ok(())
    } else {
        Err(format!("`{key}` is {label:?}, which is no label"))
    }
}

/// Letters, digits, `-`, `_` and `.`, not `.` first: safe as a file name, a tag and a user.
fn plain(s: &str) -> bool {
    !s.is_empty()
        && !s.starts_with('.')
        && s.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.'))
}

pub(super) fn bad_manifest(file: &Path, why: &str) -> Problem {
    Problem::new(
        Code::BadManifest,
        format!("{} is not a valid manifest: {why}", file.display()),
        "Make the image again, or correct the manifest",
    )
}

#[cfg(test)]
mod tests;
