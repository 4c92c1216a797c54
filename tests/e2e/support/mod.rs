//! What the end-to-end tests stand on.

#[path = "../../support/bus.rs"]
mod bus;
mod home;
mod keyring;
mod sandbox;
mod split;

pub use home::{Home, Run, files_below, free_port};
pub use keyring::Keyring;
pub use sandbox::Sandbox;
pub use split::Split;

use std::{
    path::PathBuf,
    time::{Duration, Instant},
};

/// Longer than anything may take on a busy machine under TCG.
pub const PATIENCE: Duration = Duration::from_secs(180);

/// Waits until `check` gives something.
pub fn wait_for<T>(what: &str, within: Duration, mut check: impl FnMut() -> Option<T>) -> T {
    let start = Instant::now();
    loop {
        if let Some(found) = check() {
            return found;
        }
        assert!(start.elapsed() < within, "waited {within:?} for {what}");
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// A path that `cargo xtask test` prepares.
pub fn prepared(variable: &str) -> PathBuf {
    let path = std::env::var_os(variable).map(PathBuf::from);
    path.unwrap_or_else(|| {
        panic!("{variable} is not set: run `cargo xtask test --only e2e`, which prepares it")
    })
}

/// The folder of the image that boots quickly.
pub fn tiny_image() -> PathBuf {
    prepared("IGLOO_TEST_IMAGE_X86_64").join("tiny")
}

/// Whether a process runs: a zombie does not.
pub fn alive(pid: u32) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    stat.rsplit_once(')').is_some_and(|(_, rest)| !rest.trim_start().starts_with(['Z', 'X']))
}

/// Ends a process that cannot refuse.
pub fn kill(pid: u32) {
    let pid = rustix::process::Pid::from_raw(pid as i32).unwrap();
    rustix::process::kill_process(pid, rustix::process::Signal::KILL).unwrap();
}

/// The processes that have `text` in their command line.
pub fn processes_with(text: &str) -> Vec<(u32, String)> {
    let all = std::fs::read_dir("/proc").unwrap().flatten();
    let pids = all.filter_map(|e| e.file_name().to_str()?.parse::<u32>().ok());
    pids.filter(|pid| *pid != std::process::id() && alive(*pid))
        .filter_map(|pid| {
            let line = std::fs::read(format!("/proc/{pid}/cmdline")).ok()?;
            let line = String::from_utf8_lossy(&line).replace('\0', " ");
            line.contains(text).then_some((pid, line))
        })
        .collect()
}

/// A small file system of its own.
pub struct SmallDisk(PathBuf);

impl SmallDisk {
    /// Mounts a tmpfs of this size (`8m`).
    pub fn mount(at: &std::path::Path, size: &str) -> SmallDisk {
        let option = format!("size={size}");
        let mount = std::process::Command::new("mount")
            .args(["-t", "tmpfs", "-o", &option, "tmpfs"])
            .arg(at)
            .status();
        assert!(mount.unwrap().success());
        SmallDisk(at.into())
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = std::process::Command::new("umount").arg("-l").arg(&self.0).status();
    }
}
