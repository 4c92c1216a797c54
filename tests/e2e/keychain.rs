//! The key that the user logs in with, in a real keychain.

use crate::support::{Home, Keyring, PATIENCE, files_below, wait_for};
use igloo_protocol::{BuilderId, Code, KeyPlace};
use std::{
    fs,
    io::{BufRead as _, BufReader, Write as _},
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

const HEADER: &[u8] = b"OPENSSH PRIVATE KEY";

/// The files below a folder that hold a private key, without the guest's own.
fn private_keys(home: &Path) -> Vec<PathBuf> {
    let of_guest = |file: &PathBuf| file.ends_with("keys/ssh_host_ed25519_key");
    files_below(home).into_iter().filter(|file| !of_guest(file)).filter(|file| holds_key(file)).collect()
}

/// Read in pieces: a disk is large.
fn holds_key(file: &Path) -> bool {
    use std::io::Read as _;
    // sockets can't be opened
    let Ok(mut open) = fs::File::open(file) else { return false };
    let (mut piece, mut kept) = (vec![0; 1 << 20], Vec::new());
    loop {
        let n = open.read(&mut piece).unwrap();
        if n == 0 {
            return false;
        }
        kept.extend_from_slice(&piece[..n]);
        if kept.windows(HEADER.len()).any(|window| window == HEADER) {
            return true;
        }
        kept.drain(..kept.len().saturating_sub(HEADER.len()));
    }
}

fn keys_folder(home: &Home) -> PathBuf {
    home.builder_dir(BuilderId::X86_64).join("keys")
}

#[test]
fn the_key_is_in_the_keychain_and_ssh_logs_in_with_it() {
    let keyring = Keyring::start();
    let mut home = Home::new();
    home.join(keyring.session());
    // a key of the time before there was a keychain
    let old = keys_folder(&home).join("builder_ed25519");
    fs::create_dir_all(old.parent().unwrap()).unwrap();
    let made = Command::new("ssh-keygen").args(["-q", "-t", "ed25519", "-N", "", "-f"]).arg(&old).status();
    assert!(made.unwrap().success());
    let public = fs::read_to_string(old.with_extension("pub")).unwrap();
    assert_eq!(private_keys(home.path()), std::slice::from_ref(&old), "the search would see it");

    home.serve();
    home.igloo(&["settings", "set", "keychain", "true"]).ok();
    home.igloo(&["start"]).ok();
    assert_eq!(home.builder().key_in, KeyPlace::Keychain);
    assert!(home.igloo(&["status"]).ok().out.contains("key in the keychain"));
    assert_eq!(home.in_guest("echo in").ok().out, "in\n");
    assert_eq!((private_keys(home.path()), keyring.items()), (vec![], 1));
    let kept = fs::read_to_string(old.with_extension("pub")).unwrap();
    assert_eq!(kept.split(' ').nth(1), public.split(' ').nth(1), "it is the old key, moved");
    ssh_shows_no_secret(&home);

    // an engine that takes the machine over reads the key from the keychain
    home.kill_engine();
    home.serve();
    wait_for("the machine to be adopted", PATIENCE, || {
        (home.builder().phase == igloo_protocol::Phase::Ready).then_some(())
    });
    assert_eq!(home.in_guest("echo again").ok().out, "again\n");
    assert_eq!(private_keys(home.path()), Vec::<PathBuf>::new());
    assert!(!home.engine_log().contains("PRIVATE KEY"));

    // without it the key is in a file, and the keychain has nothing left of it
    home.igloo(&["settings", "set", "keychain", "false"]).ok();
    home.igloo(&["restart"]).ok();
    assert_eq!(home.builder().key_in, KeyPlace::File { why: None });
    assert_eq!(home.in_guest("echo out").ok().out, "out\n");
    assert_eq!(private_keys(home.path()), [old]);
    wait_for("the keychain to forget", PATIENCE, || (keyring.items() == 0).then_some(()));
    home.igloo(&["stop"]).ok();
    home.assert_nothing_left();
}

/// `igloo ssh` becomes ssh: its command line is what everybody on this machine may read.
fn ssh_shows_no_secret(home: &Home) {
    let mut ssh = home.command(env!("CARGO_BIN_EXE_igloo"));
    ssh.args(["ssh", "x86_64", "--", "echo ready; cat"]).stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut ssh = ssh.spawn().unwrap();
    let mut out = BufReader::new(ssh.stdout.take().unwrap());
    let mut line = String::new();
    out.read_line(&mut line).unwrap();
    assert_eq!(line, "ready\n");
    let shown = |what: &str| fs::read(format!("/proc/{}/{what}", ssh.id())).unwrap();
    let (argv, environ) = (shown("cmdline"), shown("environ"));
    let argv_text = String::from_utf8_lossy(&argv);
    assert!(argv_text.contains("IdentityAgent=") && argv_text.contains("builder_ed25519.pub"), "{argv_text}");
    for bytes in [&argv, &environ] {
        assert!(!bytes.windows(HEADER.len()).any(|window| window == HEADER));
    }
    let mut stdin = ssh.stdin.take().unwrap();
    stdin.write_all(b"bye\n").unwrap();
    drop(stdin);
    assert!(ssh.wait().unwrap().success());
}

#[test]
fn a_locked_keychain_is_told_and_no_key_is_written() {
    let keyring = Keyring::start();
    keyring.lock();
    let mut home = Home::new();
    home.join(keyring.session());
    home.serve();
    home.igloo(&["settings", "set", "keychain", "true"]).ok();
    let failed = home.igloo(&["start"]).failed(Code::KeychainFailed);
    assert!(failed.err.contains("keychain false"), "{}", failed.err);
    assert_eq!(private_keys(home.path()), Vec::<PathBuf>::new());
    // the way out that it names
    home.igloo(&["settings", "set", "keychain", "false"]).ok();
    home.igloo(&["start"]).ok();
    assert_eq!(home.builder().key_in, KeyPlace::File { why: None });
    home.igloo(&["stop", "--now"]).ok();
    home.assert_nothing_left();
}

#[test]
fn where_no_keychain_is_the_key_is_in_a_file_and_the_reason_is_shown() {
    let mut home = Home::new();
    home.serve();
    home.igloo(&["settings", "set", "keychain", "true"]).ok();
    home.igloo(&["start"]).ok();
    let KeyPlace::File { why: Some(why) } = home.builder().key_in else {
        panic!("{:?}", home.builder().key_in)
    };
    assert_eq!(why.code, Code::KeychainFailed);
    let status = home.igloo(&["status"]).ok().out;
    assert!(status.contains("key in a file: no keychain answers"), "{status}");
    assert_eq!(home.in_guest("echo in").ok().out, "in\n");
    home.igloo(&["stop", "--now"]).ok();
    home.assert_nothing_left();
}
