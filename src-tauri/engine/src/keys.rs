//! Key pairs.
//!
//! Two pairs are made per installation and none is ever baked into an image: the one that the
//! user logs in with ([`USER_KEY`]) and the one that the guest's sshd shows ([`HOST_KEY`]). The user's
//! is kept in the keychain where there is one ([`UserKeys`]), the guest's in a file.

mod agent;
mod keychain;
mod public;
mod user;
#[cfg(test)]
mod user_tests;
mod vault;

use igloo_protocol::{Code, Problem};
use ssh_key::{Algorithm, LineEnding, PrivateKey, rand_core::OsRng};
use std::{
    fs::{self, DirBuilder, File, Permissions},
    io::{self, Write as _},
    os::unix::fs::{DirBuilderExt as _, PermissionsExt as _},
    path::{Path, PathBuf},
};
use zeroize::Zeroizing;

pub use agent::Agent;
pub use keychain::Keychain;
pub use public::{NotAKey, PublicKey, fingerprint};
pub use user::{UserKey, UserKeys};
pub use vault::{NoVault, Secret, Vault, VaultError};

/// The file name of the key that the user logs in with. Its public half goes into the guest as
/// `builder_ed25519.pub`, the name that nixpkgs' `nix-builder` profile reads.
pub const USER_KEY: &str = "builder_ed25519";

/// The file name of the key that the guest's sshd shows.
pub const HOST_KEY: &str = "ssh_host_ed25519_key";

/// A pair on disk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyPair {
    /// The private key: OpenSSH's format, mode 0600.
    pub private_path: PathBuf,
    /// The public half: `ssh-ed25519 BASE64 COMMENT`, no line end.
    pub public_line: String,
}

impl KeyPair {
    /// The public half.
    ///
    /// # Errors
    /// When [`KeyPair::public_line`] was not made by [`ensure_pair`].
    pub fn public(&self) -> Result<PublicKey, NotAKey> {
        self.public_line.parse()
    }
}

/// The pair `name` in the folder `dir`, made with `comment` if it is not there yet.
///
/// The folder is made 0700, the private key 0600. Only the private key is stored, the public half is
/// computed from it: there is no half pair. Two callers at once get the same pair.
///
/// # Errors
/// [`Code::BadKey`] when the key is there but is none, or can't be made or read; [`Code::DiskFull`].
pub fn ensure_pair(dir: &Path, name: &str, comment: &str) -> Result<KeyPair, Problem> {
    let path = dir.join(name);
    private_folder(dir)?;
    if !path.try_exists().map_err(|e| cannot("look at", &path, &e))? {
        make(dir, &path, comment).map_err(|e| cannot("make the key", &path, &e))?;
    }
    load(path)
}

/// Makes the folder of the keys, or closes it to others.
fn private_folder(dir: &Path) -> Result<(), Problem> {
    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(dir)
        .map_err(|e| cannot("make the folder", dir, &e))?;
    tighten(dir, 0o700)
}

/// A new private key, in OpenSSH's format.
fn fresh(comment: &str) -> io::Result<Zeroizing<String>> {
    let mut key = PrivateKey::random(&mut OsRng, Algorithm::Ed25519).map_err(io::Error::other)?;
    key.set_comment(comment);
    key.to_openssh(LineEnding::LF).map_err(io::Error::other)
}

/// Makes the key under another name, then gives it its own; one that got there meanwhile stays.
fn make(dir: &Path, path: &Path, comment: &str) -> io::Result<()> {
    let text = fresh(comment)?;
    // 0600 from its first moment
    let mut file = tempfile::NamedTempFile::with_prefix_in(".new-key-", dir)?;
    file.write_all(text.as_bytes())?;
    file.as_file().sync_all()?;
    match file.persist_noclobber(path) {
        Ok(_) => File::open(dir)?.sync_all(),
        Err(e) if e.error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        Err(e) => Err(e.error),
    }
}

fn load(path: PathBuf) -> Result<KeyPair, Problem> {
    let text = Zeroizing::new(fs::read(&path).map_err(|e| cannot("read the key", &path, &e))?);
    let key = parse(&text).map_err(|why| damaged(&path, &why))?;
    tighten(&path, 0o600)?;
    let public_line = key.public_key().to_openssh().map_err(|e| damaged(&path, &e.to_string()))?;
    Ok(KeyPair { private_path: path, public_line })
}

