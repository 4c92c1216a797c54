//! The settings file: read strictly, edited in place, written whole.

use super::{HostSize, Settings, fields::from_text, known::Known};
use crate::{files, host::paths::cannot};
use igloo_protocol::{Code, Problem, SettingView, SettingsPatch};
use std::{
    fs, io,
    path::{Path, PathBuf},
};
use toml_edit::{DocumentMut, TableLike, Value};

/// The settings file. It is read again at every use, since the user may edit it by hand.
#[derive(Clone, Debug)]
pub struct Store {
    path: PathBuf,
    host: HostSize,
}

impl Store {
    /// The file at `path`, which need not be there.
    pub fn new(path: PathBuf, host: HostSize) -> Store {
        Store { path, host }
    }

    /// What holds where the user chose nothing.
    pub fn defaults(&self) -> Settings {
        Settings::defaults(self.host)
    }

    /// Reads the file. One that is not there is as good as an empty one.
    ///
    /// # Errors
    /// [`Code::BadSettings`], naming the file, the key and, for an unknown one, the nearest known.
    pub fn load(&self) -> Result<Settings, Problem> {
        self.interpret(&self.document()?)
    }

    /// Every setting as a face shows it.
    ///
    /// # Errors
    /// As [`Store::load`].
    pub fn views(&self) -> Result<Vec<SettingView>, Problem> {
        let chosen = self.document()?;
        let settings = self.interpret(&chosen)?;
        let defaults = self.defaults();
        Ok(Known::all().map(|known| view(known, &settings, &defaults, &chosen)).collect())
    }

    /// Changes the file: all of the patch or, where anything in it is not valid, nothing.
    ///
    /// # Errors
    /// [`Code::BadSettings`]; [`Code::NotManaged`] where Nix made the file; [`Code::DiskFull`] and the like from writing.
    pub fn apply(&self, patch: &SettingsPatch) -> Result<Settings, Problem> {
        let mut doc = self.document()?;
        for (key, text) in &patch.set {
            let known = self.find(key)?;
            let value = text.as_deref().map(from_text);
            if let Some(value) = &value {
                check(&known, value)?;
            }
            if !known.set(&mut doc, value) {
                return Err(self.bad(&format!("has no table for {key}")));
            }
        }
        let settings = self.interpret(&doc)?;
        self.write(&doc.to_string())?;
        Ok(settings)
    }

    fn document(&self) -> Result<DocumentMut, Problem> {
        let text = match fs::read_to_string(&self.path) {
            Ok(text) => text,
            Err(e) if e.kind() == io::ErrorKind::NotFound => String::new(),
            Err(e) if e.kind() == io::ErrorKind::InvalidData => return Err(self.bad("is not text")),
            Err(e) => return Err(cannot("read", &self.path, &e)),
        };
        text.parse().map_err(|e: toml_edit::TomlError| {
            self.bad(&format!("is not TOML: {}", one_line(&e.to_string())))
        })
    }

    fn interpret(&self, doc: &DocumentMut) -> Result<Settings, Problem> {
        let mut settings = self.defaults();
        for (key, value) in flatten("", doc.as_table())? {
            self.find(&key)?.write(&mut settings, &value).map_err(|e| {
                self.bad(&format!("has {key} = {value}: it {e}", value = value.to_string().trim()))
            })?;
        }
        settings.check().map_err(|e| self.bad(&format!("is not consistent: {e}")))?;
        Ok(settings)
    }

    fn find(&self, key: &str) -> Result<Known, Problem> {
        Known::all().find(|known| known.key == key).ok_or_else(|| self.unknown(key))
    }

    fn unknown(&self, key: &str) -> Problem {
        let nearest = Known::all()
            .map(|known| known.key)
            .min_by_key(|name| strsim::levenshtein(name, key))
            .unwrap_or_default();
        Problem::new(
            Code::BadSettings,
            format!("there is no setting {key} ({})", self.path.display()),
            format!("did you mean {nearest}? `igloo settings` lists all"),
        )
    }

    fn bad(&self, what: &str) -> Problem {
        Problem::new(
            Code::BadSettings,
            format!("the settings file {} {what}", self.path.display()),
            "correct the file, or remove it to go back to the defaults",
        )
    }

