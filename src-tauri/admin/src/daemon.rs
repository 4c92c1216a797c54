//! Restarting the Nix daemon: which service it is, and the exact command.

use crate::look;
use crate::root::{Platform, Root};
use igloo_protocol::plan::StepState;
use igloo_protocol::{Code, Problem};
use rustix::process::{Pid, Signal};
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

/// The service that runs the Nix daemon.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Service {
    /// A launchd job with this label.
    Launchd(&'static str),
    /// systemd's `nix-daemon.service`.
    Systemd,
    /// None that is known: there is nothing to restart.
    None,
}

impl Service {
    /// Its launchd label or systemd unit.
    pub fn name(self) -> Option<&'static str> {
        match self {
            Service::Launchd(label) => Some(label),
            Service::Systemd => Some(UNIT),
            Service::None => None,
        }
    }
}

/// The label of Determinate's daemon.
pub(crate) const DETERMINATE: &str = "systems.determinate.nix-daemon";

const UNIT: &str = "nix-daemon.service";

/// Determinate's first: where both files are, the other is a left-over.
const LABELS: [&str; 2] = [DETERMINATE, "org.nixos.nix-daemon"];

/// Where systemd looks for units.
const UNITS: [&str; 4] =
    ["/etc/systemd/system", "/run/systemd/system", "/usr/lib/systemd/system", "/lib/systemd/system"];

/// Which service runs the Nix daemon, told from the files that define it.
pub fn service(root: &Root) -> Service {
    let there = |path: String| look::there(root, &path);
    match root.platform() {
        Platform::MacOs => LABELS
            .into_iter()
            .find(|label| there(format!("/Library/LaunchDaemons/{label}.plist")))
            .map_or(Service::None, Service::Launchd),
        Platform::Linux => {
            // the sign that sd_booted(3) looks for
            let systemd = there("/run/systemd/system".into());
            let unit = UNITS.iter().any(|folder| there(format!("{folder}/{UNIT}")));
            if systemd && unit { Service::Systemd } else { Service::None }
        }
    }
}

/// The command that restarts a service; `None` if there is nothing to restart.
pub fn restart_command(service: Service) -> Option<Vec<String>> {
    let words = |words: &[&str]| Some(words.iter().map(|w| (*w).to_owned()).collect());
    match service {
        Service::Launchd(label) => words(&["/bin/launchctl", "kickstart", "-k", &format!("system/{label}")]),
        Service::Systemd => words(&["/bin/systemctl", "restart", UNIT]),
        Service::None => None,
    }
}

/// How a command ended.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ended {
    /// Its exit code; `None`: a signal ended it.
    pub code: Option<i32>,
    /// What it printed.
    pub stdout: String,
    /// What it complained about.
    pub stderr: String,
}

/// Runs the commands that deal with services.
pub trait DaemonControl {
    /// Runs `argv` to its end, which must come within `patience`.
    ///
    /// # Errors
    /// Why it could not be run, or was not waited for.
    fn ask(&self, argv: &[String], patience: Duration) -> Result<Ended, String>;

    /// Lets some time pass.
    fn pause(&self, time: Duration) {
        std::thread::sleep(time);
    }

    /// Runs `argv` to its end.
    ///
    /// # Errors
    /// What it said, if it could not be run or failed.
    fn run(&self, argv: &[String]) -> Result<(), String> {
        match self.ask(argv, RESTART)? {
            Ended { code: Some(0), .. } => Ok(()),
            Ended { code: Some(code), stderr, .. } => Err(format!("exit code {code}: {}", stderr.trim())),
            Ended { code: None, stderr, .. } => Err(format!("ended by a signal: {}", stderr.trim())),
        }
    }
}

/// How long a service manager may take to restart the Nix daemon, which may wait for builds to end.
const RESTART: Duration = Duration::from_secs(600);

/// The system's own programs, each with an empty environment.
pub struct SystemDaemon;

