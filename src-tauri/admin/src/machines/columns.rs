//! What an entry of the machines file says.

use super::{entries, is_space};

/// An entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Entry<'a> {
    /// `@file`: the entries of that file stand here. None if it is not there.
    File(&'a str),
    /// A machine.
    Machine(Columns<'a>),
}

/// A machine's columns; `None` for one that is left out or `-`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Columns<'a> {
    /// Where it is reached.
    pub uri: &'a str,
    /// What it builds, parted by commas; by default what this machine builds.
    pub systems: Option<&'a str>,
    /// The file of the private key.
    pub key: Option<&'a str>,
    /// How many builds at a time; 1 by default.
    pub jobs: Option<&'a str>,
    /// How fast it is, relative to others; 1 by default.
    pub speed: Option<&'a str>,
    /// The features that it has, parted by commas.
    pub features: Option<&'a str>,
    /// The features that a build must ask for to go there, parted by commas.
    pub mandatory: Option<&'a str>,
    /// The base64 of the host's public key.
    pub host_key: Option<&'a str>,
}

/// Every entry of a text, in order. Columns after the eighth are passed over, as Nix does.
pub fn read(text: &str) -> Vec<Entry<'_>> {
    entries(text).into_iter().map(|(_, entry)| entry_of(entry)).collect()
}

fn entry_of(entry: &str) -> Entry<'_> {
    if let Some(file) = entry.strip_prefix('@') {
        return Entry::File(file.trim_matches(is_space));
    }
    let mut columns = entry.split(is_space).filter(|c| !c.is_empty());
    let uri = columns.next().unwrap_or_default();
    let mut next = || columns.next().filter(|c| *c != "-");
    Entry::Machine(Columns {
        uri,
        systems: next(),
        key: next(),
        jobs: next(),
        speed: next(),
        features: next(),
        mandatory: next(),
        host_key: next(),
    })
}
