//! Running a test again as a process of its own, in a mount namespace where it can't hurt the machine.

use super::tree;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs};

/// Set in the process that runs inside the namespace.
const INSIDE: &str = "IGLOO_ADMIN_TEST_INSIDE";

/// Hides the machine's own `/etc`, `/nix`, `/var/lib` and `/usr/local` behind throw-away ones, then runs its
/// arguments. `/etc` is a copy: what a package manager does meanwhile must not show (but the copy may miss a file
/// that it takes away). The folder for it is the first argument, and more to do before the second.
const SETUP: &str = r#"set -e
mount -t tmpfs tmpfs "$1"
cp -a /etc "$1/etc" || [ -e "$1/etc/passwd" ]
mount --bind "$1/etc" /etc
mount -t tmpfs -o mode=755 tmpfs /var/lib
mount -t tmpfs -o mode=755 tmpfs /usr/local
if [ -d /nix ]; then mount -t tmpfs -o mode=755 tmpfs /nix; fi
eval "$2"
shift 2
exec "$@""#;

/// Runs `body` as root in a namespace of its own: by starting this test program again for the one `test`.
/// What it starts ends with it.
pub fn inside(test: &str, body: impl FnOnce()) {
    inside_with("", test, body);
}

/// The same, where a shell script has made more ready.
pub fn inside_with(more: &str, test: &str, body: impl FnOnce()) {
    if !rustix::process::geteuid().is_root() {
        println!("skipped: only root can make a mount namespace here");
        return;
    }
    if env::var_os(INSIDE).is_some() {
        let mounts = fs::read_to_string("/proc/self/mountinfo").unwrap();
        let hidden = mounts.lines().any(|l| l.contains(" /etc ") && l.contains(" tmpfs "));
        assert!(hidden, "not in the namespace");
        return body();
    }
    let dir = tempfile::tempdir().unwrap();
    let output = Command::new("unshare")
        .args(["--mount", "--propagation", "private", "--pid", "--mount-proc", "--kill-child"])
        .args(["sh", "-c", SETUP, "sh"])
        .arg(dir.path())
        .arg(more)
        .arg(env::current_exe().unwrap())
        .args(["--exact", test, "--nocapture"])
        .env(INSIDE, "1")
        .output()
        .unwrap();
    let text =
        format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success() && text.contains("1 passed"), "{text}");
}

/// Everything that Igloo may change.
pub fn everything() -> Vec<BTreeMap<PathBuf, String>> {
    ["/etc", "/var/lib", "/usr/local"].iter().map(|top| tree(Path::new(top))).collect()
}
