//! From an open port to a login: the upper rungs of the ladder.

use super::{
    Guest,
    line::{Line, NoLogin},
    trouble,
};
use crate::keys::{PublicKey, UserKey};
use igloo_protocol::{Problem, Rung};
use std::{
    io,
    net::{Ipv4Addr, Shutdown},
    sync::Arc,
    time::Duration,
};
use tokio::{
    net::TcpStream,
    task,
    time::{Instant, sleep, timeout_at},
};

/// Where a guest is, and how to know it.
#[derive(Clone)]
pub struct Target {
    /// Its sshd's port on this machine's loopback.
    pub port: u16,
    /// The user to log in as.
    pub user: String,
    /// The one host key that it may show.
    pub host_key: PublicKey,
    /// The key to log in with.
    pub key: UserKey,
}

/// The first wait for a banner. A forward accepts before there is a guest; a try made before the guest has a
/// network never gets an answer, so it must end soon.
const FIRST_WAIT: Duration = Duration::from_millis(1000);
/// The longest wait for a banner: a busy guest may be slow, and must not be tried too often.
const LONGEST_WAIT: Duration = Duration::from_secs(10);
/// The pause after a try that was turned away before a banner.
const PAUSE: Duration = Duration::from_millis(150);
/// The pause after a try that sshd noticed: it counts those that do not log in.
const LONG_PAUSE: Duration = Duration::from_secs(2);
/// How long key exchange and login may take in one try. TCG on a busy machine needs seconds.
const EXCHANGE: Duration = Duration::from_secs(30);

/// Climbs [`Rung::Port`], [`Rung::Banner`], [`Rung::HostKey`] and [`Rung::Login`], retrying what a guest that
/// still boots can't do yet, until the deadline. `on_rung` hears of each rung once.
///
/// # Errors
/// [`igloo_protocol::Code::HostKeyMismatch`] and [`igloo_protocol::Code::LoginFailed`] at once,
/// [`igloo_protocol::Code::BootTimeout`] with the rung that was not reached; a key that can't be had.
pub async fn connect(
    target: &Target,
    deadline: Duration,
    on_rung: impl FnMut(Rung) + Send,
) -> Result<Guest, Problem> {
    let started = Instant::now();
    let end = started + deadline;
    let mut climb = Climb { reached: None, on_rung };
    let mut banner_wait = FIRST_WAIT;
    loop {
        let failed = match attempt(target, end, banner_wait, &mut climb).await {
            Ok(guest) => return Ok(guest),
            Err(Failed::Final(problem)) => return Err(problem),
            Err(Failed::Passing(failed)) => failed,
        };
        tracing::debug!(rung = ?failed.missing, why = %failed.why, "not yet");
        if failed.missing == Rung::Banner && failed.silent {
            banner_wait = (banner_wait * 4 / 3).min(LONGEST_WAIT);
        }
        if Instant::now() + failed.pause >= end {
            return Err(trouble::boot_timeout(climb.reached, failed.missing, &failed.why, deadline));
        }
        sleep(failed.pause).await;
    }
}

struct Climb<F> {
    reached: Option<Rung>,
    on_rung: F,
}

impl<F: FnMut(Rung)> Climb<F> {
    fn reach(&mut self, rung: Rung) {
        if self.reached.is_none_or(|r| r < rung) {
            self.reached = Some(rung);
            (self.on_rung)(rung);
        }
    }
}

enum Failed {
    Final(Problem),
    Passing(Passing),
}

struct Passing {
    missing: Rung,
    why: String,
    /// Nothing came at all, for as long as was waited.
    silent: bool,
    pause: Duration,
}

fn passing(missing: Rung, why: impl ToString, pause: Duration) -> Failed {
    Failed::Passing(Passing { missing, why: why.to_string(), silent: false, pause })
}

