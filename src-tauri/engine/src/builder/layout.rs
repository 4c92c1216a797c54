//! What a builder has on disk: its keys, and the shares that its guest sees.

use super::certs;
use crate::{
    files,
    host::{
        Paths,
        paths::{cannot, private_dir},
    },
    image::{Disks, HostKey, Image, Stores},
    keys::{HOST_KEY, PublicKey, UserKey, ensure_pair},
    vm::{RunDir, mapped},
};
use igloo_protocol::{BuilderId, Code, Problem};
use std::{
    fs,
    path::{Path, PathBuf},
};

/// The public half of the Nix daemon's key, where `igloo-admin` has made one.
const DAEMON_KEY: &str = "daemon.pub";

/// Asks for a clean disk at the next start.
const RESET_MARK: &str = "reset-at-next-start";

/// What a builder has on disk.
#[derive(Clone, Debug)]
pub struct Layout {
    dir: PathBuf,
    cache_dir: PathBuf,
    run_dir: RunDir,
}

/// The keys of one builder.
#[derive(Clone)]
pub struct Keys {
    /// The user's own: Igloo and the user's terminal log in with it.
    pub user: UserKey,
    /// What the guest's sshd must show.
    pub host: PublicKey,
}

impl Layout {
    /// The layout of one builder below the user's paths.
    pub fn new(paths: &Paths, id: BuilderId) -> Layout {
        Layout {
            dir: paths.builder_dir(id),
            cache_dir: paths.cache_dir.clone(),
            run_dir: RunDir::new(paths.run_dir(id)),
        }
    }

    /// The disks of the builder, whose layout this is.
    pub fn disks(&self, id: BuilderId) -> Disks {
        Disks::new(self.dir.join("disks"), &self.cache_dir, id)
    }

    /// The store images, which all builders share.
    pub fn stores(&self) -> Stores {
        Stores::new(&self.cache_dir)
    }

    /// Lays out the certificates that the guest trusts, where it looks for any: after [`Layout::prepare`]. What the user
    /// should know, though it does not stop the start.
    ///
    /// # Errors
    /// A disk that is full.
    pub fn certificates(&self, image: &Image) -> Result<Option<Problem>, Problem> {
        let Some(certs) = &image.manifest.certs else { return Ok(None) };
        certs::lay_out(&self.share(&certs.tag), &certs.file)
    }

    /// The sockets' and the record's folder.
    pub fn run_dir(&self) -> &RunDir {
        &self.run_dir
    }

    /// Makes the guest's key where it is missing, and lays out the shares that the image asks for.
    ///
    /// # Errors
    /// Keys that are damaged, a disk that is full, a share that nobody knows.
    pub fn prepare(&self, image: &Image, user: UserKey) -> Result<(Keys, Vec<(String, PathBuf)>), Problem> {
        private_dir(&self.dir)?;
        let manifest = &image.manifest;
        let keys = Keys { user, host: self.host_key(image)? };
        let mut shares = Vec::new();
        for tag in &manifest.shares {
            let share = self.share(tag);
            private_dir(&share)?;
            shares.push((tag.clone(), share));
        }
        self.authorize(image, &keys.user)?;
        if let HostKey::Provided { tag, file } = &manifest.host_key {
            let private = self.dir.join("keys").join(HOST_KEY);
            let text = fs::read(&private).map_err(|e| cannot("read", &private, &e))?;
            share_file(&self.share(tag).join(file), &text, 0o600)?;
        }
        Ok((keys, shares))
    }

    /// What the guest's sshd must show: made where it is missing.
    ///
    /// # Errors
    /// A key that is damaged, a disk that is full.
    pub fn host_key(&self, image: &Image) -> Result<PublicKey, Problem> {
        match &image.manifest.host_key {
            HostKey::Known { public } => parse_key(public),
            HostKey::Provided { .. } => {
                parse_key(&ensure_pair(&self.dir.join("keys"), HOST_KEY, "root@igloo")?.public_line)
            }
        }
    }

    /// Writes who may log in: the user, and the Nix daemon where it has a key. The guest's sshd
    /// reads it at each login, so this works while the guest runs.
    ///
    /// # Errors
    /// A disk that is full, an image without a share for the keys.
    pub fn authorize(&self, image: &Image, user: &UserKey) -> Result<(), Problem> {
        let keys = &image.manifest.keys;
        let mut lines = user.public_line().trim().to_owned() + "\n";
        if let Some(daemon) = self.daemon_key() {
            lines += &daemon;
            lines.push('\n');
        }
        let share = self.share(&keys.tag);
        private_dir(&share)?;
        // sshd refuses a file, and one in a folder, that is neither root's nor the user's who logs in
        let folder = fs::File::open(&share).and_then(|folder| mapped::to_root(&folder, 0o755));
        folder.map_err(|e| cannot("give to the guest's root", &share, &e))?;
        share_file(&share.join(&keys.file), lines.as_bytes(), 0o644)
    }

    /// The Nix daemon's public key, where one was handed over.
    pub fn daemon_key(&self) -> Option<String> {
        let line = fs::read_to_string(self.dir.join("keys").join(DAEMON_KEY)).ok()?;
        Some(line.trim().to_owned()).filter(|line| !line.is_empty())
    }

    /// Keeps, or forgets, the Nix daemon's public key.
    ///
    /// # Errors
    /// [`Code::Usage`] for what is no key.
    pub fn set_daemon_key(&self, line: Option<&str>) -> Result<(), Problem> {
        let dir = self.dir.join("keys");
        private_dir(&dir)?;
        let file = dir.join(DAEMON_KEY);
        match line {
            Some(line) => write(&file, (parse_key(line)?.line() + "\n").as_bytes()),
            None => remove(&file),
        }
    }

    /// Asks for a clean disk at the next start.
    ///
    /// # Errors
    /// A disk that is full.
    pub fn ask_reset(&self) -> Result<(), Problem> {
        private_dir(&self.dir)?;
        write(&self.dir.join(RESET_MARK), b"")
    }

    /// Whether a clean disk was asked for.
    pub fn reset_asked(&self) -> bool {
        self.dir.join(RESET_MARK).exists()
    }

    /// The disk is clean now.
    ///
    /// # Errors
    /// A folder that can't be written.
    pub fn reset_done(&self) -> Result<(), Problem> {
        remove(&self.dir.join(RESET_MARK))
    }

    fn share(&self, tag: &str) -> PathBuf {
        self.dir.join("shares").join(tag)
    }
}

fn parse_key(line: &str) -> Result<PublicKey, Problem> {
    line.parse().map_err(|e| {
        Problem::new(
            Code::Usage,
            format!("{line:?} is not an ed25519 public key: {e}"),
            "give the line of a .pub file",
        )
    })
}

fn remove(file: &Path) -> Result<(), Problem> {
    files::remove(file).map_err(|e| cannot("remove", file, &e))
}

/// Writes a file that is the guest's root's, with these permissions there.
fn share_file(file: &Path, bytes: &[u8], permissions: u32) -> Result<(), Problem> {
    let written = files::write_prepared(file, bytes, |file| mapped::to_root(file, permissions));
    written.map_err(|e| cannot("write", file, &e))
}

fn write(file: &Path, bytes: &[u8]) -> Result<(), Problem> {
    files::write(file, bytes).map_err(|e| cannot("write", file, &e))
}
