//! The public halves of keys.

use base64::{Engine as _, engine::general_purpose::STANDARD as BASE64};
use ssh_key::{Algorithm, HashAlg};
use std::{fmt, str::FromStr};

/// An ed25519 public key.
///
/// Equal when the key is; a comment does not count.
#[derive(Clone, PartialEq, Eq)]
pub struct PublicKey {
    /// The key as the ssh protocol writes it (RFC 4253, 6.6).
    blob: Vec<u8>,
}

/// A line that is no ed25519 public key.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("not an ed25519 public key in OpenSSH's format")]
pub struct NotAKey;

impl PublicKey {
    /// Whether it is the key with these bytes, in the form that the ssh protocol writes keys.
    pub fn is(&self, blob: &[u8]) -> bool {
        self.blob == blob
    }

    /// The key in the form that the ssh protocol writes keys.
    pub(super) fn blob(&self) -> &[u8] {
        &self.blob
    }

    /// The key as an OpenSSH line without a comment.
    pub fn line(&self) -> String {
        format!("ssh-ed25519 {}", BASE64.encode(&self.blob))
    }

    /// `SHA256:...`, as `ssh-keygen -l` prints it.
    pub fn fingerprint(&self) -> String {
        fingerprint(&self.blob)
    }
}

/// The fingerprint of any key in the ssh protocol's form: `SHA256:...`, as `ssh-keygen -l` prints it.
pub fn fingerprint(blob: &[u8]) -> String {
    use sha2::{Digest as _, Sha256};
    let digest = Sha256::digest(blob);
    format!("{}:{}", HashAlg::Sha256.as_str().to_uppercase(), BASE64.encode(digest).trim_end_matches('='))
}

impl FromStr for PublicKey {
    type Err = NotAKey;

    fn from_str(line: &str) -> Result<Self, NotAKey> {
        let key = ssh_key::PublicKey::from_openssh(line.trim()).map_err(|_| NotAKey)?;
        if key.algorithm() != Algorithm::Ed25519 {
            return Err(NotAKey);
        }
        Ok(PublicKey { blob: key.to_bytes().map_err(|_| NotAKey)? })
    }
}

impl fmt::Display for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.line())
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PublicKey({})", self.fingerprint())
    }
}

#[cfg(test)]
mod tests {
    use super::{super::ensure_pair, *};

    // nixpkgs' publicly known host key, its fingerprint and its machines column, as nix-darwin writes them
    const STOCK: &str =
        "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJBWcxb/Blaqt1auOtE+F8QUWrUotiC5qBJ+UuEWdVCb root@nixos\n";

    #[test]
    fn a_public_key_is_its_bytes() {
        let key: PublicKey = STOCK.parse().unwrap();
        assert_eq!(key.fingerprint(), "SHA256:73nCAX7tESRWJ4ZN8RkOlqB+0bgxKVmbNRUcFPbXMkE");
        assert_eq!(key, STOCK.replace("root@nixos", "another").parse().unwrap());
        assert_eq!(key.line(), STOCK.trim().trim_end_matches(" root@nixos"));
        let dir = tempfile::tempdir().unwrap();
        assert_ne!(ensure_pair(dir.path(), "k", "c").unwrap().public().unwrap(), key);
    }

    #[test]
    fn other_lines_are_no_key() {
        let rsa = "ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAAAgQC7 x";
        for line in ["", "ssh-ed25519", "ssh-ed25519 AAAA", rsa, "not a key"] {
            assert_eq!(line.parse::<PublicKey>(), Err(NotAKey), "{line}");
        }
    }
}
