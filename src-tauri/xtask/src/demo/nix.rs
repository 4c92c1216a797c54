//! The host's Nix: the one that is there, or Debian's, with a daemon.

use super::undo::Undo;
use crate::{cache, packages, run};
use anyhow::{Context, Result};
use std::{
    cell::RefCell,
    fs::{self, File},
    os::unix::{net::UnixStream, process::CommandExt},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    rc::Rc,
    time::Duration,
};

const SOCKET: &str = "/nix/var/nix/daemon-socket/socket";
const STORE: &str = "/nix";
/// As Debian's nix-setup-systemd makes them.
const GROUP: &str = "nixbld";
const USERS: u32 = 10;
const DAEMON_STARTS: Duration = Duration::from_secs(20);

/// A Nix with a daemon.
#[derive(Clone)]
pub struct Nix {
    /// The folder of its programs.
    bin: PathBuf,
    /// A folder for what a client keeps in its home.
    home: PathBuf,
    /// The daemon, if it is ours.
    daemon: Option<Rc<RefCell<Child>>>,
}

impl Nix {
    /// Install Debian's Nix if there is none. What apt installs stays.
    pub fn find_or_install() -> Result<PathBuf> {
        if run::on_path("nix-daemon").is_none() {
            packages::install(&["nix-bin".to_owned()])?;
            println!("nix-bin stays installed; to remove it: apt-get purge nix-bin && apt-get autoremove");
        }
        let daemon = run::on_path("nix-daemon")
            .context("nix-daemon is not on the PATH, even after installing nix-bin")?;
        Ok(daemon.parent().context("a program is in a folder")?.to_owned())
    }

    /// Start a daemon if none runs, with the users that it wants.
    pub fn start(bin: PathBuf, home: &Path, undo: &mut Undo) -> Result<Nix> {
        let mut nix = Nix { bin, home: home.to_owned(), daemon: None };
        if answers() {
            println!("a nix-daemon runs already");
        } else {
            make_users(undo)?;
            if !Path::new(STORE).exists() {
                undo.push("the folder /nix", || cache::remove(Path::new(STORE)));
            }
            let daemon = Rc::new(RefCell::new(nix.spawn_daemon()?));
            nix.daemon = Some(daemon.clone());
            undo.push("the nix-daemon", move || run::end(&mut daemon.borrow_mut()));
            nix.wait_for_daemon()?;
        }
        let version = run::capture(nix.client("nix").arg("--version"))?;
        println!("{} in {}", version.trim(), nix.bin.display());
        Ok(nix)
    }

    /// Restart the daemon if it is ours, since it reads its settings when it starts, and no
    /// service manager knows it.
    pub fn restart_own_daemon(&self) -> Result<()> {
        let Some(daemon) = &self.daemon else { return Ok(()) };
        run::end(&mut daemon.borrow_mut())?;
        *daemon.borrow_mut() = self.spawn_daemon()?;
        self.wait_for_daemon()
    }

    /// A client of the daemon that leaves nothing in the user's home.
    pub fn client(&self, program: &str) -> Command {
        let mut command = run::command(self.bin.join(program));
        command.env("NIX_REMOTE", "daemon").env("HOME", &self.home);
        for name in ["XDG_CACHE_HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_STATE_HOME"] {
            command.env_remove(name);
        }
        command
    }

    /// The folder for what a client keeps.
    pub fn home(&self) -> &Path {
        &self.home
    }

    fn spawn_daemon(&self) -> Result<Child> {
        let log = File::options().create(true).append(true).open(self.log())?;
        let mut daemon = run::command(self.bin.join("nix-daemon"));
        // a daemon that is told to use a daemon calls itself for ever
        daemon.arg("--daemon").env_remove("NIX_REMOTE");
        // an interrupt at the terminal is for us; the daemon is still needed to clean up
        daemon.process_group(0).stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log);
        run::spawn(&mut daemon)
    }

    fn wait_for_daemon(&self) -> Result<()> {
        let waited = run::wait_for("the nix-daemon to answer", DAEMON_STARTS, || Ok(answers().then_some(())));
        waited.with_context(|| fs::read_to_string(self.log()).unwrap_or_default())
    }

    fn log(&self) -> PathBuf {
        self.home.join("nix-daemon.log")
    }
}

fn answers() -> bool {
    UnixStream::connect(SOCKET).is_ok()
}

fn exists(database: &str, name: &str) -> Result<bool> {
    Ok(run::outcome(run::command("getent").args([database, name]))?.success)
}

fn make_users(undo: &mut Undo) -> Result<()> {
    if !exists("group", GROUP)? {
        run::run(run::command("groupadd").args(["--system", GROUP]))?;
        undo.push("the group nixbld", || run::run(run::command("groupdel").arg(GROUP)));
    }
    let mut missing = Vec::new();
    for name in (1..=USERS).map(|number| format!("{GROUP}{number}")) {
        if !exists("passwd", &name)? {
            missing.push(name);
        }
    }
    let doomed = missing.clone();
    undo.push("the users of the group nixbld", move || doomed.iter().try_for_each(|name| remove_user(name)));
    missing.iter().try_for_each(|name| add_user(name))
}

fn add_user(name: &str) -> Result<()> {
    let mut add = run::command("useradd");
    add.args(["--system", "--comment", "Nix build user", "--home-dir", "/var/empty", "--no-user-group"]);
    run::run(add.args(["--gid", GROUP, "--groups", GROUP, "--shell", "/usr/sbin/nologin", name]))
}

fn remove_user(name: &str) -> Result<()> {
    // one that was not made any more is no error
    if exists("passwd", name)? { run::run(run::command("userdel").arg(name)) } else { Ok(()) }
}