    fn write(&self, text: &str) -> Result<(), Problem> {
        let file = files::target(&self.path);
        if file.starts_with("/nix/store") {
            return Err(Problem::new(
                Code::NotManaged,
                format!("the settings file {} is made by a Nix configuration", self.path.display()),
                "change it there (services.igloo.settings), or remove the link to go back to a file of your own",
            ));
        }
        crate::host::paths::private_dir(file.parent().unwrap_or(Path::new("/")))?;
        files::write(&file, text.as_bytes()).map_err(|e| cannot("write", &file, &e))
    }
}

/// Whether a setting may have this value.
fn check(known: &Known, value: &Value) -> Result<(), Problem> {
    let mut scratch = Settings::defaults(HostSize { cores: 1, memory_mib: 4096 });
    known.write(&mut scratch, value).map_err(|e| {
        Problem::new(
            Code::BadSettings,
            format!("{} can't be {}: it {e}", known.key, value.to_string().trim()),
            format!("nothing was changed; what it sets: {}", known.effect()),
        )
    })
}

fn view(known: Known, settings: &Settings, defaults: &Settings, chosen: &DocumentMut) -> SettingView {
    let text = |s: &Settings| known.read(s).map(|v| v.to_string());
    SettingView {
        value: text(settings),
        default: text(defaults),
        set: known.is_set(chosen),
        effect: known.effect().into(),
        applies: known.applies(),
        key: known.key,
    }
}

