//! Linux: a file in the user's autostart folder
//! (<https://specifications.freedesktop.org/autostart-spec/latest/>).
#![cfg_attr(target_os = "macos", allow(dead_code))]

use super::{LoginItem, State};
use std::{fs, io, io::Write, path::PathBuf};

/// The entry's file: the app's identifier, as a desktop names it.
const FILE: &str = "dev.igloo.app.desktop";

/// The user's autostart folder.
pub struct Autostart {
    folder: Option<PathBuf>,
    program: Option<PathBuf>,
}

impl Autostart {
    /// The folder of this process' user, and this program.
    pub fn of_this_user() -> Autostart {
        let dir = |name: &str| std::env::var_os(name).map(PathBuf::from).filter(|dir| dir.is_absolute());
        let config = dir("XDG_CONFIG_HOME").or_else(|| dir("HOME").map(|home| home.join(".config")));
        Autostart { folder: config.map(|dir| dir.join("autostart")), program: std::env::current_exe().ok() }
    }

    fn file(&self) -> Result<PathBuf, String> {
        self.folder.as_ref().map(|folder| folder.join(FILE)).ok_or_else(|| "HOME is not set".into())
    }
}

impl LoginItem for Autostart {
    fn state(&self) -> Result<State, String> {
        let file = self.file()?;
        match fs::read_to_string(&file) {
            Ok(entry) if is_switched_off(&entry) => Ok(State::SwitchedOff),
            Ok(_) => Ok(State::On),
            Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(State::Off),
            Err(e) => Err(format!("{}: {e}", file.display())),
        }
    }

    fn set(&self, on: bool) -> Result<(), String> {
        let file = self.file()?;
        let changed = if on {
            let program =
                self.program.as_ref().and_then(|p| p.to_str()).ok_or("the program's path is not text")?;
            write(&file, &entry(program)?)
        } else {
            fs::remove_file(&file)
        };
        changed.map_err(|e| format!("{}: {e}", file.display()))
    }
}

/// The file is the old one or the new one, never half of it.
fn write(file: &std::path::Path, text: &str) -> io::Result<()> {
    let folder = file.parent().unwrap_or(std::path::Path::new("/"));
    fs::create_dir_all(folder)?;
    let mut new = tempfile::NamedTempFile::new_in(folder)?;
    new.write_all(text.as_bytes())?;
    new.persist(file).map_err(|e| e.error).map(drop)
}

/// The entry that starts this program.
fn entry(program: &str) -> Result<String, String> {
    Ok(format!(
        "[Desktop Entry]\nType=Application\nName=Igloo\nComment=A Linux builder for Nix\nExec={}\nTerminal=false\n",
        quoted(program)?
    ))
}

/// An argument of `Exec`, in quotes: `"`, `` ` ``, `$` and `\` are escaped, then once more as in every string of
/// the file, and `%` is doubled (Desktop Entry Specification, "The Exec key").
fn quoted(argument: &str) -> Result<String, String> {
    if argument.contains(['\n', '\r', '\t']) {
        return Err("the program's path has a line end or a tab in it".into());
    }
    let mut text = String::from("\"");
    for c in argument.chars() {
        match c {
            '"' | '`' | '$' => text.extend(["\\\\", &c.to_string()]),
            '\\' => text.push_str("\\\\\\\\"),
            '%' => text.push_str("%%"),
            other => text.push(other),
        }
    }
    text.push('"');
    Ok(text)
}

/// Desktops switch an entry off by a line in it.
fn is_switched_off(entry: &str) -> bool {
    let lines = entry.lines().filter_map(|line| line.split_once('='));
    let mut lines = lines.map(|(key, value)| (key.trim(), value.trim()));
    lines.any(|pair| matches!(pair, ("Hidden", "true") | ("X-GNOME-Autostart-enabled", "false")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn autostart(folder: &std::path::Path) -> Autostart {
        Autostart { folder: Some(folder.join("autostart")), program: Some("/opt/my apps/igloo-tray".into()) }
    }

    #[test]
    fn an_entry_comes_and_goes() {
        let dir = tempfile::tempdir().unwrap();
        let item = autostart(dir.path());
        assert_eq!(item.state(), Ok(State::Off));
        item.set(true).unwrap();
        assert_eq!(item.state(), Ok(State::On));
        let file = dir.path().join("autostart/dev.igloo.app.desktop");
        let expected = "[Desktop Entry]\nType=Application\nName=Igloo\nComment=A Linux builder for Nix\n\
                        Exec=\"/opt/my apps/igloo-tray\"\nTerminal=false\n";
        assert_eq!(fs::read_to_string(&file).unwrap(), expected);
        for line in ["Hidden=true", "X-GNOME-Autostart-enabled = false"] {
            fs::write(&file, format!("{expected}{line}\n")).unwrap();
            assert_eq!(item.state(), Ok(State::SwitchedOff), "{line}");
        }
        item.set(false).unwrap();
        assert_eq!(item.state(), Ok(State::Off));
        assert!(item.set(false).is_err_and(|why| why.contains("autostart/dev.igloo.app.desktop: ")));
    }

    #[test]
    fn what_a_path_may_hold_is_quoted() {
        assert_eq!(quoted(r#"/a "b" $c `d` \e 50%"#).unwrap(), r#""/a \\"b\\" \\$c \\`d\\` \\\\e 50%%""#);
        assert!(quoted("/a\nExec=evil").is_err());
    }

    #[test]
    fn without_a_home_it_says_so() {
        let item = Autostart { folder: None, program: None };
        assert_eq!(item.state(), Err("HOME is not set".into()));
    }
}
