//! A mount namespace with an `/etc`, a `/var`, a `/run` and a `/nix` of its own, and a real
//! `nix-daemon` in it.

use super::{Run, prepared, wait_for};
use std::{
    fs,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::Duration,
};

/// Binds every folder of the root into a new one, puts overlays over those that tests write to, and
/// stays there until its standard input ends.
const ENTER: &str = r#"
set -e
cd "$1"
mkdir -p root etc/upper etc/work var/upper var/work
mount -t tmpfs -o mode=755 tmpfs root
for d in /*; do
  if [ -L "$d" ]; then cp -a "$d" "root$d"
  elif [ -d "$d" ] && [ "$d" != /nix ]; then mkdir "root$d"; mount --rbind "$d" "root$d"
  fi
done
for d in etc var; do mount -t overlay overlay -o "lowerdir=/$d,upperdir=$PWD/$d/upper,workdir=$PWD/$d/work" "root/$d"; done
mount -t tmpfs -o mode=755 tmpfs root/run
mkdir root/nix
exec chroot root sh -c 'echo ready; exec cat'
"#;

/// A place where root-owned files can be changed without anybody else seeing it.
pub struct Sandbox {
    holder: Child,
    daemon: Option<Child>,
    nix: PathBuf,
}

impl Sandbox {
    /// A new one, with its files below `dir`, and the Nix in the folder that `nix` names.
    pub fn new(dir: &Path, nix: &str) -> Sandbox {
        let place = dir.join("sandbox");
        fs::create_dir_all(&place).unwrap();
        let mut holder = Command::new("unshare")
            .args(["--mount", "--propagation", "private", "sh", "-c", ENTER, "sh"])
            .arg(&place)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("unshare (util-linux), as root");
        let mut ready = String::new();
        let out = holder.stdout.take().unwrap();
        std::io::BufRead::read_line(&mut std::io::BufReader::new(out), &mut ready).unwrap();
        assert_eq!(ready, "ready\n", "the sandbox can't be made; is this root?");
        Sandbox { holder, daemon: None, nix: prepared(nix) }
    }

    /// A command that sees the sandbox's files.
    pub fn command(&self, program: &Path) -> Command {
        let mut command = Command::new("nsenter");
        command.arg(format!("--mount=/proc/{}/ns/mnt", self.holder.id()));
        command.arg(format!("--root=/proc/{}/root", self.holder.id()));
        command.args(["--", "env", "--chdir=/"]).arg(program);
        command.env("PATH", path_with(&self.nix)).env_remove("NIX_REMOTE");
        command
    }

    /// Runs a shell command there.
    pub fn sh(&self, script: &str) -> Run {
        Run::of(self.command(Path::new("sh")).args(["-c", script]).output().unwrap())
    }

    /// Sets a multi-user Nix up as Debian's packages do, and starts its daemon.
    pub fn start_nix(&mut self) {
        self.sh(
            "set -e
             mkdir -p /etc/nix /nix/store /nix/var/nix
             groupadd -r nixbld 2>/dev/null || true
             for i in 1 2 3 4; do useradd -r -g nixbld -G nixbld -d /var/empty -s /usr/sbin/nologin nixbld$i 2>/dev/null || true; done
             chgrp nixbld /nix/store; chmod 1775 /nix/store
             printf '%s\n' 'build-users-group = nixbld' 'sandbox = false' 'substituters =' 'experimental-features = nix-command' > /etc/nix/nix.conf",
        )
        .ok();
        let mut daemon = self.command(Path::new("nix-daemon"));
        daemon.arg("--daemon").stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::inherit());
        self.daemon = Some(daemon.spawn().unwrap());
        wait_for("nix-daemon", Duration::from_secs(60), || {
            (self.sh("test -S /nix/var/nix/daemon-socket/socket").code == 0).then_some(())
        });
    }

    /// Builds an expression with the sandbox's Nix, never locally; what it printed.
    pub fn nix_build(&self, expression: &str) -> Run {
        let mut nix = self.command(Path::new("timeout"));
        nix.args([
            "180",
            "nix",
            "build",
            "--impure",
            "--no-link",
            "--json",
            "--max-jobs",
            "0",
            "--expr",
            expression,
        ]);
        Run::of(nix.env("NIX_REMOTE", "daemon").output().unwrap())
    }

    /// `/etc` as tar sees it: bytes, modes, owners, times of files. A folder's own time changes with what is in it.
    pub fn etc(&self) -> String {
        let tar = "cd /etc && find . ! -type d -print0 | sort -z | tar --null -T - --no-recursion --numeric-owner -cf - | sha256sum";
        let folders = "cd /etc && find . -type d -printf '%p %m %U %G\\n' | sort";
        self.sh(tar).ok().out + &self.sh(folders).ok().out
    }

    /// A file's text.
    pub fn read(&self, path: &str) -> String {
        self.sh(&format!("cat {path}")).ok().out
    }
}

impl Drop for Sandbox {
    fn drop(&mut self) {
        if let Some(mut daemon) = self.daemon.take() {
            let _ = daemon.kill();
            let _ = daemon.wait();
        }
        let _ = self.holder.kill();
        let _ = self.holder.wait();
    }
}

fn path_with(nix: &Path) -> String {
    format!("{}:{}", nix.display(), std::env::var("PATH").unwrap_or_default())
}
