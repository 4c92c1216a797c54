//! Values in TOML's form, which is how settings travel.

/// A text as a TOML string. JSON's escapes are among TOML's, which forbids one more character (DEL).
pub fn string(text: &str) -> String {
    serde_json::Value::from(text).to_string().replace('\x7f', "\\u007f")
}

/// What a user types as a value: as it is where it is TOML by its looks, else as a string.
pub fn value(typed: &str) -> String {
    let is_toml = matches!(typed, "true" | "false")
        || typed.starts_with(['"', '\'', '[', '{'])
        || typed.replace('_', "").parse::<f64>().is_ok_and(f64::is_finite);
    if is_toml { typed.to_owned() } else { string(typed) }
}

/// A value for a person: strings without quotes.
pub fn plain(value: &str) -> String {
    serde_json::from_str::<String>(value)
        .ok()
        .or_else(|| value.strip_prefix('\'')?.strip_suffix('\'').map(str::to_owned))
        .unwrap_or_else(|| value.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_looks_like_toml_is_left_alone() {
        for v in ["true", "4", "4_096", "-1.5", "\"a\"", "'a'", "[1, 2]"] {
            assert_eq!(value(v), v);
        }
        for (typed, toml) in [("/a b", "\"/a b\""), ("a\"b", r#""a\"b""#), ("", "\"\""), ("inf", "\"inf\"")] {
            assert_eq!(value(typed), toml);
        }
    }

    #[test]
    fn strings_are_shown_without_quotes() {
        assert_eq!([plain("\"/a\\\"b\""), plain("'/a'"), plain("4")], ["/a\"b", "/a", "4"]);
    }
}
