//! The key that the user logs in to one builder with: where it is, how it gets there, and how it is read.

use super::{
    USER_KEY, cannot, ensure_pair, fresh,
    keychain::{Keychain, NoAnswer},
    parse, private_folder,
    vault::Secret,
};
use crate::{files, host::Paths};
use igloo_protocol::{BuilderId, Code, KeyPlace, Problem};
use ssh_key::PrivateKey;
use std::{
    fs::{self, File},
    path::{Path, PathBuf},
    sync::Arc,
};
use tokio::sync::OnceCell;
use tracing::{info, warn};

const COMMENT: &str = "builder@localhost";

/// Where one builder's user key is kept.
///
/// In the keychain its private half is nowhere else, and the public half lies in `builder_ed25519.pub`. In a file
/// there is the private half alone, of which the public one is computed. A file counts before the keychain.
#[derive(Clone)]
pub struct UserKeys {
    dir: PathBuf,
    name: String,
    keychain: Arc<Keychain>,
}

/// A user key, and the way to its private half.
#[derive(Clone)]
pub struct UserKey {
    public_line: String,
    source: Source,
}

#[derive(Clone)]
enum Source {
    File { path: PathBuf, why: Option<Problem> },
    Keychain { keys: UserKeys, read: Arc<OnceCell<Secret>> },
    Gone,
}

impl UserKey {
    /// A key that lies in a file.
    pub fn in_file(path: impl Into<PathBuf>, public_line: impl Into<String>) -> UserKey {
        UserKey { public_line: public_line.into(), source: Source::File { path: path.into(), why: None } }
    }

    /// In the place of one of which nothing is left: nobody logs in with it.
    pub fn gone() -> UserKey {
        UserKey { public_line: String::new(), source: Source::Gone }
    }

    /// The public half: `ssh-ed25519 BASE64 COMMENT`.
    pub fn public_line(&self) -> &str {
        &self.public_line
    }

    /// Where the private half is, for a face.
    pub fn place(&self) -> KeyPlace {
        match &self.source {
            Source::File { why, .. } => KeyPlace::File { why: why.clone() },
            Source::Keychain { .. } => KeyPlace::Keychain,
            Source::Gone => KeyPlace::None,
        }
    }

    /// Where the private half is, in a sentence.
    pub fn describe(&self) -> String {
        match &self.source {
            Source::File { path, .. } => path.display().to_string(),
            Source::Keychain { keys, .. } => format!("the key {} in the keychain", keys.name),
            Source::Gone => "a key that is gone".into(),
        }
    }

    /// The private half, in OpenSSH's format. The keychain is asked once for it, and then it is remembered: it may
    /// ask the user each time.
    ///
    /// # Errors
    /// [`Code::BadKey`] for a key that is gone or damaged, [`Code::KeychainFailed`].
    pub async fn private(&self) -> Result<Secret, Problem> {
        match &self.source {
            Source::File { path, .. } => {
                Ok(Secret::new(fs::read(path).map_err(|e| cannot("read the key", path, &e))?))
            }
            Source::Keychain { keys, read } => {
                read.get_or_try_init(|| keys.read(&self.public_line)).await.cloned()
            }
            Source::Gone => Err(Problem::new(
                Code::BadKey,
                "the key that logs in to the builder is gone",
                "stop the builder and start it again: a new key is made then",
            )),
        }
    }
}

impl UserKeys {
    /// Those of one builder. The state's folder is part of the name in the keychain, so that two installations
    /// have two keys.
    pub fn new(paths: &Paths, id: BuilderId, keychain: Arc<Keychain>) -> UserKeys {
        let home =
            fs::canonicalize(&paths.state_dir).unwrap_or_else(|_| files::absolute(paths.state_dir.clone()));
        let name = format!("{id}@{}", short_hash(&home));
        UserKeys { dir: paths.builder_dir(id).join("keys"), name, keychain }
    }

    /// The key as a start uses it: made where there is none, and moved to where the settings want it.
    ///
    /// # Errors
    /// [`Code::BadKey`], [`Code::DiskFull`], and [`Code::KeychainFailed`] where a keychain has the key, or should
    /// get the first one, and does not answer.
    pub async fn ensure(&self) -> Result<UserKey, Problem> {
        private_folder(&self.dir)?;
        if !self.keychain.is_wanted() {
            return self.without_keychain();
        }
        if exists(&self.file())? {
            return self.moved().await;
        }
        if let Some(public_line) = self.public_half()? {
            match self.keychain.get(&self.name).await {
                Ok(Some(secret)) if belongs(&secret, &public_line) => {
                    return Ok(self.in_keychain(public_line, Some(secret)));
                }
                Ok(_) => warn!(key = %self.name, "the keychain has lost the key, so a new one is made"),
                Err(NoAnswer::Absent(why)) => return self.on_disk(Some(why)),
                Err(NoAnswer::Trouble(problem)) => return Err(problem),
            }
        }
        let made = fresh(COMMENT).map_err(|e| cannot("make the key", &self.file(), &e))?;
        match self.store(Secret::new(made.as_bytes().to_vec())).await {
            Ok(key) => Ok(key),
            Err(NoAnswer::Absent(why)) => self.on_disk(Some(why)),
            Err(NoAnswer::Trouble(problem)) => Err(problem),
        }
    }

