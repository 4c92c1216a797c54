//! Running a test again as a process of its own, in a mount namespace where it can't hurt the machine.

use super::tree;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs};

/// Set in the process that runs inside the namespace.
const INSIDE: &str = "IGLOO_ADMIN_TEST_INSIDE";

/// Hides the machine's own `/etc`, `/nix`, `/var/lib` and `/usr/local` behind throw-away ones, then runs its
/// arguments. The folder for the overlay is the first argument.
const SETUP: &str = r#"set -e
mount -t tmpfs tmpfs "$1"
mkdir "$1/upper" "$1/work"
mount -t overlay overlay -o "lowerdir=/etc,upperdir=$1/upper,workdir=$1/work" /etc
mount -t tmpfs -o mode=755 tmpfs /var/lib
mount -t tmpfs -o mode=755 tmpfs /usr/local
if [ -d /nix ]; then mount -t tmpfs -o mode=755 tmpfs /nix; fi
shift
exec "$@""#;

/// Runs `body` as root in a namespace of its own: by starting this test program again for the one `test`.
pub fn inside(test: &str, body: impl FnOnce()) {
    if !rustix::process::geteuid().is_root() {
        println!("skipped: only root can make a mount namespace here");
        return;
    }
    if env::var_os(INSIDE).is_some() {
        let mounts = fs::read_to_string("/proc/self/mountinfo").unwrap();
        let overlaid = mounts.lines().any(|l| l.contains(" /etc ") && l.contains(" overlay "));
        assert!(overlaid, "not in the namespace");
        return body();
    }
    let dir = tempfile::tempdir().unwrap();
    let output = Command::new("unshare")
        .args(["--mount", "--propagation", "private", "sh", "-c", SETUP, "sh"])
        .arg(dir.path())
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
