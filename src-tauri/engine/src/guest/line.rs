//! One ssh connection, spoken blocking: every function here belongs on a blocking thread, and every one
//! ends by its deadline.
//!
//! libssh2 is kept in its non-blocking mode and waited for with `poll`, since its own timeout covers one
//! call and not a whole command, and since both of a command's outputs must be read by turns (they share
//! one window: who waits for one of them may wait for ever).

use super::{OUTPUT_LIMIT, Output};
use crate::keys::Secret;
use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    io::Errno,
};
use ssh2::{BlockDirections, Channel, ErrorCode, MethodType, Session};
use std::{
    io::{self, Write as _},
    net::{Shutdown, TcpStream},
    sync::Arc,
    time::{Duration, Instant},
};

/// `LIBSSH2_ERROR_EAGAIN` of libssh2.h
const EAGAIN: i32 = -37;
/// `LIBSSH2_ERROR_FILE`: the private key can't be read.
const KEY: i32 = -16;
/// `LIBSSH2_ERROR_AUTHENTICATION_FAILED` and `LIBSSH2_ERROR_PUBLICKEY_UNVERIFIED`
const REFUSED: [i32; 2] = [-18, -19];
/// `LIBSSH2_ERROR_SOCKET_NONE`, `_SOCKET_SEND`, `_SOCKET_DISCONNECT` and `_SOCKET_RECV`
const CLOSED: [i32; 4] = [-1, -7, -13, -43];

/// ed25519 is what Igloo makes; the others are taken so that a guest without it shows a key that differs,
/// rather than an opaque failure of the key exchange.
const HOST_KEYS: &str = "ssh-ed25519,ecdsa-sha2-nistp256,rsa-sha2-512,rsa-sha2-256";

/// How long a guest may take to show that it is there after a command did not end in time.
const GRACE: Duration = Duration::from_secs(5);

/// Why a step did not get its result.
#[derive(Debug)]
pub(super) enum Stop {
    /// The deadline passed.
    Deadline,
    /// libssh2 says so.
    Ssh(ssh2::Error),
    /// The socket says so.
    Io(io::Error),
}

impl From<ssh2::Error> for Stop {
    fn from(e: ssh2::Error) -> Self {
        Stop::Ssh(e)
    }
}

impl From<io::Error> for Stop {
    fn from(e: io::Error) -> Self {
        Stop::Io(e)
    }
}

impl std::fmt::Display for Stop {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Stop::Deadline => f.write_str("no answer in time"),
            Stop::Ssh(e) if CLOSED.iter().any(|c| e.code() == ErrorCode::Session(*c)) => {
                f.write_str("the other side closed it")
            }
            Stop::Ssh(e) => f.write_str(e.message()),
            Stop::Io(e) => e.fmt(f),
        }
    }
}

/// Why nobody is logged in.
#[derive(Debug)]
pub(super) enum NoLogin {
    /// The guest refuses the key.
    Refused(String),
    /// The key can't be used.
    Key(String),
    /// Anything that may pass.
    Other(Stop),
}

/// Why a command has no output.
#[derive(Debug)]
pub(super) enum NoOutput {
    /// It ran past its deadline; the connection is fine.
    Overdue,
    /// The connection is not usable any more.
    Lost(Stop),
}

/// What to run.
pub(super) struct Job {
    pub command: String,
    pub stdin: Vec<u8>,
    /// Once it says so of the output so far, the input is ended. `None`: after `stdin`.
    pub enough: Option<fn(&[u8]) -> bool>,
}

/// The connection.
pub(super) struct Line {
    session: Session,
    socket: Arc<TcpStream>,
}

impl Drop for Line {
    fn drop(&mut self) {
        let _ = self.socket.shutdown(Shutdown::Both);
    }
}

impl Line {
    /// Exchanges keys over a connection on which the guest's banner waits to be read.
    pub(super) fn handshake(socket: &Arc<TcpStream>, deadline: Instant) -> Result<Line, Stop> {
        let mut session = Session::new()?;
        session.set_tcp_stream(socket.try_clone()?);
        session.set_blocking(false);
        session.method_pref(MethodType::HostKey, HOST_KEYS)?;
        loop {
            match session.handshake() {
                Err(e) if again(&e) => wait(&session, socket, false, deadline)?,
                Err(e) => return Err(e.into()),
                Ok(()) => return Ok(Line { session, socket: Arc::clone(socket) }),
            }
        }
    }

    /// The host key that the guest showed, in the ssh protocol's form.
    pub(super) fn host_key(&self) -> Option<&[u8]> {
        self.session.host_key().map(|(blob, _)| blob)
    }

    /// Logs in.
    pub(super) fn login(&self, user: &str, key: &Secret, deadline: Instant) -> Result<(), NoLogin> {
        let key = std::str::from_utf8(key.bytes()).map_err(|e| NoLogin::Key(e.to_string()))?;
        let tried = self.until(deadline, || self.session.userauth_pubkey_memory(user, None, key, None));
        tried.map_err(|stop| match stop {
            Stop::Ssh(e) if REFUSED.iter().any(|c| e.code() == ErrorCode::Session(*c)) => {
                NoLogin::Refused(e.message().to_owned())
            }
            Stop::Ssh(e) if e.code() == ErrorCode::Session(KEY) => NoLogin::Key(e.message().to_owned()),
            other => NoLogin::Other(other),
        })
    }

