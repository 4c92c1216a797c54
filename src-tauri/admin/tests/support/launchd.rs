//! A launchd that is none, with nix-darwin's Linux builder in it.

use super::Sandbox;
use igloo_admin::Platform;
use igloo_admin::daemon::{DaemonControl, Ended};
use std::cell::{Cell, RefCell};
use std::time::Duration;

pub const JOB: &str = "Library/LaunchDaemons/org.nixos.linux-builder.plist";

pub const PRINT: &str = "/bin/launchctl print system/org.nixos.linux-builder";

/// A Mac on which nix-darwin has installed its builder, with a disk in the folder of now and one in that of before.
pub fn mac() -> Sandbox {
    let s = Sandbox::of(Platform::MacOs);
    for folder in ["linux-builder", "darwin-builder"] {
        s.folder(&format!("private/var/lib/{folder}/keys"));
        s.file(&format!("private/var/lib/{folder}/nixos.qcow2"), "QFI\u{fb}");
        s.file(&format!("private/var/lib/{folder}/keys/builder_ed25519"), "secret");
    }
    s.folder("Library/LaunchDaemons");
    s.file(
        JOB,
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<plist version=\"1.0\">\n<dict>\n\t<key>Label</key>\n\
         \t<string>org.nixos.linux-builder</string>\n\t<key>ProgramArguments</key>\n\t<array>\n\t\t<string>/bin/sh</string>\n\
         \t\t<string>-c</string>\n\t\t<string>exec /nix/store/x-linux-builder-start</string>\n\t</array>\n\
         \t<key>WorkingDirectory</key>\n\t<string>/var/lib/linux-builder</string>\n</dict>\n</plist>\n",
    );
    s
}

/// launchd, and the guest: whenever the job's process ends, it is started again under another id.
pub struct FakeLaunchd {
    pub ran: RefCell<Vec<String>>,
    pub guest_answers: bool,
    /// Whether a look gets an answer that means something.
    pub answers: bool,
    pub unloads: bool,
    pub loads: bool,
    pub loaded: Cell<bool>,
    pub pid: Cell<u32>,
    /// Looks until the guest that was told to power off has done it.
    pub going_off: Cell<Option<u32>>,
    pub clean: Cell<bool>,
}

impl FakeLaunchd {
    pub fn running() -> FakeLaunchd {
        FakeLaunchd {
            ran: RefCell::default(),
            guest_answers: true,
            answers: true,
            unloads: true,
            loads: true,
            loaded: Cell::new(true),
            pid: Cell::new(812),
            going_off: Cell::new(None),
            clean: Cell::new(false),
        }
    }

    pub fn stopped() -> FakeLaunchd {
        let stopped = FakeLaunchd::running();
        stopped.loaded.set(false);
        stopped
    }

    pub fn is_loaded(&self) -> bool {
        self.loaded.get()
    }

    /// Whether the guest had powered off when the job was ended.
    pub fn was_clean(&self) -> bool {
        self.clean.get()
    }

    /// All that was run, without the looks.
    pub fn changes(&self) -> Vec<String> {
        self.ran.borrow().iter().filter(|line| *line != PRINT).cloned().collect()
    }

    fn print(&self) -> Ended {
        if !self.answers {
            return failed(5, "Could not print domain: 5: Input/output error");
        }
        if let Some(left) = self.going_off.get() {
            self.going_off.set(left.checked_sub(1));
            if left == 0 {
                self.pid.set(self.pid.get() + 1);
                self.clean.set(true);
            }
        }
        if !self.loaded.get() {
            return failed(113, "Could not find service \"org.nixos.linux-builder\" in domain for system");
        }
        let stdout = format!(
            "system/org.nixos.linux-builder = {{\n\tstate = running\n\tpid = {}\n\tchannel = {{\n\t\tpid = 1\n\t}}\n}}\n",
            self.pid.get()
        );
        Ended { code: Some(0), stdout, stderr: String::new() }
    }

    fn ssh(&self) -> Ended {
        if !self.guest_answers {
            return failed(255, "ssh: connect to host 127.0.0.1 port 31022: Connection refused");
        }
        self.going_off.set(Some(3));
        done()
    }

    fn boot_out(&self) -> Ended {
        self.loaded.set(!self.unloads);
        // what launchd says while it is at it, too
        failed(36, "Boot-out failed: 36: Operation now in progress")
    }
}

fn done() -> Ended {
    Ended { code: Some(0), ..Ended::default() }
}

fn failed(code: i32, stderr: &str) -> Ended {
    Ended { code: Some(code), stdout: String::new(), stderr: stderr.into() }
}

impl DaemonControl for FakeLaunchd {
    fn ask(&self, argv: &[String], _: Duration) -> Result<Ended, String> {
        let line = argv.join(" ");
        self.ran.borrow_mut().push(line.clone());
        Ok(match line.as_str() {
            PRINT => self.print(),
            "/bin/launchctl bootout system/org.nixos.linux-builder" => self.boot_out(),
            "/bin/launchctl enable system/org.nixos.linux-builder" => done(),
            "/bin/launchctl bootstrap system /Library/LaunchDaemons/org.nixos.linux-builder.plist" => {
                self.loaded.set(self.loads);
                if self.loads { done() } else { failed(5, "Bootstrap failed: 5: Input/output error") }
            }
            ssh if ssh.starts_with("/usr/bin/ssh ") => self.ssh(),
            other => panic!("nobody should run {other}"),
        })
    }

    fn pause(&self, _: Duration) {}
}
