//! The real binary: what it takes, and from whom. None of these runs reaches a file.
#![allow(clippy::unwrap_used, clippy::panic, missing_docs)]

mod support;

use igloo_protocol::Code;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::process::Command;
use support::binary::{PROGRAM, by_hand, refused_as};

#[test]
fn words_it_does_not_know() {
    let hash = "0".repeat(63) + "A";
    for args in [
        &[][..],
        &["install"],
        &["install", &hash],
        &["install", "/bin/sh"],
        &["apply"],
        &["undo", "/etc"],
        &["apply", "e30=", "x"],
        &["apply", "e30=", "x", "y", "z"],
        &["undo", "--by-hand"],
        &["--by-hand", "undo"],
        &["--help"],
    ] {
        refused_as(&by_hand(args), Code::Usage);
    }
}

#[test]
fn not_root() {
    // where nobody can reach the build folder, a copy can be reached
    let dir = tempfile::tempdir().unwrap();
    std::fs::set_permissions(dir.path(), std::fs::Permissions::from_mode(0o755)).unwrap();
    let copy = dir.path().join("igloo-admin");
    // by another process: a descriptor of ours, open for writing, could be inherited by a child that
    // another test starts, and then the copy could not be run (ETXTBSY)
    let cp = Command::new("cp").arg(PROGRAM).arg(&copy).status().unwrap();
    assert!(cp.success());
    for verb in ["undo", "status"] {
        let mut command = Command::new(&copy);
        command.arg(verb).current_dir("/");
        if rustix::process::geteuid().is_root() {
            command.uid(65534).gid(65534);
        }
        refused_as(&command.output().unwrap(), Code::NotAllowed);
    }
}
