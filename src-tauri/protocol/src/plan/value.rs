//! Values that a plan carries: each can only be made from text that is allowed.

use crate::System;
use serde::{Deserialize, Serialize};
use std::{fmt, ops::RangeInclusive};

/// A value that is not allowed where it stands.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum BadValue {
    /// Not an ed25519 public key in OpenSSH's form.
    #[error("a host key must be `ssh-ed25519 ` and 68 characters of base64, with nothing after it")]
    HostKey,
    /// Not the name of a feature.
    #[error("a feature must be 1 to 64 of a-z A-Z 0-9 . _ + - and start with a letter or digit")]
    Feature,
    /// Too many features, or one twice.
    #[error("at most 32 features are allowed, each once")]
    Features,
    /// No system, or one twice.
    #[error("at least one system must be given, each once")]
    Systems,
    /// Not a number from 1 to 1024.
    #[error("the number must be from 1 to 1024")]
    Count,
    /// Not a user's name.
    #[error(
        "a user must be 1 to 32 of a-z A-Z 0-9 . _ - and start with a letter or _; groups (@) and * are not allowed"
    )]
    User,
    /// No user, too many, or one twice.
    #[error("1 to 8 users are allowed, each once")]
    Users,
    /// Not a SHA-256 in hexadecimal.
    #[error("a SHA-256 must be 64 characters of 0-9 a-f")]
    Sha256,
}

/// The public half of an ed25519 host key: `ssh-ed25519 <base64>`, without a comment.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(try_from = "String", into = "String")]
pub struct HostKey(String);

/// The first 25 base64 characters of every ed25519 public key: the length-prefixed name
/// `ssh-ed25519`, then the key's length, 32 (RFC 8709, section 4). The 26th has two bits of it left.
const ED25519_HEAD: &str = "AAAAC3NzaC1lZDI1NTE5AAAAI";

/// Base64 length of an ed25519 public key: 51 bytes, so without padding.
const ED25519_LEN: usize = 68;

impl HostKey {
    /// The key as `ssh-ed25519 <base64>`.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for HostKey {
    type Error = BadValue;

    fn try_from(text: String) -> Result<Self, BadValue> {
        let key = text.strip_prefix("ssh-ed25519 ").ok_or(BadValue::HostKey)?;
        let rest = key.strip_prefix(ED25519_HEAD).ok_or(BadValue::HostKey)?.as_bytes();
        let base64 = |b: &u8| b.is_ascii_alphanumeric() || *b == b'+' || *b == b'/';
        let fits = key.len() == ED25519_LEN && rest.iter().all(base64) && (b'A'..=b'P').contains(&rest[0]);
        if fits { Ok(HostKey(text)) } else { Err(BadValue::HostKey) }
    }
}

/// The name of a feature that a derivation may require, such as `big-parallel`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(try_from = "String", into = "String")]
pub struct Feature(String);

impl Feature {
    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for Feature {
    type Error = BadValue;

    fn try_from(text: String) -> Result<Self, BadValue> {
        let fits = is_word(&text, 64, |first| first.is_ascii_alphanumeric(), b"._+-");
        if fits { Ok(Feature(text)) } else { Err(BadValue::Feature) }
    }
}

/// The features of a builder: at most 32, each once.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(try_from = "Vec<Feature>", into = "Vec<Feature>")]
pub struct Features(Vec<Feature>);

impl Features {
    /// The features, in the order in which they were given.
    pub fn as_slice(&self) -> &[Feature] {
        &self.0
    }
}

impl TryFrom<Vec<Feature>> for Features {
    type Error = BadValue;

    fn try_from(list: Vec<Feature>) -> Result<Self, BadValue> {
        each_once(list, 0..=32).map(Features).ok_or(BadValue::Features)
    }
}

/// The systems of a builder: at least one, each once.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(try_from = "Vec<System>", into = "Vec<System>")]
pub struct Systems(Vec<System>);

impl Systems {
    /// The systems, in the order in which they were given.
    pub fn as_slice(&self) -> &[System] {
        &self.0
    }
}

impl TryFrom<Vec<System>> for Systems {
    type Error = BadValue;

    fn try_from(list: Vec<System>) -> Result<Self, BadValue> {
        each_once(list, 1..=usize::MAX).map(Systems).ok_or(BadValue::Systems)
    }
}

/// The name of a user of this machine. Groups (`@admin`) and everybody (`*`) have no form here.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(try_from = "String", into = "String")]
pub struct User(String);

impl User {
    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for User {
    type Error = BadValue;

    fn try_from(text: String) -> Result<Self, BadValue> {
        let fits = is_word(&text, 32, |first| first.is_ascii_alphabetic() || first == b'_', b"._-");
        if fits { Ok(User(text)) } else { Err(BadValue::User) }
    }
}

/// Users of this machine: 1 to 8, each once.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(try_from = "Vec<User>", into = "Vec<User>")]
pub struct Users(Vec<User>);

impl Users {
    /// The users, in the order in which they were given.
    pub fn as_slice(&self) -> &[User] {
        &self.0
    }
}

impl TryFrom<Vec<User>> for Users {
    type Error = BadValue;

