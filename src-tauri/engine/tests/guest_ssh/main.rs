//! The guest's ssh side against a real sshd.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "helpers of tests")]

mod sshd;

use igloo_engine::{
    guest::{Guest, OUTPUT_LIMIT, Target, connect},
    keys::{Agent, PublicKey, UserKey, ensure_pair},
};
use igloo_protocol::{Code, Problem, Rung};
use sshd::{Answer, Server, user_key};
use std::{
    io::Read as _,
    net::{Ipv4Addr, TcpListener},
    time::{Duration, Instant},
};

/// Long enough for a busy machine; no test waits for it.
const LONG: Duration = Duration::from_secs(60);
const SHORT: Duration = Duration::from_millis(500);

async fn log_in(server: &Server) -> Guest {
    connect(&server.target(), LONG, |_| ()).await.unwrap()
}

async fn fails(target: &Target, deadline: Duration) -> Problem {
    connect(target, deadline, |_| ()).await.err().expect("a problem")
}

async fn says_hi(guest: &Guest) {
    let output = guest.run("echo hi", None, LONG).await.unwrap();
    assert_eq!((output.status, output.stdout.as_slice()), (Some(0), b"hi\n".as_slice()));
}

#[tokio::test]
async fn the_right_key_gets_in_and_commands_run() {
    let server = Server::start(&[]);
    let mut rungs = Vec::new();
    let guest = connect(&server.target(), LONG, |r| rungs.push(r)).await.unwrap();
    assert_eq!(rungs, [Rung::Port, Rung::Banner, Rung::HostKey, Rung::Login]);

    let output = guest.run("echo out; echo err >&2; exit 3", None, LONG).await.unwrap();
    assert_eq!((output.stdout, output.stderr, output.status), (b"out\n".into(), b"err\n".into(), Some(3)));
    let killed = guest.run("kill -KILL $$", None, LONG).await.unwrap();
    assert_eq!(killed.status, None);
    // both ways at once, more than any window or pipe holds
    let bytes: Vec<u8> = (0..OUTPUT_LIMIT).map(|n| (n % 251) as u8).collect();
    let echoed = guest.run("cat", Some(&bytes), LONG).await.unwrap();
    assert!(echoed.stdout == bytes && !echoed.truncated);
    assert!(guest.alive());
}

#[tokio::test]
async fn a_guest_that_still_boots_is_tried_again() {
    let server = Server::start(&[Answer::Close, Answer::Close, Answer::Close]);
    let mut rungs = Vec::new();
    connect(&server.target(), LONG, |r| rungs.push(r)).await.unwrap();
    assert_eq!(rungs, [Rung::Port, Rung::Banner, Rung::HostKey, Rung::Login]);
    assert_eq!(server.accepted(), 4);
}

#[tokio::test]
async fn another_host_key_is_told_at_once() {
    let server = Server::start(&[]);
    let expected: PublicKey = server.user_key.public().unwrap();
    let shown = server.host_key.public().unwrap();
    let problem = fails(&Target { host_key: expected.clone(), ..server.target() }, LONG).await;
    assert_eq!(problem.code, Code::HostKeyMismatch);
    for key in [expected, shown] {
        assert!(problem.message.contains(&key.fingerprint()), "{problem}");
    }
    assert_eq!(server.accepted(), 1);
}

#[tokio::test]
async fn a_refused_key_is_told_at_once() {
    let server = Server::start(&[]);
    let other = ensure_pair(server.dir.path(), "other", "other").unwrap();
    let problem = fails(&Target { key: user_key(&other), ..server.target() }, LONG).await;
    assert_eq!(problem.code, Code::LoginFailed);
    assert_eq!(server.accepted(), 1);

    // neither of these gets as far as a login
    let none = UserKey::in_file(server.dir.path().join("none"), &other.public_line);
    let problem = fails(&Target { key: none, ..server.target() }, LONG).await;
    assert_eq!(problem.code, Code::BadKey);
    assert!(problem.message.contains("none"), "{problem}");
    std::fs::write(&other.private_path, "garbage").unwrap();
    let problem = fails(&Target { key: user_key(&other), ..server.target() }, LONG).await;
    assert_eq!(problem.code, Code::LoginFailed);
    assert!(problem.message.contains("other can't be used"), "{problem}");
}

