//! The user's keychain: Keychain Services on macOS, the Secret Service on Linux.
//!
//! On Linux each call makes its own connection: a keychain may come, go and come again while the engine runs, and
//! between calls, which are rare, nothing of it costs memory. macOS has its Keychain always.

use igloo_engine::keys::{Secret, Vault, VaultError};
use keyring::{Entry, Error};

/// The name under which the keychain shows what is Igloo's.
const SERVICE: &str = "Igloo";

/// The keychain of the desktop session.
pub struct Desktop;

impl Vault for Desktop {
    fn get(&self, name: &str) -> Result<Option<Secret>, VaultError> {
        match entry(name)?.get_secret() {
            Ok(bytes) => Ok(Some(Secret::new(bytes))),
            Err(Error::NoEntry) => Ok(None),
            Err(e) => Err(refused(&e)),
        }
    }

    fn put(&self, name: &str, secret: &Secret) -> Result<(), VaultError> {
        entry(name)?.set_secret(secret.bytes()).map_err(|e| refused(&e))
    }

    fn remove(&self, name: &str) -> Result<(), VaultError> {
        match entry(name)?.delete_credential() {
            Ok(()) | Err(Error::NoEntry) => Ok(()),
            Err(e) => Err(refused(&e)),
        }
    }
}

#[cfg(target_os = "linux")]
fn entry(name: &str) -> Result<Entry, VaultError> {
    use keyring_core::api::CredentialStoreApi;
    // a store that can't be opened is one that is not there: nothing of it has been asked for yet
    let store = zbus_secret_service_keyring_store::Store::new().map_err(|e| VaultError::Absent(told(&e)))?;
    store.build(SERVICE, name, None).map(|inner| Entry { inner }).map_err(|e| refused(&e))
}

#[cfg(target_os = "macos")]
fn entry(name: &str) -> Result<Entry, VaultError> {
    Entry::new(SERVICE, name).map_err(|e| VaultError::Absent(told(&e)))
}

fn refused(e: &Error) -> VaultError {
    VaultError::Refused(told(e))
}

/// What went wrong, in one sentence. Errors of the keychain's may hold a secret that they could not read, so
/// only those that can't are printed.
fn told(e: &Error) -> String {
    match e {
        Error::PlatformFailure(why) | Error::NoStorageAccess(why) => why.to_string(),
        Error::Ambiguous(_) => "it has several entries of the same name".into(),
        Error::BadEncoding(_) | Error::BadDataFormat(..) => "what it holds makes no sense".into(),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_secret_is_told() {
        let bytes = b"OPENSSH PRIVATE KEY".to_vec();
        let e = Error::BadDataFormat(bytes, "no".into());
        assert_eq!(refused(&e), VaultError::Refused("what it holds makes no sense".into()));
        let locked = Error::NoStorageAccess("it is locked".into());
        assert_eq!(refused(&locked), VaultError::Refused("it is locked".into()));
    }
}
