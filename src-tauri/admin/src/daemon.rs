//! Restarting the Nix daemon: which service it is, and the exact command.

use crate::look;
use crate::root::{Platform, Root};
use igloo_protocol::plan::StepState;
use igloo_protocol::{Code, Problem};
use std::process::{Command, Stdio};

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

/// Runs the command that restarts the daemon.
pub trait DaemonControl {
    /// Runs `argv` to its end.
    ///
    /// # Errors
    /// What it said, if it could not be run or failed.
    fn run(&self, argv: &[String]) -> Result<(), String>;
}

/// The system's own service manager.
pub struct SystemDaemon;

impl DaemonControl for SystemDaemon {
    fn run(&self, argv: &[String]) -> Result<(), String> {
        let [program, args @ ..] = argv else { return Err("there is no command".into()) };
        let output = Command::new(program)
            .args(args)
            .env_clear()
            .current_dir("/")
            .stdin(Stdio::null())
            .output()
            .map_err(|e| e.to_string())?;
        if output.status.success() {
            return Ok(());
        }
        Err(format!("{}: {}", output.status, String::from_utf8_lossy(&output.stderr).trim()))
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
    fn the_commands_are_exactly_these() {
        assert_eq!(
            command(Service::Launchd("org.nixos.nix-daemon")),
            "/bin/launchctl kickstart -k system/org.nixos.nix-daemon"
        );
        assert_eq!(command(Service::Systemd), "/bin/systemctl restart nix-daemon.service");
        assert_eq!(command(Service::None), "");
    }
}
