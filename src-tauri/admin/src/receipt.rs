//! Igloo's own folder: the lock, and the receipt of what was changed.

use crate::folder::{Folder, Found, Meta};
use crate::root::{Root, folder_mode, folder_path};
use igloo_protocol::plan::{ManagedFolder, RECEIPT_VERSION, Receipt};
use igloo_protocol::{Code, Problem};
use rustix::fs::FlockOperation;

const RECEIPT: &str = "receipt.json";

/// The largest receipt, in bytes: what can be read back.
const MAX_RECEIPT: usize = (1 << 20) - 1;

/// Igloo's folder, locked: nobody else changes anything while this lives.
pub(crate) struct State {
    folder: Folder,
    parent: Folder,
    name: String,
    owner: (u32, u32),
}

impl State {
    /// Opens and locks Igloo's folder, and makes it if it is not there.
    pub fn make(root: &Root) -> Result<State, Problem> {
        Self::lock(root, true)?.ok_or_else(busy)
    }

    /// Opens and locks Igloo's folder. `None` if it is not there.
    pub fn open(root: &Root) -> Result<Option<State>, Problem> {
        Self::lock(root, false)
    }

    fn lock(root: &Root, make: bool) -> Result<Option<State>, Problem> {
        let (parent, name) = parent(root, ManagedFolder::State)?;
        let folder = match parent.child(&name)? {
            Some(folder) => folder,
            None if make => parent.make(&name, folder_mode(ManagedFolder::State))?,
            None => return Ok(None),
        };
        rustix::fs::flock(folder.fd(), FlockOperation::NonBlockingLockExclusive).map_err(|_| busy())?;
        // an undo may have removed the folder between the opening and the lock
        if !parent.child(&name)?.is_some_and(|now| now.is(&folder)) {
            return Err(busy());
        }
        folder.sweep()?;
        Ok(Some(State { folder, parent, name, owner: root.owner() }))
    }

    /// What was changed and not undone yet.
    pub fn receipt(&self) -> Result<Receipt, Problem> {
        let Some(Found { bytes, .. }) = self.folder.read(RECEIPT)? else { return Ok(Receipt::default()) };
        match serde_json::from_slice::<Receipt>(&bytes) {
            Ok(receipt) if receipt.version == RECEIPT_VERSION => Ok(receipt),
            Ok(receipt) => Err(unreadable(&format!("it has version {}", receipt.version))),
            Err(e) => Err(unreadable(&e.to_string())),
        }
    }

    /// Writes the receipt, whole or not at all.
    pub fn save(&self, receipt: &Receipt) -> Result<(), Problem> {
        let bytes = serde_json::to_vec_pretty(receipt).map_err(|e| unreadable(&e.to_string()))?;
        if bytes.len() > MAX_RECEIPT {
            return Err(unreadable("it would become larger than 1 MiB"));
        }
        let before = self.folder.read(RECEIPT)?.map(|f| f.bytes);
        let (uid, gid) = self.owner;
        self.folder.replace(RECEIPT, before.as_deref(), &bytes, Meta { mode: 0o600, uid, gid, mtime: None })
    }

    /// Ends the work; removes the receipt and the folder if nothing is left to undo.
    pub fn close(self, receipt: &Receipt) -> Result<(), Problem> {
        if !receipt.changes.is_empty() {
            return Ok(());
        }
        if self.folder.has(RECEIPT) {
            self.folder.remove(RECEIPT)?;
        }
        self.parent.remove_empty(&self.name).map(|_| ())
    }
}

impl Drop for State {
    /// Gives the lock back by name: closing alone would leave it with a child process that is just being
    /// started and holds a copy of the descriptor until its `exec`.
    fn drop(&mut self) {
        let _ = rustix::fs::flock(self.folder.fd(), FlockOperation::Unlock);
    }
}

/// The open parent of a managed folder, and the folder's name in it.
pub(crate) fn parent(root: &Root, folder: ManagedFolder) -> Result<(Folder, String), Problem> {
    let path = folder_path(root.platform(), folder);
    let (parent, name) = path.rsplit_once('/').unwrap_or(("", path));
    let open = Folder::open(root, parent)?.ok_or_else(|| {
        Problem::new(
            Code::MissingTool,
            format!("The folder {parent} is not there"),
            format!("Install what {parent} belongs to (OpenSSH for /etc/ssh), then try again"),
        )
    })?;
    Ok((open, name.to_owned()))
}

fn busy() -> Problem {
    Problem::new(
        Code::AdminFailed,
        "Another igloo-admin is at work, so this one changed nothing",
        "Wait until it has ended, then try again",
    )
}

fn unreadable(why: &str) -> Problem {
    Problem::new(
        Code::AdminFailed,
        format!("The receipt of Igloo's changes can't be used: {why}"),
        "Use the igloo-admin that wrote it, or undo by hand what the receipt in Igloo's folder lists",
    )
}
