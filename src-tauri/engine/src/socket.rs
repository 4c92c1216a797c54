//! A socket for this user alone: where it may lie, who may talk to it, and what becomes of a stale one.

use crate::host::paths::{cannot, check_socket_length, private_dir};
use axum::serve::Listener;
use igloo_protocol::{Code, Problem};
use rustix::{
    fs::{FlockOperation, flock},
    process::geteuid,
};
use std::{
    fs, io,
    os::unix::{
        fs::{FileTypeExt, MetadataExt, PermissionsExt},
        net::UnixStream as StdUnixStream,
    },
    path::{Path, PathBuf},
    time::Duration,
};
use tokio::net::{UnixListener, UnixStream, unix::SocketAddr};

/// How long accepting waits after an error that may pass (no file descriptor left).
const ACCEPT_PAUSE: Duration = Duration::from_millis(200);

/// A listening socket for this user alone. Dropping it takes the socket's file away, if it is still this one's.
#[derive(Debug)]
pub struct OwnListener {
    inner: UnixListener,
    path: PathBuf,
    inode: u64,
}

impl OwnListener {
    /// Listens at `path` with mode 0600 in a folder with mode 0700, which is made if missing. A
    /// socket file on which nobody answers is replaced. Call it within a tokio runtime.
    ///
    /// # Errors
    /// [`Code::EngineRunning`] where another answers there, [`Code::NotAllowed`] for a folder that is
    /// another user's or open to others, [`Code::Usage`] for a path that is too long.
    pub fn bind(path: &Path) -> Result<OwnListener, Problem> {
        check_socket_length(path)?;
        let dir = path.parent().filter(|d| !d.as_os_str().is_empty()).unwrap_or(Path::new("."));
        private_dir(dir)?;
        check_folder(dir)?;
        // two engines that find the same stale socket must not both replace it
        let lock = fs::File::open(dir).map_err(|e| cannot("open", dir, &e))?;
        flock(&lock, FlockOperation::LockExclusive).map_err(|e| cannot("lock", dir, &e.into()))?;
        clear_stale(path)?;
        let inner = UnixListener::bind(path).map_err(|e| cannot("listen on", path, &e))?;
        fs::set_permissions(path, fs::Permissions::from_mode(0o600))
            .map_err(|e| cannot("close to others", path, &e))?;
        let inode = fs::symlink_metadata(path).map_err(|e| cannot("look at", path, &e))?.ino();
        Ok(OwnListener { inner, path: path.to_owned(), inode })
    }
}

impl Drop for OwnListener {
    fn drop(&mut self) {
        if fs::symlink_metadata(&self.path).is_ok_and(|m| m.ino() == self.inode) {
            // best effort: a file that stays is found to be stale by the next engine
            let _ = fs::remove_file(&self.path);
        }
    }
}

impl Listener for OwnListener {
    type Io = UnixStream;
    type Addr = SocketAddr;

    /// The next connection of a user who may talk to this engine; others are closed at once.
    async fn accept(&mut self) -> (Self::Io, Self::Addr) {
        loop {
            let (stream, addr) = match self.inner.accept().await {
                Ok(accepted) => accepted,
                Err(e) => {
                    tracing::warn!("can't accept on {}: {e}", self.path.display());
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                    continue;
                }
            };
            match stream.peer_cred() {
                Ok(peer) if may_connect(peer.uid(), geteuid().as_raw()) => return (stream, addr),
                Ok(peer) => {
                    tracing::warn!("user {} may not use {}: turned away", peer.uid(), self.path.display());
                }
                Err(e) => tracing::warn!("can't tell who connects to {}: {e}", self.path.display()),
            }
        }
    }

    fn local_addr(&self) -> io::Result<Self::Addr> {
        self.inner.local_addr()
    }
}

/// Whether a user may talk to an engine of `own`'s. Root may do anything anyway.
fn may_connect(peer: u32, own: u32) -> bool {
    peer == own || peer == 0
}

fn check_folder(dir: &Path) -> Result<(), Problem> {
    let meta = fs::symlink_metadata(dir).map_err(|e| cannot("look at", dir, &e))?;
    let wrong = folder_fault(meta.is_dir(), meta.uid(), meta.mode(), geteuid().as_raw());
    wrong.map_or(Ok(()), |why| {
        Err(Problem::new(
            Code::NotAllowed,
            format!("{} {why}, so a socket in it is not safe", dir.display()),
            format!("move it away, or run `chmod 700 {}` if it is yours", dir.display()),
        ))
    })
}

