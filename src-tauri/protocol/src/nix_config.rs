//! What Nix says it is set to, on the host and in the guest.

use serde::Deserialize;
use serde_json::Value;
use std::collections::BTreeMap;

/// The answer of `nix config show --json` (before 2.20, `nix show-config --json`): every setting with its value. One
/// that this version of Nix does not have is simply not there.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(transparent)]
pub struct NixConfig {
    settings: BTreeMap<String, Setting>,
}

#[derive(Clone, Debug, PartialEq, Deserialize)]
struct Setting {
    value: Value,
}

impl NixConfig {
    /// The arguments of `nix` that make it say so: since 2.20, and before. The second is for where the first fails.
    pub const ARGUMENTS: [&str; 2] = [
        "--extra-experimental-features nix-command config show --json",
        "--extra-experimental-features nix-command show-config --json",
    ];

    /// Reads the answer.
    ///
    /// # Errors
    /// It is not that.
    pub fn from_json(json: &[u8]) -> serde_json::Result<NixConfig> {
        serde_json::from_slice(json)
    }

    /// The value of a setting that is a text.
    pub fn text(&self, name: &str) -> Option<&str> {
        self.value(name)?.as_str()
    }

    /// The values of a setting that is a list of texts; none where it is not.
    pub fn list(&self, name: &str) -> Vec<String> {
        let items = self.value(name).and_then(Value::as_array).into_iter().flatten();
        items.filter_map(Value::as_str).map(str::to_owned).collect()
    }

    /// The value of a setting that is on or off.
    pub fn flag(&self, name: &str) -> Option<bool> {
        self.value(name)?.as_bool()
    }

    /// The value of a setting that is a number.
    pub fn number(&self, name: &str) -> Option<u64> {
        self.value(name)?.as_u64()
    }

    /// Whether a setting is a list, or the text of one, that is not empty.
    pub fn names_any(&self, name: &str) -> bool {
        match self.value(name) {
            Some(Value::Array(items)) => !items.is_empty(),
            Some(Value::String(text)) => !matches!(text.trim(), "" | "[]"),
            _ => false,
        }
    }

    fn value(&self, name: &str) -> Option<&Value> {
        self.settings.get(name).map(|setting| &setting.value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_of_another_kind_is_no_value() {
        let json = br#"{"a":{"value":"x","defaultValue":""},"b":{"value":["y",1]},"c":{"value":true},"d":{"value":7}}"#;
        let config = NixConfig::from_json(json).unwrap();
        assert_eq!((config.text("a"), config.text("b"), config.text("none")), (Some("x"), None, None));
        assert_eq!((config.list("b"), config.list("a")), (vec!["y".to_owned()], vec![]));
        assert_eq!((config.flag("c"), config.flag("a")), (Some(true), None));
        assert_eq!((config.number("d"), config.number("c")), (Some(7), None));
        assert!(config.names_any("a") && config.names_any("b") && !config.names_any("c"));
        for nonsense in ["", "[]", "warning: x\n{}", r#"{"a":1}"#] {
            assert!(NixConfig::from_json(nonsense.as_bytes()).is_err(), "{nonsense}");
        }
    }
}