/// The values of a document by their dotted names.
fn flatten(prefix: &str, table: &dyn TableLike) -> Result<Vec<(String, Value)>, Problem> {
    let mut found = Vec::new();
    for (name, item) in table.iter() {
        let key = if prefix.is_empty() { name.to_owned() } else { format!("{prefix}.{name}") };
        match (item.as_table_like(), item.as_value()) {
            (Some(inner), _) => found.extend(flatten(&key, inner)?),
            (None, Some(value)) => found.push((key, value.clone())),
            (None, None) => {
                return Err(Problem::new(
                    Code::BadSettings,
                    format!("{key} is a list of tables"),
                    "remove it",
                ));
            }
        }
    }
    Ok(found)
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::super::{BUILDER, GENERAL};
    use super::*;
    use crate::vm::Setting;
    use igloo_protocol::BuilderId;

    const HOST: HostSize = HostSize { cores: 8, memory_mib: 32768 };

    fn store(text: &str) -> (tempfile::TempDir, Store) {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("settings.toml");
        fs::write(&path, text).unwrap();
        (dir, Store::new(path, HOST))
    }

    fn patch(key: &str, value: Option<&str>) -> SettingsPatch {
        SettingsPatch { set: vec![(key.into(), value.map(Into::into))] }
    }

    #[test]
    fn nothing_chosen_is_the_defaults() {
        let (dir, s) = store("");
        fs::remove_file(dir.path().join("settings.toml")).unwrap();
        let b = s.load().unwrap().builder(BuilderId::native()).clone();
        assert_eq!((b.enabled, b.cores, b.memory_mib, b.disk_gib), (true, 4, 8192, 40));
    }

    #[test]
    fn every_field_reads_back_what_it_wrote() {
        let builder = ["false", "\"/img\"", "3", "4096", "77", "true", "4444", "\"kvm\""];
        let general = ["true", "true", "\"kitty\"", "\"<nixpkgs>\"", "false", "false", "false", "false"];
        let aarch64 = BUILDER.len();
        let keys = Known::all().skip(aarch64).map(|k| k.key);
        for (key, text) in keys.zip(builder.into_iter().chain(general)) {
            let (_d, s) = store("");
            let settings = s.apply(&patch(&key, Some(text))).unwrap();
            assert_eq!(s.load().unwrap(), settings);
            let views = s.views().unwrap();
            assert_eq!(views.len(), 2 * BUILDER.len() + GENERAL.len());
            let set: Vec<_> = views.iter().filter(|v| v.set).collect();
            assert_eq!(
                (set.len(), set[0].key.as_str(), set[0].value.as_deref()),
                (1, key.as_str(), Some(text))
            );
            assert_ne!(settings, s.defaults(), "{key}");
            assert_eq!(s.apply(&patch(&key, None)).unwrap(), s.defaults());
        }
    }

    #[test]
    fn an_edit_keeps_what_the_user_wrote_beside_it() {
        let (dir, s) = store("# mine\n[builders.x86_64]\ncores = 2 # enough\nmemory = 4096\n");
        s.apply(&patch("builders.x86_64.cores", Some("3"))).unwrap();
        let text = fs::read_to_string(dir.path().join("settings.toml")).unwrap();
        assert_eq!(text, "# mine\n[builders.x86_64]\ncores = 3 # enough\nmemory = 4096\n");
    }

    #[test]
    fn a_link_stays_one_and_a_file_of_nix_stays_as_it_is() {
        let (dir, s) = store("");
        let (link, mine) = (dir.path().join("settings.toml"), dir.path().join("mine.toml"));
        fs::rename(&link, &mine).unwrap();
        std::os::unix::fs::symlink("mine.toml", &link).unwrap();
        s.apply(&patch("keychain", Some("false"))).unwrap();
        assert!(link.is_symlink());
        assert_eq!(fs::read_to_string(&mine).unwrap(), "keychain = false\n");
        // as home-manager and nix-darwin have it
        fs::remove_file(&mine).unwrap();
        std::os::unix::fs::symlink("/nix/store/0-home-manager-files/settings.toml", &mine).unwrap();
        let p = s.apply(&patch("keychain", Some("true"))).unwrap_err();
        assert_eq!(p.code, Code::NotManaged);
        assert!(p.remedy.contains("services.igloo.settings"), "{}", p.remedy);
        assert!(link.is_symlink() && mine.is_symlink());
    }

    #[test]
    fn a_new_section_is_a_section() {
        let (dir, s) = store("");
        s.apply(&patch("builders.aarch64.accel", Some("tcg"))).unwrap();
        let text = fs::read_to_string(dir.path().join("settings.toml")).unwrap();
        assert_eq!(text, "[builders.aarch64]\naccel = \"tcg\"\n");
        assert_eq!(s.load().unwrap().builder(BuilderId::Aarch64).accel, Setting::Tcg);
    }

    #[test]
    fn an_unknown_key_names_the_nearest() {
        let (_d, s) = store("[builders.x86_64]\ncoers = 2\n");
        let p = s.load().unwrap_err();
        assert_eq!(p.code, Code::BadSettings);
        assert!(p.message.contains("builders.x86_64.coers"), "{p}");
        assert!(p.remedy.contains("builders.x86_64.cores"), "{}", p.remedy);
    }

    #[test]
    fn what_is_not_valid_is_said_and_changes_nothing() {
        let cases = [
            ("builders.x86_64.cores", "0"),
            ("builders.x86_64.cores", "-1"),
            ("builders.x86_64.cores", "many"),
            ("builders.x86_64.port", "65536"),
            ("builders.x86_64.memory", "1.5"),
            ("builders.x86_64.image", "relative/path"),
            ("builders.x86_64.accel", "warp"),
            ("builders.x86_64.ephemeral", "perhaps"),
            ("builders.x86_64.port", "31022"),
            ("builders.riscv.port", "1"),
        ];
        for (key, value) in cases {
            let (dir, s) = store("# as it was\n");
            let p = s.apply(&patch(key, Some(value))).unwrap_err();
            assert_eq!(p.code, Code::BadSettings, "{key} = {value}");
            assert_eq!(fs::read_to_string(dir.path().join("settings.toml")).unwrap(), "# as it was\n");
        }
    }

    #[test]
    fn garbage_is_an_error_with_a_remedy_and_stays_as_it_is() {
        for garbage in [&b"[builders"[..], b"\xff\xfe", b"builders = 3", b"[[builders.x86_64]]\n"] {
            let (dir, s) = store("");
            let path = dir.path().join("settings.toml");
            fs::write(&path, garbage).unwrap();
            let p = s.load().unwrap_err();
            assert_eq!(p.code, Code::BadSettings, "{garbage:?}: {p}");
            assert!(!p.remedy.is_empty());
            assert_eq!(s.views().unwrap_err(), p);
            assert!(s.apply(&patch("builders.x86_64.cores", Some("2"))).is_err());
            assert_eq!(fs::read(&path).unwrap(), garbage);
        }
    }
}