#[tokio::test]
async fn ssh_logs_in_by_the_agent_with_the_public_half_alone() {
    let server = Server::start(&[]);
    let (socket, public) = (server.dir.path().join("run/agent.sock"), server.dir.path().join("offered.pub"));
    std::fs::write(&public, format!("{}\n", server.user_key.public_line)).unwrap();
    let ssh = async |agent: &str| {
        let mut ssh = tokio::process::Command::new("ssh");
        ssh.args(["-F", "/dev/null", "-o", "BatchMode=yes", "-o", "StrictHostKeyChecking=no"])
            .args(["-o", "UserKnownHostsFile=/dev/null", "-o", "IdentitiesOnly=yes", "-o", "LogLevel=ERROR"])
            .args(["-o", &format!("IdentityAgent={agent}"), "-i"])
            .arg(&public)
            .args([
                "-p",
                &server.target().port.to_string(),
                "-l",
                &server.target().user,
                "127.0.0.1",
                "echo in",
            ]);
        let output = tokio::time::timeout(LONG, ssh.kill_on_drop(true).output()).await.unwrap().unwrap();
        (output.status.code(), String::from_utf8_lossy(&output.stdout).into_owned())
    };
    assert_eq!(ssh("none").await, (Some(255), String::new()), "the public half opens nothing");
    let agent = Agent::serve(&socket, user_key(&server.user_key)).unwrap();
    assert_eq!(ssh(socket.to_str().unwrap()).await, (Some(0), "in\n".into()));
    drop(agent);
}

#[tokio::test]
async fn a_timeout_names_the_rung() {
    let server = Server::start(&[]);
    let silent = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let port = silent.local_addr().unwrap().port();
    let started = Instant::now();
    let problem = fails(&Target { port, ..server.target() }, SHORT).await;
    assert_eq!(problem.code, Code::BootTimeout);
    assert!(problem.message.contains(Rung::Port.describe()), "{problem}");
    assert!(problem.message.contains(Rung::Banner.describe()), "{problem}");
    assert!(started.elapsed() < SHORT * 8);

    drop(silent);
    let problem = fails(&Target { port, ..server.target() }, SHORT).await;
    assert_eq!(problem.code, Code::BootTimeout);
    assert!(problem.message.contains(Rung::Port.describe()), "{problem}");
    assert!(!problem.message.contains(Rung::Banner.describe()), "{problem}");
}

#[tokio::test]
async fn a_start_that_is_dropped_hangs_up() {
    let server = Server::start(&[]);
    let half = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let target = Target { port: half.local_addr().unwrap().port(), ..server.target() };
    // a banner, and then nothing: the key exchange waits
    let accepted = tokio::task::spawn_blocking(move || {
        let (mut stream, _) = half.accept().unwrap();
        std::io::Write::write_all(&mut stream, b"SSH-2.0-half\r\n").unwrap();
        let mut all = Vec::new();
        let _ = stream.read_to_end(&mut all);
        all
    });
    let (banner, seen) = tokio::sync::oneshot::channel();
    let mut banner = Some(banner);
    let start = tokio::spawn(async move {
        let tell = |rung| {
            if rung == Rung::Banner {
                let _ = banner.take().map(|b| b.send(()));
            }
        };
        connect(&target, LONG, tell).await.map(drop)
    });
    seen.await.unwrap();
    start.abort();
    let said = tokio::time::timeout(LONG / 4, accepted).await.expect("the connection ended").unwrap();
    assert!(said.is_empty() || said.starts_with(b"SSH-2.0-"));
}

