//! What `nix.conf` says about builders, as far as a plan's warnings need it. Reads only.

use crate::root::Root;

const MACHINES: &str = "@/etc/nix/machines";

/// How deep `include` is followed.
const MAX_DEPTH: usize = 8;

/// The value of `builders` in the system's `nix.conf` and what it includes, if it is set there.
pub(crate) fn builders(root: &Root) -> Option<String> {
    let mut value = None;
    read(root, "/etc/nix/nix.conf", 0, &mut value);
    value
}

/// Whether Nix reads `/etc/nix/machines`, given the value of `builders` (unset: it does).
pub(crate) fn reads_machines(builders: Option<&str>) -> bool {
    builders.is_none_or(|v| v.split([';', '\n', ' ', '\t']).any(|w| w == MACHINES))
}

fn read(root: &Root, path: &str, depth: usize, value: &mut Option<String>) {
    let Ok(text) = std::fs::read_to_string(root.join(path)) else { return };
    for line in text.lines() {
        let words: Vec<&str> = line
            .split('#')
            .next()
            .unwrap_or_default()
            .split([' ', '\t', '\r'])
            .filter(|w| !w.is_empty())
            .collect();
        match words.as_slice() {
            ["include" | "!include", file] if depth < MAX_DEPTH => {
                read(root, &resolve(path, file), depth + 1, value);
            }
            ["builders", "=", rest @ ..] => *value = Some(rest.join(" ")),
            ["extra-builders", "=", rest @ ..] => {
                // added to the default when `builders` itself is not set
                let so_far = value.take().unwrap_or_else(|| MACHINES.to_owned());
                *value = Some(format!("{so_far} {}", rest.join(" ")));
            }
            _ => {}
        }
    }
}

/// An included path: relative ones start at the including file's folder.
fn resolve(from: &str, file: &str) -> String {
    match (file.starts_with('/'), from.rsplit_once('/')) {
        (false, Some((folder, _))) => format!("{folder}/{file}"),
        _ => file.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::root::Platform;
    use std::fs;

    fn builders_of(files: &[(&str, &str)]) -> Option<String> {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir_all(dir.path().join("etc/nix")).unwrap();
        for (name, text) in files {
            fs::write(dir.path().join("etc/nix").join(name), text).unwrap();
        }
        builders(&Root::for_tests(dir.path(), Platform::Linux, 0, 0))
    }

    #[test]
    fn the_last_value_counts_also_from_an_included_file() {
        assert_eq!(builders_of(&[]), None);
        assert_eq!(builders_of(&[("nix.conf", "# builders = x\ncores = 1\n")]), None);
        assert_eq!(builders_of(&[("nix.conf", "builders = @/a\nbuilders =\n")]), Some(String::new()));
        let custom = [
            ("nix.conf", "builders = a\n!include custom\n!include none\n"),
            ("custom", "builders = b ; c # d"),
        ];
        assert_eq!(builders_of(&custom), Some("b ; c".into()));
        let included = [("nix.conf", "include /etc/nix/x"), ("x", "include x\nextra-builders = y")];
        assert!(reads_machines(builders_of(&included).as_deref()));
    }

    #[test]
    fn only_a_value_that_names_the_machines_file_reads_it() {
        assert!(reads_machines(None));
        assert!(reads_machines(Some("ssh://a;@/etc/nix/machines")));
        for no in ["", "ssh://a", "@/etc/nix/machines.d", "@/etc/other"] {
            assert!(!reads_machines(Some(no)), "{no}");
        }
    }
}
