//! Where private keys can be kept beside the disk: the user's keychain, as the app hands it in.

use std::fmt;
use zeroize::Zeroizing;

/// Bytes that are overwritten when they are dropped, and that no log shows.
#[derive(Clone)]
pub struct Secret(Zeroizing<Vec<u8>>);

impl Secret {
    /// Takes the bytes over.
    pub fn new(bytes: Vec<u8>) -> Secret {
        Secret(Zeroizing::new(bytes))
    }

    /// The bytes. Whoever copies them cleans up.
    pub fn bytes(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(..)")
    }
}

/// Why a keychain did not do what it was asked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum VaultError {
    /// This session has none.
    #[error("{0}")]
    Absent(String),
    /// There is one, and it did not do it: it is locked, the user said no, or it is broken.
    #[error("{0}")]
    Refused(String),
}

/// A keychain. The app implements it, since what a desktop has is not known here.
///
/// A call may wait for the user, even for ever: the engine makes each on a thread of its own, never two at once.
pub trait Vault: Send + Sync + 'static {
    /// The secret of this name; `None`: there is none.
    ///
    /// # Errors
    /// No keychain, or one that refuses.
    fn get(&self, name: &str) -> Result<Option<Secret>, VaultError>;

    /// Keeps a secret under this name, in the place of an older one.
    ///
    /// # Errors
    /// No keychain, or one that refuses.
    fn put(&self, name: &str, secret: &Secret) -> Result<(), VaultError>;

    /// Forgets the secret of this name; that there is none is fine.
    ///
    /// # Errors
    /// No keychain, or one that refuses.
    fn remove(&self, name: &str) -> Result<(), VaultError>;
}

/// Where there is no keychain.
pub struct NoVault;

impl NoVault {
    fn absent() -> VaultError {
        VaultError::Absent("no keychain was handed in".into())
    }
}

impl Vault for NoVault {
    fn get(&self, _: &str) -> Result<Option<Secret>, VaultError> {
        Err(Self::absent())
    }

    fn put(&self, _: &str, _: &Secret) -> Result<(), VaultError> {
        Err(Self::absent())
    }

    fn remove(&self, _: &str) -> Result<(), VaultError> {
        Err(Self::absent())
    }
}

/// A vault in memory, for tests.
#[cfg(test)]
pub mod fake {
    use super::{Secret, Vault, VaultError};
    use std::{
        collections::HashMap,
        sync::{Arc, Condvar, Mutex},
    };

    /// How a [`Memory`] behaves.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub enum Mood {
        /// It does as it is asked.
        Good,
        /// It is not there.
        Absent,
        /// It refuses.
        Refuses,
        /// It takes a secret and keeps only half of it.
        KeepsHalf,
        /// It takes a secret, and refuses to show it.
        HidesWhatItTook,
        /// It answers nothing until it is told something else.
        Hangs,
        /// It panics.
        Panics,
    }

    /// A vault in memory.
    pub struct Memory {
        mood: Mutex<Mood>,
        changed: Condvar,
        pub kept: Mutex<HashMap<String, Vec<u8>>>,
        pub calls: Mutex<usize>,
    }

    impl Memory {
        pub fn new(mood: Mood) -> Arc<Memory> {
            let (kept, calls) = (Mutex::default(), Mutex::default());
            Arc::new(Memory { mood: Mutex::new(mood), changed: Condvar::new(), kept, calls })
        }

        pub fn set(&self, mood: Mood) {
            *self.mood.lock().unwrap() = mood;
            self.changed.notify_all();
        }

        pub fn names(&self) -> Vec<String> {
            self.kept.lock().unwrap().keys().cloned().collect()
        }

        fn mood(&self) -> Result<Mood, VaultError> {
            *self.calls.lock().unwrap() += 1;
            let mood = self.mood.lock().unwrap();
            let mood = *self.changed.wait_while(mood, |mood| *mood == Mood::Hangs).unwrap();
            match mood {
                Mood::Absent => Err(VaultError::Absent("there is none".into())),
                Mood::Refuses => Err(VaultError::Refused("it is locked".into())),
                Mood::Panics => panic!("on purpose"),
                mood => Ok(mood),
            }
        }
    }

    impl Vault for Memory {
        fn get(&self, name: &str) -> Result<Option<Secret>, VaultError> {
            if self.mood()? == Mood::HidesWhatItTook {
                return Err(VaultError::Refused("it does not show it".into()));
            }
            Ok(self.kept.lock().unwrap().get(name).cloned().map(Secret::new))
        }

        fn put(&self, name: &str, secret: &Secret) -> Result<(), VaultError> {
            let mut bytes = secret.bytes().to_vec();
            if self.mood()? == Mood::KeepsHalf {
                bytes.truncate(bytes.len() / 2);
            }
            self.kept.lock().unwrap().insert(name.into(), bytes);
            Ok(())
        }

        fn remove(&self, name: &str) -> Result<(), VaultError> {
            self.mood()?;
            self.kept.lock().unwrap().remove(name);
            Ok(())
        }
    }
}