#[tokio::test]
async fn a_connection_that_is_cut_in_a_command_is_lost() {
    let server = Server::start(&[]);
    let guest = log_in(&server).await;
    let (hang, other) = (server.hang(), guest.clone());
    let started = format!("touch {}/started; {hang}", server.dir.path().display());
    let running = tokio::spawn(async move { other.run(&started, None, LONG).await });
    while !server.dir.path().join("started").exists() {
        assert!(!running.is_finished());
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    server.cut();
    let problem = running.await.unwrap().unwrap_err();
    assert_eq!(problem.code, Code::GuestUnreachable);
    assert!(!guest.alive());
    assert_eq!(guest.lost().await, problem);
    assert_eq!(guest.run("echo hi", None, LONG).await.unwrap_err(), problem);
    assert_eq!(server.accepted(), 1);
}

#[tokio::test]
async fn overdue_commands_are_given_up_and_the_connection_stays() {
    let server = Server::start(&[]);
    let guest = log_in(&server).await;
    for _ in 0..4 {
        let problem = guest.run(&server.hang(), None, SHORT).await.unwrap_err();
        assert_eq!(problem.code, Code::GuestUnreachable);
        assert!(guest.alive(), "{problem}");
    }
    says_hi(&guest).await;
    assert_eq!(server.accepted(), 1);
}

#[tokio::test]
async fn a_guest_that_hangs_is_lost() {
    let server = Server::start(&[]);
    let guest = log_in(&server).await;
    says_hi(&guest).await;
    server.freeze();
    assert_eq!(guest.run("echo hi", None, SHORT).await.unwrap_err().code, Code::GuestUnreachable);
    assert!(!guest.alive());
}

#[tokio::test]
async fn output_is_bounded() {
    let server = Server::start(&[]);
    let guest = log_in(&server).await;
    // libssh2's window is 2 MiB for both outputs together
    let command = "head -c 5000000 /dev/zero >&2; head -c 5000000 /dev/zero; exit 4";
    let output = guest.run(command, None, LONG).await.unwrap();
    assert_eq!((output.stdout.len(), output.stderr.len()), (OUTPUT_LIMIT, OUTPUT_LIMIT));
    assert_eq!((output.truncated, output.status), (true, Some(4)));
    says_hi(&guest).await;
}

#[tokio::test]
async fn many_commands_need_one_connection() {
    let server = Server::start(&[]);
    let guest = log_in(&server).await;
    let all: Vec<_> = (0..12)
        .map(|n| {
            let guest = guest.clone();
            tokio::spawn(async move { guest.run(&format!("echo {n}"), None, LONG).await.unwrap().stdout })
        })
        .collect();
    for (n, one) in all.into_iter().enumerate() {
        assert_eq!(one.await.unwrap(), format!("{n}\n").into_bytes());
    }
    assert_eq!(server.accepted(), 1);
}

#[tokio::test]
async fn closing_ends_what_runs() {
    let server = Server::start(&[]);
    let guest = log_in(&server).await;
    let (hang, other) = (server.hang(), guest.clone());
    let running = tokio::spawn(async move { other.run(&hang, None, LONG).await });
    tokio::task::yield_now().await;
    guest.close();
    running.await.unwrap().unwrap_err();
    assert!(!guest.alive());
}

#[tokio::test]
async fn a_power_off_may_end_the_connection_but_not_fail() {
    let server = Server::start(&[]);
    let guest = log_in(&server).await;
    guest.power_off("true").await.unwrap();
    let problem = guest.power_off("echo no such thing >&2; exit 1").await.unwrap_err();
    assert!(problem.message.contains("no such thing"), "{problem}");
    guest.power_off("kill -KILL $PPID").await.unwrap();
    assert!(!guest.alive());
}

#[tokio::test]
async fn a_daemon_that_is_not_there_is_told() {
    let server = Server::start(&[]);
    let guest = log_in(&server).await;
    // this machine may have a Nix of its own; a shell function stands before it in neither case
    let answer = guest.run("command -v nix-daemon", None, LONG).await.unwrap();
    if !answer.ok() {
        let problem = guest.daemon(LONG).await.unwrap_err();
        assert_eq!(problem.code, Code::DaemonFailed);
        assert!(guest.alive());
    }
}