    /// Runs one command to its end.
    pub(super) fn run(&self, job: &Job, deadline: Instant) -> Result<Output, NoOutput> {
        // a deadline in here leaves libssh2 in the midst of a request, so the connection is given up
        let mut channel = self.until(deadline, || self.session.channel_session()).map_err(NoOutput::Lost)?;
        self.until(deadline, || channel.exec(&job.command)).map_err(NoOutput::Lost)?;
        match self.pump(&mut channel, job, deadline) {
            Ok(output) => {
                self.until(deadline + GRACE, || channel.close()).map_err(NoOutput::Lost)?;
                Ok(output)
            }
            Err(Stop::Deadline) => {
                // sshd answers this only once the command has ended, so it is not waited for
                let _ = channel.close();
                self.ping(Instant::now() + GRACE).map_err(NoOutput::Lost)?;
                Err(NoOutput::Overdue)
            }
            Err(stop) => Err(NoOutput::Lost(stop)),
        }
    }

    /// Whether the other side is there: sshd opens a channel and closes it, with no process for it.
    pub(super) fn ping(&self, deadline: Instant) -> Result<(), Stop> {
        let mut channel = self.until(deadline, || self.session.channel_session())?;
        self.until(deadline, || channel.close())
    }

    fn pump(&self, channel: &mut Channel, job: &Job, deadline: Instant) -> Result<Output, Stop> {
        let mut output = Output::default();
        let mut stdin = job.stdin.as_slice();
        let mut stdin_open = true;
        while !channel.eof() {
            let mut moved = take(channel, &mut output.stdout, &mut output.truncated)?;
            moved |= take(&mut channel.stderr(), &mut output.stderr, &mut output.truncated)?;
            if !stdin.is_empty() {
                let n = now(channel.write(stdin))?.unwrap_or(0);
                stdin = &stdin[n..];
                moved |= n > 0;
            } else if stdin_open && job.enough.is_none_or(|enough| enough(&output.stdout)) {
                self.until(deadline, || channel.send_eof())?;
                stdin_open = false;
            }
            if Instant::now() >= deadline {
                return Err(Stop::Deadline);
            }
            // reading the one output may have taken in what belongs to the other: no `poll` tells of that again
            let lies_there = channel.read_window().available > 0;
            if !moved && !lies_there && !channel.eof() {
                wait(&self.session, &self.socket, !stdin.is_empty(), deadline)?;
            }
        }
        // the exit status may come after the end of the output
        self.until(deadline, || channel.wait_close())?;
        let by_signal = channel.exit_signal()?.exit_signal.is_some();
        output.status = if by_signal { None } else { Some(channel.exit_status()?) };
        Ok(output)
    }

    fn until<T>(&self, deadline: Instant, mut op: impl FnMut() -> Result<T, ssh2::Error>) -> Result<T, Stop> {
        loop {
            match op() {
                Err(e) if again(&e) => wait(&self.session, &self.socket, false, deadline)?,
                other => return Ok(other?),
            }
        }
    }
}

fn again(e: &ssh2::Error) -> bool {
    e.code() == ErrorCode::Session(EAGAIN)
}

/// `None` where the call would have had to wait.
fn now(done: io::Result<usize>) -> Result<Option<usize>, Stop> {
    match done {
        Ok(n) => Ok(Some(n)),
        Err(e) if e.kind() == io::ErrorKind::WouldBlock => Ok(None),
        Err(e) => Err(e.into()),
    }
}

/// Reads what is there, up to the bound; the rest is thrown away. Says whether something was there.
fn take(from: &mut impl io::Read, to: &mut Vec<u8>, truncated: &mut bool) -> Result<bool, Stop> {
    let mut buffer = [0; 16 * 1024];
    let n = now(from.read(&mut buffer))?.unwrap_or(0);
    let room = n.min(OUTPUT_LIMIT - to.len());
    to.extend_from_slice(&buffer[..room]);
    *truncated |= room < n;
    Ok(n > 0)
}

/// Waits until libssh2 can go on.
fn wait(session: &Session, socket: &TcpStream, writing: bool, deadline: Instant) -> Result<(), Stop> {
    let mut flags = match session.block_directions() {
        BlockDirections::Outbound => PollFlags::OUT,
        BlockDirections::Both => PollFlags::IN | PollFlags::OUT,
        BlockDirections::Inbound | BlockDirections::None => PollFlags::IN,
    };
    if writing {
        flags |= PollFlags::IN;
    }
    let left = deadline.checked_duration_since(Instant::now()).ok_or(Stop::Deadline)?;
    let timeout = Timespec { tv_sec: left.as_secs().min(3600) as i64, tv_nsec: left.subsec_nanos().into() };
    match poll(&mut [PollFd::new(socket, flags)], Some(&timeout)) {
        Ok(0) => Err(Stop::Deadline),
        Ok(_) | Err(Errno::INTR) => Ok(()),
        Err(e) => Err(Stop::Io(e.into())),
    }
}
