//! What the tests share: a root folder of their own, operations, and a picture of a tree.
#![allow(dead_code, clippy::unwrap_used, clippy::panic, clippy::print_stdout, missing_docs)]

pub mod binary;
pub mod crash;
pub mod launchd;
pub mod namespace;

use igloo_admin::daemon::{DaemonControl, Ended};
use igloo_admin::{Platform, Root};
use igloo_protocol::BuilderId;
use igloo_protocol::plan::{Operation, Plan, Sha256};
use sha2::Digest;
use std::collections::BTreeMap;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::time::Duration;
use std::{cell::RefCell, fs};

pub const HOST_KEY: &str = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJBWcxb/Blaqt1auOtE+F8QUWrUotiC5qBJ+UuEWdVCb";

/// A system of its own in a temporary folder, that belongs to whoever runs the tests.
pub struct Sandbox {
    dir: PathBuf,
    pub root: Root,
    /// Removes the folder in the end, if it is this one's to remove.
    _keep: Option<tempfile::TempDir>,
}

impl Sandbox {
    pub fn new() -> Sandbox {
        Self::of(Platform::Linux)
    }

    pub fn of(platform: Platform) -> Sandbox {
        let dir = folder();
        let sandbox = Sandbox::under(dir.path(), platform).keeping(dir);
        let top = if platform == Platform::MacOs { "private/" } else { "" };
        for folder in ["etc/ssh/ssh_config.d", "etc/nix", "var/lib", "var/db"] {
            sandbox.folder(&format!("{top}{folder}"));
        }
        sandbox.folder(if platform == Platform::MacOs { "Library" } else { "usr/local" });
        sandbox.file(&format!("{top}etc/ssh/ssh_config"), "Include /etc/ssh/ssh_config.d/*.conf\n");
        sandbox
    }

    /// The system in a folder that is there already.
    pub fn under(dir: &Path, platform: Platform) -> Sandbox {
        let meta = dir.metadata().unwrap();
        Sandbox { dir: dir.into(), root: Root::for_tests(dir, platform, meta.uid(), meta.gid()), _keep: None }
    }

    fn keeping(self, dir: tempfile::TempDir) -> Sandbox {
        Sandbox { _keep: Some(dir), ..self }
    }

    /// A copy, times and owners included.
    pub fn copy(&self) -> Sandbox {
        let dir = folder();
        let copied = std::process::Command::new("cp").arg("-a").arg(self.path(".")).arg(dir.path()).status();
        assert!(copied.unwrap().success());
        Sandbox::under(dir.path(), self.root.platform()).keeping(dir)
    }

    pub fn path(&self, path: &str) -> PathBuf {
        self.dir.join(path)
    }

    pub fn folder(&self, path: &str) {
        let mut at = self.dir.clone();
        for part in path.split('/') {
            at.push(part);
            if !at.exists() {
                fs::create_dir(&at).unwrap();
                self.chmod(&at, 0o755);
            }
        }
    }

    pub fn file(&self, path: &str, text: &str) {
        fs::write(self.path(path), text).unwrap();
        self.chmod(&self.path(path), 0o644);
    }

    pub fn read(&self, path: &str) -> String {
        fs::read_to_string(self.path(path)).unwrap()
    }

    pub fn chmod(&self, path: &Path, mode: u32) {
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    }

    pub fn mode(&self, path: &str) -> u32 {
        self.path(path).metadata().unwrap().mode() & 0o7777
    }

    pub fn tree(&self) -> BTreeMap<PathBuf, String> {
        tree(&self.dir)
    }

    pub fn plan(&self, ops: &[Operation]) -> Plan {
        igloo_admin::plan(&self.root, ops).unwrap()
    }
}

/// A folder in memory where there is such a place: what is flushed all the time is quick there.
fn folder() -> tempfile::TempDir {
    tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).unwrap()
}

/// Every name under a folder, with kind, permission bits, owner, and (but for folders) time and content.
pub fn tree(top: &Path) -> BTreeMap<PathBuf, String> {
    let mut found = BTreeMap::new();
    let mut left = vec![top.to_owned()];
    while let Some(path) = left.pop() {
        let meta = fs::symlink_metadata(&path).unwrap();
        let mut line = format!("{:o} {}:{}", meta.mode(), meta.uid(), meta.gid());
        if meta.is_dir() {
            left.extend(fs::read_dir(&path).unwrap().map(|e| e.unwrap().path()));
        } else if meta.is_symlink() {
            line += &format!(" -> {}", fs::read_link(&path).unwrap().display());
        } else if meta.is_file() {
            line += &format!(" {} {:?}", meta.mtime(), String::from_utf8_lossy(&fs::read(&path).unwrap()));
        }
        found.insert(path, line);
    }
    found
}

/// The hash of some bytes.
pub fn hash(bytes: &[u8]) -> Sha256 {
    Sha256::from_digest(sha2::Sha256::digest(bytes).into())
}

/// The operations of a set-up, without the key.
pub fn host_ops(builder: BuilderId, port: u16, jobs: u16) -> Vec<Operation> {
    let (name, system) = (builder.as_str(), builder.system());
    let share = builder == BuilderId::Aarch64;
    let json = format!(
        r#"[{{"machine":{{"builder":"{name}","systems":["{system}"],"max_jobs":{jobs},
             "features":["big-parallel"],"host_key":"{HOST_KEY}"}}}},
            {{"ssh_host":{{"builder":"{name}","port":{port},"share_connection":{share}}}}}]"#
    );
    serde_json::from_str(&json).unwrap()
}

/// The operations that set both builders up.
pub fn all_ops() -> Vec<Operation> {
    let mut ops = host_ops(BuilderId::Aarch64, 31022, 4);
    ops.extend(host_ops(BuilderId::X86_64, 31023, 2));
    ops.push(Operation::BuilderKey);
    ops
}

/// Records what it is told to run, and fails if asked to.
#[derive(Default)]
pub struct FakeDaemon {
    pub ran: RefCell<Vec<String>>,
    pub fails: bool,
}

impl DaemonControl for FakeDaemon {
    fn ask(&self, argv: &[String], _: Duration) -> Result<Ended, String> {
        self.ran.borrow_mut().push(argv.join(" "));
        if self.fails { Err("no".into()) } else { Ok(Ended { code: Some(0), ..Ended::default() }) }
    }
}
