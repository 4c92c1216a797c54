//! One app at a time: who comes second asks the first to show its window, and ends.
//!
//! The first holds a lock, which the kernel takes from it however it ends, and listens on a socket beside it. That
//! needs no bus, is the same on macOS and Linux, and each `IGLOO_HOME` has an app of its own. A message is the name of
//! a page, or nothing.

use super::page::Page;
use igloo_engine::host::paths::{cannot, check_socket_length};
use igloo_protocol::{Code, Problem};
use rustix::fs::{FlockOperation, flock};
use std::{
    fs::{self, File},
    io::{Read, Write},
    os::unix::{
        fs::PermissionsExt,
        net::{UnixListener, UnixStream},
    },
    path::{Path, PathBuf},
    thread,
    time::{Duration, Instant},
};

/// How long the first may take from its lock to its socket, and to take a message.
const PATIENCE: Duration = Duration::from_secs(5);

/// How often the second looks for the socket.
const POLL: Duration = Duration::from_millis(20);

/// The longest message that is read, in bytes.
const MESSAGE_MAX: u64 = 64;

/// Which of the two this process is.
#[derive(Debug)]
pub enum Instance {
    /// There is no other.
    First(First),
    /// Another runs, and was told what to show.
    Second,
}

/// The one app. The socket goes with it.
#[derive(Debug)]
pub struct First {
    listener: UnixListener,
    socket: PathBuf,
    _lock: File,
}

/// Becomes the one app in this run-time folder, or has the one that is there show its window.
///
/// # Errors
/// Files that can't be made, and [`Code::Internal`] where the other app does not answer.
pub fn claim(dir: &Path, page: Option<Page>) -> Result<Instance, Problem> {
    let (lock, socket) = (dir.join("tray.lock"), dir.join("tray.sock"));
    check_socket_length(&socket)?;
    let file =
        File::options().create(true).append(true).open(&lock).map_err(|e| cannot("open", &lock, &e))?;
    if flock(&file, FlockOperation::NonBlockingLockExclusive).is_err() {
        return tell(&socket, page).map(|()| Instance::Second);
    }
    // one that was killed leaves its socket; with the lock in hand it is nobody's
    let _ = fs::remove_file(&socket);
    let listener = UnixListener::bind(&socket).map_err(|e| cannot("listen on", &socket, &e))?;
    fs::set_permissions(&socket, fs::Permissions::from_mode(0o600))
        .map_err(|e| cannot("close to others", &socket, &e))?;
    Ok(Instance::First(First { listener, socket, _lock: file }))
}

impl First {
    /// Calls `show` with what each later launch asks for, on a thread of its own.
    ///
    /// # Errors
    /// If the system gives no thread or no file descriptor.
    pub fn listen(&self, show: impl Fn(Option<Page>) + Send + 'static) -> Result<(), Problem> {
        let failed = |e| cannot("listen on", &self.socket, &e);
        let listener = self.listener.try_clone().map_err(failed)?;
        let thread = thread::Builder::new().name("instance".into());
        let listening = thread.spawn(move || {
            for stream in listener.incoming() {
                match stream.and_then(read) {
                    Ok(page) => show(page),
                    Err(error) => {
                        tracing::warn!(%error, "another launch could not be heard");
                        thread::sleep(POLL);
                    }
                }
            }
        });
        listening.map(drop).map_err(failed)
    }
}

impl Drop for First {
    fn drop(&mut self) {
        // best effort: the next one takes it away too
        let _ = fs::remove_file(&self.socket);
    }
}

fn tell(socket: &Path, page: Option<Page>) -> Result<(), Problem> {
    let deadline = Instant::now() + PATIENCE;
    loop {
        match UnixStream::connect(socket).and_then(|stream| write(stream, page)) {
            Ok(()) => return Ok(()),
            Err(_) if Instant::now() < deadline => thread::sleep(POLL),
            Err(e) => {
                return Err(Problem::new(
                    Code::Internal,
                    format!("Igloo runs already, but does not answer: {e}"),
                    "end it (`igloo-tray` in the list of processes), then open it again",
                ));
            }
        }
    }
}

/// Returns once the other has taken the message: it closes the stream then.
fn write(mut stream: UnixStream, page: Option<Page>) -> std::io::Result<()> {
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.write_all(page.map_or("", Page::name).as_bytes())?;
    stream.shutdown(std::net::Shutdown::Write)?;
    stream.read(&mut [0]).map(drop)
}

/// A page that is not known is none: the window still opens.
fn read(stream: UnixStream) -> std::io::Result<Option<Page>> {
    stream.set_read_timeout(Some(PATIENCE))?;
    let mut name = String::new();
    stream.take(MESSAGE_MAX).read_to_string(&mut name)?;
    Ok(Page::named(&name))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc;

    fn first(dir: &Path) -> First {
        match claim(dir, None).unwrap() {
            Instance::First(first) => first,
            Instance::Second => panic!("there is another"),
        }
    }

    #[test]
    fn the_second_is_heard_by_the_first() {
        let dir = tempfile::tempdir().unwrap();
        let one = first(dir.path());
        let (sender, heard) = mpsc::channel();
        one.listen(move |page| sender.send(page).unwrap()).unwrap();
        for page in [None, Some(Page::Nix), Some(Page::Welcome)] {
            assert!(matches!(claim(dir.path(), page).unwrap(), Instance::Second));
            assert_eq!(heard.recv().unwrap(), page);
        }
    }

    #[test]
    fn a_socket_that_was_left_is_replaced() {
        let dir = tempfile::tempdir().unwrap();
        drop(UnixListener::bind(dir.path().join("tray.sock")).unwrap());
        let one = first(dir.path());
        let mode = fs::metadata(&one.socket).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        drop(one);
        assert!(!dir.path().join("tray.sock").exists());
        drop(first(dir.path()));
    }

    #[test]
    fn nonsense_opens_the_window_and_no_page() {
        let (mut one, other) = UnixStream::pair().unwrap();
        one.write_all(b"../../etc").unwrap();
        drop(one);
        assert_eq!(read(other).unwrap(), None);
    }
}
