//! Running `igloo` as a user does.

use rustix::{
    process::{Pid, Signal, kill_process},
    pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt},
};
use std::{
    fs::File,
    io::{BufRead, BufReader, Read, Write},
    os::unix::ffi::OsStrExt,
    path::Path,
    process::{Child, Command, ExitStatus, Stdio},
    sync::mpsc,
    thread,
    time::Duration,
};

/// How long a command may take.
const DEADLINE: Duration = Duration::from_secs(30);

/// What a command came to.
pub struct Ran {
    pub code: Option<i32>,
    pub out: String,
    pub err: String,
}

impl Ran {
    /// The standard output of a command that must have gone well.
    pub fn ok(self) -> String {
        assert_eq!(self.code, Some(0), "{}{}", self.out, self.err);
        self.out
    }
}

/// `igloo` with its files below `home`.
pub fn command(home: &Path, args: &[&str]) -> Command {
    command_of(Path::new(env!("CARGO_BIN_EXE_igloo")), home, args)
}

/// The same with another copy of the program.
pub fn command_of(program: &Path, home: &Path, args: &[&str]) -> Command {
    let mut command = Command::new(program);
    command.args(args).env("IGLOO_HOME", home).env("TERM", "xterm").env_remove("NO_COLOR");
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// Runs `igloo` without a terminal.
pub fn igloo(home: &Path, args: &[&str]) -> Ran {
    finish(command(home, args).spawn().unwrap())
}

/// Waits for a command, and ends it after the deadline.
pub fn finish(mut child: Child) -> Ran {
    let read = |mut from: Box<dyn Read + Send>| {
        thread::spawn(move || {
            let mut text = String::new();
            let _ = from.read_to_string(&mut text);
            text
        })
    };
    let out = child.stdout.take().map(|o| read(Box::new(o)));
    let err = child.stderr.take().map(|e| read(Box::new(e)));
    let code = wait(child).code();
    let text =
        |reader: Option<thread::JoinHandle<String>>| reader.map_or(String::new(), |r| r.join().unwrap());
    Ran { code, out: text(out), err: text(err) }
}

fn wait(mut child: Child) -> ExitStatus {
    let pid = Pid::from_child(&child);
    let (done, ended) = mpsc::channel();
    let waiter = thread::spawn(move || {
        let status = child.wait();
        let _ = done.send(());
        status
    });
    if ended.recv_timeout(DEADLINE).is_err() {
        let _ = kill_process(pid, Signal::KILL);
    }
    waiter.join().unwrap().unwrap()
}

/// Interrupts a command once it has printed its first line.
pub fn interrupt_after_a_line(mut child: Child) -> Ran {
    let mut out = BufReader::new(child.stdout.take().unwrap());
    let mut line = String::new();
    out.read_line(&mut line).unwrap();
    kill_process(Pid::from_child(&child), Signal::INT).unwrap();
    let ran = finish(child);
    Ran { out: line, ..ran }
}

/// Runs `igloo` on a terminal of its own on which `typed` is typed; returns all that it showed.
pub fn on_terminal(home: &Path, args: &[&str], envs: &[(&str, &str)], typed: &str) -> Ran {
    watched_on_terminal(home, args, envs, typed, |_| ())
}

/// The same; `watch` is called with what was shown so far each time that there is more.
pub fn watched_on_terminal(
    home: &Path,
    args: &[&str],
    envs: &[(&str, &str)],
    typed: &str,
    mut watch: impl FnMut(&str),
) -> Ran {
    let master = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
    grantpt(&master).unwrap();
    unlockpt(&master).unwrap();
    let name = ptsname(&master, Vec::new()).unwrap();
    let slave = Path::new(std::ffi::OsStr::from_bytes(name.to_bytes()));
    let slave = File::options().read(true).write(true).open(slave).unwrap();
    let stdio = || Stdio::from(slave.try_clone().unwrap());
    let mut command = command(home, args);
    command.envs(envs.iter().copied()).stdin(stdio()).stdout(stdio()).stderr(stdio());
    let child = command.spawn().unwrap();
    // the terminal ends when the last that holds it ends
    drop((command, slave));
    let waiter = thread::spawn(move || wait(child).code());
    let mut master = File::from(master);
    master.write_all(typed.as_bytes()).unwrap();
    let (mut shown, mut chunk) = (Vec::new(), [0; 4096]);
    // the end of a terminal is an error on Linux
    while let Ok(n @ 1..) = master.read(&mut chunk) {
        shown.extend_from_slice(&chunk[..n]);
        watch(&String::from_utf8_lossy(&shown));
    }
    Ran {
        code: waiter.join().unwrap(),
        out: String::from_utf8_lossy(&shown).into_owned(),
        err: String::new(),
    }
}

/// Writes a shell script. Not by this process: while it holds the file open for writing, another
/// thread may start a program that inherits it, and a file that is open for writing can't be run.
pub fn executable(path: &Path, script: &str) {
    let write = r#"printf '#!/bin/sh\n%s' "$2" > "$1" && chmod 755 "$1""#;
    let status = Command::new("sh").args(["-c", write, "sh"]).arg(path).arg(script).status().unwrap();
    assert!(status.success());
}