    /// The key as it is now, by the files alone; `None`: there is none.
    ///
    /// # Errors
    /// [`Code::BadKey`]
    pub fn existing(&self) -> Result<Option<UserKey>, Problem> {
        if exists(&self.file())? {
            return self.on_disk(None).map(Some);
        }
        Ok(self.public_half()?.map(|line| self.in_keychain(line, None)))
    }

    /// The file of the private half, where it is in one.
    pub fn file(&self) -> PathBuf {
        self.dir.join(USER_KEY)
    }

    /// The file of the public half, where the private one is in the keychain.
    pub fn public_file(&self) -> PathBuf {
        self.dir.join(format!("{USER_KEY}.pub"))
    }

    fn without_keychain(&self) -> Result<UserKey, Problem> {
        let was_there = !exists(&self.file())? && exists(&self.public_file())?;
        let key = self.on_disk(None)?;
        if was_there {
            // nobody waits for it: the new key is good already
            let keys = self.clone();
            tokio::spawn(async move {
                match keys.keychain.forget(&keys.name).await {
                    Ok(()) => info!(key = %keys.name, "removed the key from the keychain"),
                    Err(no) => {
                        warn!(key = %keys.name, "the unused key stays in the keychain: {}", no.problem())
                    }
                }
            });
        }
        Ok(key)
    }

    fn on_disk(&self, why: Option<Problem>) -> Result<UserKey, Problem> {
        let pair = ensure_pair(&self.dir, USER_KEY, COMMENT)?;
        files::remove(&self.public_file()).map_err(|e| cannot("remove", &self.public_file(), &e))?;
        let source = Source::File { path: pair.private_path, why };
        Ok(UserKey { public_line: pair.public_line, source })
    }

    /// The key of the file, in the keychain if that takes it. The file goes once the keychain has shown that it has it.
    async fn moved(&self) -> Result<UserKey, Problem> {
        let (file, pair) = (self.file(), ensure_pair(&self.dir, USER_KEY, COMMENT)?);
        let text = fs::read(&pair.private_path).map_err(|e| cannot("read the key", &file, &e))?;
        match self.store(Secret::new(text)).await {
            Ok(key) => {
                files::remove(&file).map_err(|e| cannot("remove", &file, &e))?;
                File::open(&self.dir)
                    .and_then(|dir| dir.sync_all())
                    .map_err(|e| cannot("write", &self.dir, &e))?;
                info!(key = %self.name, "moved the key into the keychain");
                Ok(key)
            }
            Err(no) => {
                let why = no.problem();
                warn!("{why}");
                self.on_disk(Some(why))
            }
        }
    }

    async fn store(&self, secret: Secret) -> Result<UserKey, NoAnswer> {
        let public_line = public_line(secret.bytes()).map_err(|why| NoAnswer::Trouble(self.damaged(&why)))?;
        self.keychain.keep(&self.name, &secret).await?;
        files::write(&self.public_file(), format!("{public_line}\n").as_bytes())
            .map_err(|e| NoAnswer::Trouble(cannot("write", &self.public_file(), &e)))?;
        Ok(self.in_keychain(public_line, Some(secret)))
    }

    fn in_keychain(&self, public_line: String, secret: Option<Secret>) -> UserKey {
        let read = Arc::new(OnceCell::new_with(secret));
        UserKey { public_line, source: Source::Keychain { keys: self.clone(), read } }
    }

    async fn read(&self, public_line: &str) -> Result<Secret, Problem> {
        match self.keychain.get(&self.name).await {
            Ok(Some(secret)) if belongs(&secret, public_line) => Ok(secret),
            Ok(Some(_)) => Err(self.damaged("it is not the one that was put there")),
            Ok(None) => Err(self.damaged("it is not there any more")),
            Err(no) => Err(no.problem()),
        }
    }

    fn public_half(&self) -> Result<Option<String>, Problem> {
        let file = self.public_file();
        if !exists(&file)? {
            return Ok(None);
        }
        let line = fs::read_to_string(&file).map_err(|e| cannot("read", &file, &e))?;
        // what is no key can't be the half of one: a new one is made
        Ok(Some(line.trim().to_owned()).filter(|line| line.parse::<super::PublicKey>().is_ok()))
    }

    fn damaged(&self, why: &str) -> Problem {
        Problem::new(
            Code::BadKey,
            format!("the key {} in the keychain can't be used: {why}", self.name),
            "stop the builder and start it again: a new key is made then",
        )
    }
}

fn exists(path: &Path) -> Result<bool, Problem> {
    path.try_exists().map_err(|e| cannot("look at", path, &e))
}

/// The key pair of a private half.
pub(super) fn pair_of(private: &Secret) -> Result<PrivateKey, String> {
    parse(private.bytes())
}

fn public_line(private: &[u8]) -> Result<String, String> {
    parse(private)?.public_key().to_openssh().map_err(|e| e.to_string())
}

fn belongs(private: &Secret, public: &str) -> bool {
    let of = |line: &str| line.parse::<super::PublicKey>().ok();
    public_line(private.bytes()).is_ok_and(|line| of(&line).is_some() && of(&line) == of(public))
}

/// Enough of a path's hash to tell installations apart.
fn short_hash(path: &Path) -> String {
    use sha2::{Digest as _, Sha256};
    use std::os::unix::ffi::OsStrExt as _;
    Sha256::digest(path.as_os_str().as_bytes()).iter().take(6).map(|byte| format!("{byte:02x}")).collect()
}
