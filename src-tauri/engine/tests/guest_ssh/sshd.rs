//! A real sshd, one process a connection, with a listener of the test's own in front of it.

use igloo_engine::{
    guest::Target,
    keys::{KeyPair, PublicKey, UserKey, ensure_pair},
};
use rustix::process::{Pid, Signal, kill_process_group};
use std::{
    fs,
    net::{Ipv4Addr, Shutdown, TcpListener, TcpStream},
    os::{fd::OwnedFd, unix::process::CommandExt as _},
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst},
    },
    thread::JoinHandle,
};

/// What becomes of a connection.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Answer {
    /// It is closed at once, as QEMU's forward does while no sshd listens.
    Close,
    /// sshd gets it.
    Sshd,
}

struct Connection {
    stream: TcpStream,
    group: Pid,
    waiter: JoinHandle<()>,
}

/// A key pair as the engine logs in with it.
pub fn user_key(pair: &KeyPair) -> UserKey {
    UserKey::in_file(&pair.private_path, &pair.public_line)
}

pub struct Server {
    pub dir: tempfile::TempDir,
    pub user_key: KeyPair,
    pub host_key: KeyPair,
    port: u16,
    accepted: Arc<AtomicUsize>,
    stop: Arc<AtomicBool>,
    live: Arc<Mutex<Vec<Connection>>>,
    listener: Option<JoinHandle<()>>,
}

impl Server {
    /// A server that answers the first connections in the given way, and all later ones with sshd.
    pub fn start(first: &[Answer]) -> Server {
        let dir = tempfile::tempdir().unwrap();
        let user_key = ensure_pair(dir.path(), "user", "user").unwrap();
        let host_key = ensure_pair(dir.path(), "host", "host").unwrap();
        fs::write(dir.path().join("authorized"), format!("{}\n", user_key.public_line)).unwrap();
        let config = config(dir.path());
        let socket = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port = socket.local_addr().unwrap().port();
        let (accepted, stop, live) =
            (Arc::<AtomicUsize>::default(), Arc::<AtomicBool>::default(), Arc::default());
        let listener = std::thread::spawn({
            let (accepted, stop, live, first) =
                (Arc::clone(&accepted), Arc::clone(&stop), Arc::clone(&live), first.to_vec());
            move || {
                for stream in socket.incoming().map_while(Result::ok) {
                    if stop.load(SeqCst) {
                        return;
                    }
                    let n = accepted.fetch_add(1, SeqCst);
                    if first.get(n).copied().unwrap_or(Answer::Sshd) == Answer::Sshd {
                        let live: &Mutex<Vec<_>> = &live;
                        live.lock().unwrap().push(serve(stream, &config));
                    }
                }
            }
        });
        Server { dir, user_key, host_key, port, accepted, stop, live, listener: Some(listener) }
    }

    pub fn target(&self) -> Target {
        let host_key: PublicKey = self.host_key.public().unwrap();
        Target { port: self.port, user: whoami(), host_key, key: user_key(&self.user_key) }
    }

    /// How many connections there were.
    pub fn accepted(&self) -> usize {
        self.accepted.load(SeqCst)
    }

    /// Ends every connection.
    pub fn cut(&self) {
        for connection in self.live.lock().unwrap().iter() {
            let _ = connection.stream.shutdown(Shutdown::Both);
        }
    }

    /// Stops the processes in their tracks, as a guest that hangs.
    pub fn freeze(&self) {
        self.signal(Signal::STOP);
    }

    /// A command that ends only with the test.
    pub fn hang(&self) -> String {
        format!("while [ -e {} ]; do sleep 0.1; done", self.dir.path().display())
    }

    fn signal(&self, signal: Signal) {
        for connection in self.live.lock().unwrap().iter().filter(|c| !c.waiter.is_finished()) {
            let _ = kill_process_group(connection.group, signal);
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop.store(true, SeqCst);
        let _ = TcpStream::connect((Ipv4Addr::LOCALHOST, self.port));
        if let Some(listener) = self.listener.take() {
            let _ = listener.join();
        }
        self.cut();
        self.signal(Signal::CONT);
        for connection in self.live.lock().unwrap().drain(..) {
            let _ = connection.waiter.join();
        }
    }
}

fn serve(stream: TcpStream, config: &Path) -> Connection {
    let (input, output): (OwnedFd, OwnedFd) =
        (stream.try_clone().unwrap().into(), stream.try_clone().unwrap().into());
    let mut child = Command::new(program())
        .arg("-i")
        .arg("-f")
        .arg(config)
        .arg("-E")
        .arg(config.with_file_name("sshd.log"))
        .process_group(0)
        .stdin(Stdio::from(input))
        .stdout(Stdio::from(output))
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let (group, ours) = (Pid::from_child(&child), stream.try_clone().unwrap());
    let waiter = std::thread::spawn(move || {
        let _ = child.wait();
        let _ = ours.shutdown(Shutdown::Both);
    });
    Connection { stream, group, waiter }
}

fn config(dir: &Path) -> PathBuf {
    // as root it wants an empty folder for its unprivileged half, at a place that is built in
    if rustix::process::geteuid().is_root() {
        fs::create_dir_all("/run/sshd").unwrap();
    }
    let dir_path = dir.display();
    let text = format!(
        "HostKey {dir_path}/host\nAuthorizedKeysFile {dir_path}/authorized\nPidFile none\nUsePAM no\nStrictModes no\n\
         PasswordAuthentication no\nKbdInteractiveAuthentication no\nPermitRootLogin prohibit-password\n"
    );
    let path = dir.join("sshd_config");
    fs::write(&path, text).unwrap();
    path
}

fn program() -> PathBuf {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let dirs = std::env::split_paths(&path).chain(["/usr/sbin".into(), "/usr/local/sbin".into()]);
    let found = dirs.map(|d| d.join("sshd")).find(|p| p.is_file());
    found.expect("no sshd: install OpenSSH's server (Debian: openssh-server)")
}

fn whoami() -> String {
    let id = Command::new("id").arg("-un").output().unwrap();
    String::from_utf8(id.stdout).unwrap().trim().to_owned()
}