async fn attempt<F: FnMut(Rung)>(
    target: &Target,
    end: Instant,
    banner_wait: Duration,
    climb: &mut Climb<F>,
) -> Result<Guest, Failed> {
    let stream = match timeout_at(end, TcpStream::connect((Ipv4Addr::LOCALHOST, target.port))).await {
        Ok(Ok(stream)) => stream,
        Ok(Err(e)) => return Err(passing(Rung::Port, e, PAUSE)),
        Err(_) => return Err(passing(Rung::Port, "no answer in time", PAUSE)),
    };
    climb.reach(Rung::Port);
    banner(&stream, end.min(Instant::now() + banner_wait)).await?;
    climb.reach(Rung::Banner);

    let hangup = Hangup::new(stream).map_err(|e| passing(Rung::HostKey, e, LONG_PAUSE))?;
    let socket = Arc::clone(&hangup.socket);
    let until = end.min(Instant::now() + EXCHANGE).into_std();
    let line = blocking(Rung::HostKey, move || Line::handshake(&socket, until)).await?;
    let line = line.map_err(|stop| passing(Rung::HostKey, stop, LONG_PAUSE))?;
    match line.host_key() {
        Some(shown) if target.host_key.is(shown) => climb.reach(Rung::HostKey),
        shown => {
            return Err(Failed::Final(trouble::host_key_mismatch(
                &target.host_key,
                shown.unwrap_or_default(),
            )));
        }
    }

    // may wait for the user, which is no fault of the guest's
    let asked = Instant::now();
    let private = target.key.private().await.map_err(Failed::Final)?;
    let until = (end + asked.elapsed()).min(Instant::now() + EXCHANGE).into_std();
    let user = target.user.clone();
    let logged_in = blocking(Rung::Login, move || line.login(&user, &private, until).map(|()| line)).await?;
    let line = logged_in.map_err(|no| match no {
        NoLogin::Refused(why) => Failed::Final(trouble::refused(&target.user, &target.key.describe(), &why)),
        NoLogin::Key(why) => Failed::Final(trouble::key(&target.key.describe(), &why)),
        // such as pam_nologin's, which ends the connection while systemd still boots
        NoLogin::Other(stop) => passing(Rung::Login, stop, LONG_PAUSE),
    })?;
    climb.reach(Rung::Login);
    Ok(Guest::new(line, hangup.disarm(), target.user.clone()))
}

async fn blocking<T: Send + 'static>(
    missing: Rung,
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, Failed> {
    task::spawn_blocking(work).await.map_err(|e| passing(missing, e, LONG_PAUSE))
}

/// Waits for `SSH-` without taking it.
async fn banner(stream: &TcpStream, until: Instant) -> Result<(), Failed> {
    let mut start = [0; 64];
    let seen = timeout_at(until, async {
        let mut before = 0;
        loop {
            let n = stream.peek(&mut start).await?;
            if n >= 4 || n == before {
                return io::Result::Ok(n);
            }
            before = n;
        }
    });
    match seen.await {
        Ok(Ok(n)) if start[..n].starts_with(b"SSH-") => Ok(()),
        Ok(Ok(0)) => Err(passing(Rung::Banner, "the connection is closed at once", PAUSE)),
        // sshd says so in clear where it turns a client away: "Not allowed at this time"
        Ok(Ok(n)) => {
            let said = String::from_utf8_lossy(&start[..n]);
            Err(passing(Rung::Banner, format!("it says {:?}", said.trim_end()), LONG_PAUSE))
        }
        Ok(Err(e)) => Err(passing(Rung::Banner, e, PAUSE)),
        Err(_) => {
            let why = "nothing is sent".to_owned();
            Err(Failed::Passing(Passing { missing: Rung::Banner, why, silent: true, pause: PAUSE }))
        }
    }
}

/// Ends the connection when it is dropped, and with it a thread that waits for it.
struct Hangup {
    socket: Arc<std::net::TcpStream>,
    armed: bool,
}

impl Hangup {
    fn new(stream: TcpStream) -> io::Result<Hangup> {
        stream.set_nodelay(true)?;
        Ok(Hangup { socket: Arc::new(stream.into_std()?), armed: true })
    }

    /// Leaves the connection open.
    fn disarm(mut self) -> Arc<std::net::TcpStream> {
        self.armed = false;
        Arc::clone(&self.socket)
    }
}

impl Drop for Hangup {
    fn drop(&mut self) {
        if self.armed {
            let _ = self.socket.shutdown(Shutdown::Both);
        }
    }
}