impl DaemonControl for SystemDaemon {
    fn ask(&self, argv: &[String], patience: Duration) -> Result<Ended, String> {
        let [program, args @ ..] = argv else { return Err("there is no command".into()) };
        let child = Command::new(program)
            .args(args)
            .env_clear()
            .current_dir("/")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(|e| e.to_string())?;
        let pid = i32::try_from(child.id()).ok().and_then(Pid::from_raw);
        let (ended, end) = mpsc::channel();
        thread::spawn(move || ended.send(child.wait_with_output()));
        match end.recv_timeout(patience) {
            Ok(Ok(output)) => Ok(Ended {
                code: output.status.code(),
                stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
                stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
            }),
            Ok(Err(e)) => Err(e.to_string()),
            Err(_) => {
                // best effort: it is not waited for any more
                let _ = pid.map(|pid| rustix::process::kill_process(pid, Signal::KILL));
                Err(format!("it did not end within {} s", patience.as_secs()))
            }
        }
    }
}

pub(crate) fn restart(root: &Root, daemon: &dyn DaemonControl) -> Result<StepState, Problem> {
    let Some(argv) = restart_command(service(root)) else { return Ok(StepState::Unchanged) };
    match daemon.run(&argv) {
        Ok(()) => Ok(StepState::Done),
        Err(why) => Err(Problem::new(
            Code::AdminFailed,
            format!("The Nix daemon was not restarted: `{}` failed: {why}", argv.join(" ")),
            "Restart it by hand with that command, then try again",
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    fn service_with(platform: Platform, paths: &[&str]) -> Service {
        let dir = tempfile::tempdir().unwrap();
        for path in paths {
            let path = dir.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, "").unwrap();
        }
        service(&Root::for_tests(dir.path(), platform, 0, 0))
    }

    fn command(service: Service) -> String {
        restart_command(service).unwrap_or_default().join(" ")
    }

    #[test]
    fn the_installation_decides_which_service_is_restarted() {
        let official = "Library/LaunchDaemons/org.nixos.nix-daemon.plist";
        let determinate = "Library/LaunchDaemons/systems.determinate.nix-daemon.plist";
        assert_eq!(service_with(Platform::MacOs, &[official]), Service::Launchd("org.nixos.nix-daemon"));
        let both = service_with(Platform::MacOs, &[official, determinate]);
        assert_eq!(both, Service::Launchd("systems.determinate.nix-daemon"));
        assert_eq!(service_with(Platform::MacOs, &[]), Service::None);
        let unit = "lib/systemd/system/nix-daemon.service";
        assert_eq!(service_with(Platform::Linux, &[unit, "run/systemd/system/x"]), Service::Systemd);
        assert_eq!(service_with(Platform::Linux, &[unit]), Service::None);
        assert_eq!(service_with(Platform::Linux, &["run/systemd/system/x"]), Service::None);
    }

    #[test]
    fn a_command_is_not_waited_for_longer_than_it_may_take() {
        let words = |line: &str| line.split(' ').map(str::to_owned).collect::<Vec<_>>();
        let ask = |line: &str, patience| SystemDaemon.ask(&words(line), patience);
        let began = std::time::Instant::now();
        let late = ask("/bin/sleep 60", Duration::from_millis(50)).unwrap_err();
        assert!(late.contains("did not end") && began.elapsed() < Duration::from_secs(30), "{late}");
        let plenty = Duration::from_secs(60);
        assert_eq!(ask("/bin/echo a b", plenty).unwrap().stdout, "a b\n");
        assert_eq!(ask("/bin/false", plenty).unwrap().code, Some(1));
        assert!(ask("/none", plenty).is_err() && SystemDaemon.ask(&[], plenty).is_err());
        assert_eq!(SystemDaemon.run(&words("/bin/false")), Err("exit code 1: ".into()));
    }

    #[test]
    fn the_commands_are_exactly_these() {
        assert_eq!(
            command(Service::Launchd("org.nixos.nix-daemon")),
            "/bin/launchctl kickstart -k system/org.nixos.nix-daemon"
        );
        assert_eq!(command(Service::Systemd), "/bin/systemctl restart nix-daemon.service");
        assert_eq!(command(Service::None), "");
    }
}
