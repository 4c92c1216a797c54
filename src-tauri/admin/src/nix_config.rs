//! What the host's Nix itself says that it is set to, as far as a setup asks.

use crate::in_force;
use igloo_protocol::{Code, NixConfig, Problem};

/// The environment in which the answer is that of the system, as the daemon is set, without the asking user's
/// own files. Left out, it is what that user's `nix` works with.
pub const SYSTEM_ONLY: [(&str, &str); 2] = [("NIX_USER_CONF_FILES", ""), ("NIX_CONFIG", "")];

/// Nix' settings as far as Igloo asks about them. `None`, or empty: this version of Nix has no such setting.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Effective {
    /// `system`: what this machine builds.
    pub system: Option<String>,
    /// `builders`
    pub builders: Option<String>,
    /// `builders-use-substitutes`
    pub builders_use_substitutes: Option<bool>,
    /// `trusted-users`, with what `extra-trusted-users` adds.
    pub trusted_users: Vec<String>,
    /// `experimental-features`. Some old versions (2.8) print numbers in place of names; those are left out.
    pub experimental_features: Vec<String>,
    /// Whether `external-builders` names any.
    pub external_builders: bool,
}

impl Effective {
    /// Whether Nix reads `/etc/nix/machines`.
    pub fn reads_machines(&self) -> bool {
        self.builders.as_deref().is_none_or(in_force::names_machines)
    }

    /// Whether a user is trusted by name or because all are. Groups are not looked into.
    pub fn trusts(&self, user: &str) -> bool {
        self.trusted_users.iter().any(|u| u == user || u == "*")
    }
}

/// Reads what `nix config show --json` printed.
///
/// # Errors
/// `Internal` if it is not that.
pub fn parse(json: &[u8]) -> Result<Effective, Problem> {
    let config = NixConfig::from_json(json).map_err(|e| {
        let remedy = "run `nix config show --json` yourself to see what it says";
        Problem::new(Code::Internal, format!("Nix' settings can't be read: {e}"), remedy)
    })?;
    Ok(Effective {
        system: config.text("system").map(str::to_owned),
        builders: config.text("builders").map(str::to_owned),
        builders_use_substitutes: config.flag("builders-use-substitutes"),
        trusted_users: config.list("trusted-users"),
        experimental_features: config.list("experimental-features"),
        external_builders: config.names_any("external-builders"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_of_old_and_new_versions_are_understood() {
        let new = parse(include_bytes!("fixtures/config-2.26.3.json")).unwrap();
        assert_eq!(new.system.as_deref(), Some("x86_64-linux"));
        assert_eq!(new.builders.as_deref(), Some("ssh://mac ; @/etc/nix/machines"));
        assert_eq!(new.builders_use_substitutes, Some(true));
        assert_eq!(new.trusted_users, ["root", "@wheel", "me"]);
        assert!(new.experimental_features.contains(&"nix-command".to_owned()));
        assert!(new.reads_machines() && new.trusts("me") && !new.trusts("you") && !new.external_builders);
        let old = parse(include_bytes!("fixtures/config-2.8.0.json")).unwrap();
        assert_eq!(old, Effective { experimental_features: vec![], ..new });
    }

    #[test]
    fn what_a_version_does_not_have_is_left_out() {
        let none = parse(b"{}").unwrap();
        assert_eq!(none, Effective::default());
        assert!(none.reads_machines());
        let some =
            parse(br#"{"builders":{"value":""},"external-builders":{"value":[{"systems":[]}]}}"#).unwrap();
        assert!(!some.reads_machines() && some.external_builders);
        assert_eq!(parse(b"error: no").unwrap_err().code, Code::Internal);
    }
}
