//! What Nix in the guest is set to.

use super::{Guest, trouble};
use igloo_protocol::{Code, NixConfig, Problem, System};
use std::time::Duration;

/// What Nix in the guest is set to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GuestNix {
    /// The systems that it builds: its own first, then `extra-platforms`.
    pub systems: Vec<String>,
    /// `system-features`
    pub features: Vec<String>,
    /// `max-jobs`
    pub max_jobs: Option<u32>,
}

impl GuestNix {
    /// The systems that Igloo has a name for.
    pub fn known_systems(&self) -> Vec<System> {
        self.systems.iter().filter_map(|s| s.parse().ok()).collect()
    }
}

impl Guest {
    /// Asks Nix in the guest what it is set to: one command.
    ///
    /// # Errors
    /// [`Code::DaemonFailed`] when there is no working Nix; [`Code::Internal`] when its answer makes no sense;
    /// those of [`Guest::run`].
    pub async fn systems(&self, deadline: Duration) -> Result<GuestNix, Problem> {
        let output = self.run(&command(), None, deadline).await?;
        if !output.ok() {
            let why = format!("`nix config show` says: {}", output.complaint());
            return Err(Problem { code: Code::DaemonFailed, ..trouble::daemon(&why) });
        }
        parse(&output.stdout).map_err(|e| trouble::nonsense("Nix' settings", &e.to_string()))
    }
}

/// Asks in the words of this Nix, then of older ones. Some versions of nixpkgs' builder leave `nix` out of its system; it is the same
/// program as `nix-daemon`, and lies beside it where that really is.
fn command() -> String {
    let [now, before] = NixConfig::ARGUMENTS;
    let find =
        "command -v nix >/dev/null || PATH=$PATH:$(dirname \"$(readlink -f \"$(command -v nix-daemon)\")\")";
    format!("{find}; nix {now} || nix {before}")
}

fn parse(json: &[u8]) -> Result<GuestNix, serde_json::Error> {
    use serde::de::Error as _;
    let config = NixConfig::from_json(json)?;
    let system = config.text("system").ok_or_else(|| serde_json::Error::missing_field("system"))?;
    let others = config.list("extra-platforms").into_iter().filter(|s| s != system);
    Ok(GuestNix {
        systems: std::iter::once(system.to_owned()).chain(others).collect(),
        features: config.list("system-features"),
        max_jobs: config.number("max-jobs").and_then(|n| n.try_into().ok()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;

    #[test]
    fn a_real_answer_is_understood() {
        let nix = parse(include_bytes!("fixtures/config-2.26.3.json")).unwrap();
        assert_eq!(nix.systems[0], "x86_64-linux");
        assert!(nix.features.contains(&"big-parallel".to_owned()), "{nix:?}");
        assert_eq!(nix.max_jobs, Some(4));
    }

    #[test]
    fn a_nix_that_is_not_on_the_path_is_found_beside_the_daemon() {
        use std::os::unix::fs::{PermissionsExt, symlink};
        let dir = tempfile::tempdir().unwrap();
        let (store, path) = (dir.path().join("store"), dir.path().join("path"));
        for folder in [&store, &path] {
            std::fs::create_dir(folder).unwrap();
        }
        std::fs::write(store.join("nix"), "#!/bin/sh\necho \"$@\"\n").unwrap();
        std::fs::set_permissions(store.join("nix"), std::fs::Permissions::from_mode(0o755)).unwrap();
        symlink("nix", store.join("nix-daemon")).unwrap();
        symlink(store.join("nix-daemon"), path.join("nix-daemon")).unwrap();
        for tool in ["dirname", "readlink"] {
            symlink(Path::new("/usr/bin").join(tool), path.join(tool)).unwrap();
        }
        let said = std::process::Command::new("/bin/sh").args(["-c", &command()]).env("PATH", &path).output();
        assert_eq!(String::from_utf8(said.unwrap().stdout).unwrap().trim(), NixConfig::ARGUMENTS[0]);
    }

    #[test]
    fn the_own_system_is_first_and_once() {
        let json = br#"{"system":{"value":"aarch64-linux"},"max-jobs":{"value":"auto"},
            "extra-platforms":{"value":["x86_64-linux","aarch64-linux"]}}"#;
        let nix = parse(json).unwrap();
        assert_eq!(nix.systems, ["aarch64-linux", "x86_64-linux"]);
        assert_eq!((nix.features.len(), nix.max_jobs), (0, None));
    }

    #[test]
    fn an_answer_without_a_system_is_none() {
        for json in ["", "{}", "[]", r#"{"system":{"value":1}}"#, "warning: x\n{}"] {
            assert!(parse(json.as_bytes()).is_err(), "{json}");
        }
    }
}