/// What speaks against a folder for the socket.
fn folder_fault(is_dir: bool, owner: u32, mode: u32, own: u32) -> Option<&'static str> {
    if !is_dir {
        Some("is not a folder")
    } else if owner != own {
        Some("is another user's")
    } else if mode & 0o077 != 0 {
        Some("is open to other users")
    } else {
        None
    }
}

/// Takes a socket away on which nobody answers.
fn clear_stale(path: &Path) -> Result<(), Problem> {
    // Linux refuses a connection to a plain file just as to a stale socket
    if fs::symlink_metadata(path).is_ok_and(|m| !m.file_type().is_socket()) {
        return Err(cannot("listen on", path, &io::ErrorKind::AlreadyExists.into()));
    }
    match StdUnixStream::connect(path) {
        Ok(_) => Err(Problem::new(
            Code::EngineRunning,
            format!("another engine answers on {}", path.display()),
            "use that one, or quit Igloo or end `igloo serve` first",
        )),
        Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(e) if e.kind() == io::ErrorKind::ConnectionRefused => {
            fs::remove_file(path).map_err(|e| cannot("replace", path, &e))
        }
        Err(e) => Err(cannot("look at", path, &e)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_user_and_root_may_connect() {
        assert!(may_connect(501, 501) && may_connect(0, 501));
        assert!(!may_connect(502, 501) && !may_connect(501, 0));
    }

    #[test]
    fn a_folder_must_be_ones_own_and_closed() {
        assert_eq!(folder_fault(true, 501, 0o40700, 501), None);
        assert_eq!(folder_fault(false, 501, 0o100700, 501), Some("is not a folder"));
        assert_eq!(folder_fault(true, 0, 0o40700, 501), Some("is another user's"));
        assert_eq!(folder_fault(true, 501, 0o40710, 501), Some("is open to other users"));
    }

    #[tokio::test]
    async fn the_socket_is_the_users_alone() {
        let t = tempfile::tempdir().unwrap();
        let path = t.path().join("run/api.sock");
        let listener = OwnListener::bind(&path).unwrap();
        let mode = |p: &Path| fs::symlink_metadata(p).unwrap().permissions().mode() & 0o777;
        assert_eq!((mode(&path), mode(path.parent().unwrap())), (0o600, 0o700));
        drop(listener);
        assert!(!path.exists());
    }

    #[tokio::test]
    async fn a_second_one_is_refused_and_a_stale_one_replaced() {
        let t = tempfile::tempdir().unwrap();
        let path = t.path().join("run/api.sock");
        let first = OwnListener::bind(&path).unwrap();
        assert_eq!(OwnListener::bind(&path).unwrap_err().code, Code::EngineRunning);
        drop(first);
        // as a killed engine leaves it: the file is there, nobody listens
        drop(std::os::unix::net::UnixListener::bind(&path).unwrap());
        assert!(path.exists());
        OwnListener::bind(&path).unwrap();
    }

    #[tokio::test]
    async fn an_old_listener_leaves_the_socket_of_its_successor() {
        let t = tempfile::tempdir().unwrap();
        let path = t.path().join("run/api.sock");
        let old = OwnListener::bind(&path).unwrap();
        fs::rename(&path, t.path().join("run/moved")).unwrap();
        let _new = OwnListener::bind(&path).unwrap();
        drop(old);
        assert!(path.exists());
    }

    #[tokio::test]
    async fn an_open_folder_a_file_and_a_long_path_are_refused() {
        let t = tempfile::tempdir().unwrap();
        let open = t.path().join("open");
        fs::create_dir(&open).unwrap();
        fs::set_permissions(&open, fs::Permissions::from_mode(0o755)).unwrap();
        let code = |p: PathBuf| OwnListener::bind(&p).unwrap_err().code;
        assert_eq!(code(open.join("api.sock")), Code::NotAllowed);
        assert_eq!(code(t.path().join("x".repeat(100)).join("api.sock")), Code::Usage);
        // a file in the socket's place is not ours to take away
        fs::write(t.path().join("precious"), "x").unwrap();
        assert!(OwnListener::bind(&t.path().join("precious")).is_err());
        assert!(t.path().join("precious").exists());
    }
}