    fn try_from(list: Vec<User>) -> Result<Self, BadValue> {
        each_once(list, 1..=8).map(Users).ok_or(BadValue::Users)
    }
}

/// Whether a text is at most `most` bytes of letters, digits and `more`, and begins as `first` allows.
fn is_word(text: &str, most: usize, first: impl FnOnce(u8) -> bool, more: &[u8]) -> bool {
    text.len() <= most
        && text.bytes().next().is_some_and(first)
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || more.contains(&b))
}

/// The list, if it has one of these sizes and nothing twice.
fn each_once<T: PartialEq>(list: Vec<T>, sizes: RangeInclusive<usize>) -> Option<Vec<T>> {
    let distinct = list.iter().enumerate().all(|(i, a)| !list[..i].contains(a));
    (sizes.contains(&list.len()) && distinct).then_some(list)
}

/// A number from 1 to 1024: of builds at a time, or how fast a builder is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(try_from = "u16", into = "u16")]
pub struct Count(u16);

impl Count {
    /// One.
    pub const ONE: Count = Count(1);

    /// The number.
    pub const fn get(self) -> u16 {
        self.0
    }
}

impl TryFrom<u16> for Count {
    type Error = BadValue;

    fn try_from(n: u16) -> Result<Self, BadValue> {
        if (1..=1024).contains(&n) { Ok(Count(n)) } else { Err(BadValue::Count) }
    }
}

/// The SHA-256 of a file's bytes, in lower-case hexadecimal.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(try_from = "String", into = "String")]
pub struct Sha256(String);

impl Sha256 {
    /// From the digest's 32 bytes.
    pub fn from_digest(digest: [u8; 32]) -> Sha256 {
        Sha256(digest.iter().map(|b| format!("{b:02x}")).collect())
    }

    /// 64 characters of hexadecimal.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for Sha256 {
    type Error = BadValue;

    fn try_from(text: String) -> Result<Self, BadValue> {
        let hex = |b: u8| b.is_ascii_digit() || (b'a'..=b'f').contains(&b);
        if text.len() == 64 && text.bytes().all(hex) { Ok(Sha256(text)) } else { Err(BadValue::Sha256) }
    }
}

macro_rules! into_inner {
    ($($outer:ty => $inner:ty),*) => {
        $(impl From<$outer> for $inner { fn from(value: $outer) -> $inner { value.0 } })*
    };
}
into_inner!(HostKey => String, Feature => String, Features => Vec<Feature>, Systems => Vec<System>,
            Count => u16, Sha256 => String, User => String, Users => Vec<User>);

impl fmt::Display for Count {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJBWcxb/Blaqt1auOtE+F8QUWrUotiC5qBJ+UuEWdVCb";

    #[test]
    fn a_host_key_is_an_ed25519_key_and_nothing_else() {
        assert!(HostKey::try_from(KEY.to_owned()).is_ok());
        for bad in [
            format!("{KEY} root@nixos"),
            format!("{KEY}\n"),
            format!("{KEY}\nssh-rsa AAAA"),
            format!(" {KEY}"),
            KEY[..KEY.len() - 1].to_owned(),
            KEY.replace("ssh-ed25519 ", "ssh-ed25519  "),
            KEY.replace("ssh-ed25519", "ssh-rsa"),
            KEY.replace("AAAAIJ", "AAAAIZ"),
            KEY.replace('/', "-"),
            KEY.replace("VCb", "VCé"),
            "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAI".to_owned(),
            String::new(),
        ] {
            assert_eq!(HostKey::try_from(bad.clone()), Err(BadValue::HostKey), "{bad:?}");
        }
    }

    #[test]
    fn a_feature_can_not_leave_its_column() {
        for good in ["kvm", "big-parallel", "gccarch-x86-64-v3", "uid.range_1+"] {
            assert!(Feature::try_from(good.to_owned()).is_ok(), "{good}");
        }
        for bad in ["", "-", "a b", "a,b", "a;b", "a\nb", "a#b", "@f", "kvm\u{0}", "кvm", &"a".repeat(65)] {
            assert_eq!(Feature::try_from(bad.to_owned()), Err(BadValue::Feature), "{bad:?}");
        }
    }

    #[test]
    fn a_user_is_one_user() {
        for good in ["me", "_nixbld1", "Anna.B-2"] {
            assert!(User::try_from(good.to_owned()).is_ok(), "{good}");
        }
        for bad in ["", "@admin", "*", "a b", "a\nb", "1st", "root#", "r\u{43e}ot", &"a".repeat(33)] {
            assert_eq!(User::try_from(bad.to_owned()), Err(BadValue::User), "{bad:?}");
        }
        let users = |n: usize| (0..n).map(|i| User(format!("u{i}"))).collect::<Vec<_>>();
        assert_eq!([0, 1, 8, 9].map(|n| Users::try_from(users(n)).is_ok()), [false, true, true, false]);
        assert_eq!(Users::try_from([users(1), users(1)].concat()), Err(BadValue::Users));
    }

    #[test]
    fn lists_and_numbers_are_bounded() {
        let f = |n: usize| (0..n).map(|i| Feature(format!("f{i}"))).collect::<Vec<_>>();
        assert!(Features::try_from(f(32)).is_ok());
        assert_eq!(Features::try_from(f(33)), Err(BadValue::Features));
        assert_eq!(Features::try_from([f(1), f(1)].concat()), Err(BadValue::Features));
        assert_eq!(Systems::try_from(vec![]), Err(BadValue::Systems));
        assert_eq!(Systems::try_from(vec![System::X86_64Linux; 2]), Err(BadValue::Systems));
        assert_eq!([0, 1, 1024, 1025].map(|n| Count::try_from(n).is_ok()), [false, true, true, false]);
    }

    #[test]
    fn a_hash_is_lower_case_hexadecimal() {
        let hash = Sha256::from_digest([0xab; 32]);
        assert_eq!(Sha256::try_from(hash.as_str().to_owned()), Ok(hash.clone()));
        assert_eq!(Sha256::try_from(hash.as_str().to_uppercase()), Err(BadValue::Sha256));
    }
}
