//! What `igloo-admin` has changed, and what was there before: all that undo needs.

use super::{ManagedFile, ManagedFolder, Sha256};
use serde::{Deserialize, Serialize};

/// The version of [`Receipt`]'s JSON.
pub const RECEIPT_VERSION: u32 = 1;

/// Every change that was made and not undone, oldest first. A change is written here before it is
/// made, so whether it was really made is for the disk to say.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Receipt {
    /// [`RECEIPT_VERSION`].
    pub version: u32,
    /// The changes.
    pub changes: Vec<Change>,
}

impl Default for Receipt {
    fn default() -> Self {
        Receipt { version: RECEIPT_VERSION, changes: Vec::new() }
    }
}

/// One change of the disk.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Change {
    /// A folder was made.
    Folder(ManagedFolder),
    /// A file was written.
    File {
        /// Which file.
        file: ManagedFile,
        /// What was there before.
        before: Before,
        /// The bytes that Igloo wrote.
        after: Sha256,
    },
}

/// What was in a file's place before it was written.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Before {
    /// Nothing.
    Absent,
    /// A file.
    File {
        /// Its bytes, in base64.
        bytes: String,
        /// Its permission bits.
        mode: u32,
        /// Its owner.
        uid: u32,
        /// Its group.
        gid: u32,
        /// When it was last written, in whole seconds since 1970.
        mtime: i64,
    },
}