/// A private key that can be used as it is; else why not.
fn parse(text: &[u8]) -> Result<PrivateKey, String> {
    let key = PrivateKey::from_openssh(text).map_err(|e| e.to_string())?;
    if key.is_encrypted() {
        return Err("it has a passphrase".into());
    }
    if key.algorithm() != Algorithm::Ed25519 {
        return Err("it is not an ed25519 key".into());
    }
    Ok(key)
}

/// ssh refuses a private key that others may read.
fn tighten(path: &Path, mode: u32) -> Result<(), Problem> {
    let now = fs::metadata(path).map_err(|e| cannot("look at", path, &e))?.permissions().mode();
    if now & 0o077 != 0 {
        fs::set_permissions(path, Permissions::from_mode(mode)).map_err(|e| cannot("protect", path, &e))?;
    }
    Ok(())
}

fn damaged(path: &Path, why: &str) -> Problem {
    Problem::new(
        Code::BadKey,
        format!("{} is not a usable private key: {why}", path.display()),
        "move the file away, and a new key is made at the next start; then set Nix up again, since it knows \
         the old one",
    )
}

fn cannot(what: &str, path: &Path, e: &io::Error) -> Problem {
    let message = format!("could not {what} {}: {e}", path.display());
    match e.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
            Problem::new(Code::DiskFull, message, "make room on the disk and try again")
        }
        _ => Problem::new(Code::BadKey, message, "see that the folder is yours and can be written to"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().permissions().mode() & 0o777
    }

    #[test]
    fn a_pair_is_made_once_and_kept() {
        let top = tempfile::tempdir().unwrap();
        let dir = top.path().join("a/keys");
        let first = ensure_pair(&dir, USER_KEY, "builder@localhost").unwrap();
        assert!(first.public_line.starts_with("ssh-ed25519 AAAA"), "{}", first.public_line);
        assert!(first.public_line.ends_with(" builder@localhost"));
        assert_eq!((mode(&dir), mode(&first.private_path)), (0o700, 0o600));
        assert_eq!(ensure_pair(&dir, USER_KEY, "another comment").unwrap(), first);
        assert_eq!(fs::read_dir(&dir).unwrap().count(), 1, "nothing else is left in the folder");
        let other = ensure_pair(&dir, HOST_KEY, "host").unwrap();
        assert_ne!(other.public().unwrap(), first.public().unwrap());
    }

    #[test]
    fn makers_at_once_get_the_same_pair() {
        let dir = tempfile::tempdir().unwrap();
        let lines: HashSet<String> = std::thread::scope(|s| {
            let makers: Vec<_> =
                (0..8).map(|_| s.spawn(|| ensure_pair(dir.path(), "k", "c").unwrap().public_line)).collect();
            makers.into_iter().map(|m| m.join().unwrap()).collect()
        });
        assert_eq!(lines.len(), 1);
    }

    #[test]
    fn a_key_that_others_may_read_is_protected() {
        let dir = tempfile::tempdir().unwrap();
        let pair = ensure_pair(dir.path(), "k", "c").unwrap();
        fs::set_permissions(&pair.private_path, Permissions::from_mode(0o644)).unwrap();
        fs::set_permissions(dir.path(), Permissions::from_mode(0o755)).unwrap();
        ensure_pair(dir.path(), "k", "c").unwrap();
        assert_eq!((mode(dir.path()), mode(&pair.private_path)), (0o700, 0o600));
    }

    #[test]
    fn garbage_is_told_and_left_alone() {
        let dir = tempfile::tempdir().unwrap();
        for garbage in
            ["", "garbage", "-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\n-----END OPENSSH PRIVATE KEY-----\n"]
        {
            let path = dir.path().join("k");
            fs::write(&path, garbage).unwrap();
            let problem = ensure_pair(dir.path(), "k", "c").unwrap_err();
            assert_eq!(problem.code, Code::BadKey);
            assert!(problem.message.contains(&path.display().to_string()), "{problem}");
            assert_eq!(fs::read_to_string(&path).unwrap(), garbage);
        }
    }

    #[test]
    fn a_folder_that_is_a_file_is_told() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("f"), "").unwrap();
        assert_eq!(ensure_pair(&dir.path().join("f"), "k", "c").unwrap_err().code, Code::BadKey);
    }
}
