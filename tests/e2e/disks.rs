//! Persistent, ephemeral, reset and grown disks.

use crate::support::{Home, PATIENCE, wait_for};
use igloo_protocol::{BuilderId, Code, Pending};
use sha2::{Digest, Sha256};
use std::{fs, path::PathBuf};

fn disk(home: &Home) -> PathBuf {
    home.builder_dir(BuilderId::X86_64).join("disks/disk.qcow2")
}

fn hash(home: &Home) -> String {
    format!("{:x?}", Sha256::digest(fs::read(disk(home)).unwrap()))
}

#[test]
fn an_ephemeral_start_never_touches_the_persistent_disk() {
    let home = Home::ready();
    home.in_guest("echo mine > kept; sync").ok();
    home.igloo(&["ephemeral", "x86_64", "on"]).ok();
    assert_eq!(
        home.builder().pending,
        [Pending::Ephemeral],
        "it takes effect at the next start, and says so"
    );
    home.igloo(&["stop"]).ok();
    let before = hash(&home);

    home.igloo(&["start"]).ok();
    assert!(home.builder().running.unwrap().ephemeral);
    home.in_guest("test ! -e kept && echo gone-tomorrow > thrown-away && sync").ok();
    home.igloo(&["restart"]).ok();
    home.in_guest("test ! -e thrown-away").ok();
    home.igloo(&["stop"]).ok();
    assert_eq!(hash(&home), before);
    home.assert_nothing_left();

    home.igloo(&["ephemeral", "x86_64", "off"]).ok();
    home.igloo(&["start"]).ok();
    assert_eq!(home.in_guest("cat kept; test ! -e thrown-away").ok().out, "mine\n");
}

#[test]
fn a_reset_needs_a_word_and_makes_the_disk_clean() {
    let home = Home::ready();
    home.in_guest("echo mine > kept; sync").ok();
    home.igloo(&["reset", "x86_64"]).failed(Code::NotConfirmed);
    assert!(!home.builder().reset_pending);
    home.igloo(&["reset", "x86_64", "--yes"]).ok();
    assert!(home.builder().reset_pending);
    assert_eq!(home.in_guest("cat kept").ok().out, "mine\n", "only the next start is clean");
    home.igloo(&["restart"]).ok();
    assert!(!home.builder().reset_pending);
    home.in_guest("test ! -e kept").ok();
}

#[test]
fn cores_memory_and_disk_grow_without_a_new_image() {
    let home = Home::ready();
    home.in_guest("echo mine > kept; sync").ok();
    for (key, value) in [("cores", "2"), ("memory", "1536"), ("disk", "14")] {
        home.igloo(&["settings", "set", &format!("builders.x86_64.{key}"), value]).ok();
    }
    let pending = home.builder().pending;
    assert_eq!(pending, [Pending::Cores, Pending::Memory, Pending::Disk]);
    home.igloo(&["restart"]).ok();
    assert_eq!(home.builder().pending, []);
    assert_eq!(home.in_guest("nproc; cat kept").ok().out, "2\nmine\n");
    wait_for("the file system to grow", PATIENCE, || {
        let total = home.builder().running?.usage?.disk.total;
        (total > 12 << 30).then_some(())
    });
    let memory = home.builder().running.unwrap().usage.unwrap().memory_total;
    assert!(memory > 1300 << 20, "{memory}");
}
