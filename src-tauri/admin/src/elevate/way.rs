//! The ways to become root, the exact words of each, and which of them fits.

use super::Verb;
use super::osascript::{OSASCRIPT, SCRIPT};
use crate::helper::{BY_HAND, INSTALL_SCRIPT};
use crate::root::Platform;
use igloo_protocol::plan::Sha256;
use igloo_protocol::{Code, Problem};
use std::ffi::OsString;
use std::path::{Path, PathBuf};

/// Where `sudo` is: NixOS has the setuid ones in a folder of its own.
const SUDO: [&str; 2] = ["/usr/bin/sudo", "/run/wrappers/bin/sudo"];

/// Where `pkexec` is.
const PKEXEC: [&str; 2] = ["/usr/bin/pkexec", "/run/wrappers/bin/pkexec"];

/// A way to run `igloo-admin` as root.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Way {
    /// This process is root.
    Direct,
    /// The `sudo` at this path, which asks on the terminal.
    Sudo(PathBuf),
    /// The `pkexec` at this path; polkit's agent of the desktop asks.
    Pkexec(PathBuf),
    /// `osascript`; macOS asks.
    Osascript,
    /// None: there is nobody to ask.
    Refuse,
}

/// What decides which way fits.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Surroundings {
    /// Whether this process is root.
    pub root: bool,
    /// Whether there is a terminal to ask on.
    pub terminal: bool,
    /// Whether there is a desktop to ask on.
    pub desktop: bool,
    /// `sudo`, where it is installed.
    pub sudo: Option<PathBuf>,
    /// `pkexec`, where it is installed.
    pub pkexec: Option<PathBuf>,
}

/// The way that fits: in a terminal `sudo`, since there the user sees what is run; else the desktop's.
pub fn choose(platform: Platform, around: &Surroundings) -> Way {
    let sudo = around.sudo.clone().filter(|_| around.terminal).map(Way::Sudo);
    let desktop = match platform {
        _ if !around.desktop => None,
        Platform::MacOs => Some(Way::Osascript),
        Platform::Linux => around.pkexec.clone().map(Way::Pkexec),
    };
    if around.root { Way::Direct } else { sudo.or(desktop).unwrap_or(Way::Refuse) }
}

/// Where `sudo` and `pkexec` are, given what is there.
pub fn find(there: impl Fn(&Path) -> bool) -> (Option<PathBuf>, Option<PathBuf>) {
    let first = |places: [&str; 2]| places.into_iter().map(PathBuf::from).find(|path| there(path));
    (first(SUDO), first(PKEXEC))
}

impl Way {
    /// The program and its arguments; empty for [`Way::Refuse`]. Standard output is for [`Way::meaning`].
    ///
    /// # Errors
    /// `Usage` if `helper` is not an absolute path (it would be looked for in `PATH`) or the plan is too long.
    pub fn words(&self, helper: &Path, verb: Verb<'_>) -> Result<Vec<OsString>, Problem> {
        if !helper.is_absolute() {
            return Err(Problem::new(
                Code::Usage,
                format!("the path of igloo-admin is not absolute: {}", helper.display()),
                "install Igloo as a whole, so that igloo-admin lies beside it",
            ));
        }
        let mut words: Vec<OsString> = match self {
            Way::Refuse => return Ok(Vec::new()),
            Way::Direct => Vec::new(),
            Way::Sudo(sudo) => vec![sudo.into(), "--".into()],
            // its own agent would ask on a terminal that nobody looks at
            Way::Pkexec(pkexec) => vec![pkexec.into(), "--disable-internal-agent".into()],
            Way::Osascript => vec![OSASCRIPT.into(), "-e".into(), SCRIPT.into()],
        };
        words.push(helper.into());
        // the user started it, and saw which program that is
        words.extend(self.on_terminal().then(|| BY_HAND.into()));
        words.extend(verb.words()?);
        Ok(words)
    }

    /// The words that run `helper` from where its user may write to: it is installed first, if it is the one with
    /// this hash. `None` where this way has no such words: on Linux a package puts `igloo-admin` where only root
    /// writes, and a dialog that asks to run a shell says nothing to its reader.
    ///
    /// # Errors
    /// As [`Way::words`].
    pub fn words_with_install(
        &self,
        helper: &Path,
        hash: &Sha256,
        verb: Verb<'_>,
    ) -> Result<Option<Vec<OsString>>, Problem> {
        if *self != Way::Osascript {
            return Ok(None);
        }
        let shell = ["/bin/sh", "-c", INSTALL_SCRIPT, "igloo-install"].map(OsString::from);
        let mut words = self.words(helper, verb)?;
        let at = words.len() - 1 - verb.words()?.len();
        words.insert(at + 1, hash.as_str().into());
        words.splice(at..at, shell);
        Ok(Some(words))
    }

    /// Whether standard input and error are the user's terminal.
    pub(super) fn on_terminal(&self) -> bool {
        matches!(self, Way::Direct | Way::Sudo(_))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use igloo_protocol::plan::Plan;

    fn words(way: &Way, verb: Verb<'_>) -> Vec<String> {
        let words = way.words(Path::new("/opt/my igloo/igloo-admin"), verb).unwrap();
        words.into_iter().map(|w| w.into_string().unwrap()).collect()
    }

    #[test]
    fn each_way_has_exactly_these_words() {
        let plan = Plan::from_json(br#"{"version":1,"ops":["builder_key"],"files":[]}"#).unwrap();
        let code = crate::encode(&plan).unwrap();
        let (apply, helper) = (Verb::Apply(&plan), "/opt/my igloo/igloo-admin");
        let sudo = Way::Sudo("/usr/bin/sudo".into());
        let pkexec = Way::Pkexec("/usr/bin/pkexec".into());
        assert_eq!(words(&Way::Direct, Verb::Undo), [helper, "--by-hand", "undo"]);
        assert_eq!(words(&sudo, apply), ["/usr/bin/sudo", "--", helper, "--by-hand", "apply", &code]);
        assert_eq!(
            words(&pkexec, apply),
            ["/usr/bin/pkexec", "--disable-internal-agent", helper, "apply", &code]
        );
        assert_eq!(
            words(&Way::Osascript, apply),
            ["/usr/bin/osascript", "-e", SCRIPT, helper, "apply", &code]
        );
        assert_eq!(words(&Way::Refuse, Verb::Status), [""; 0]);
    }

    #[test]
    fn only_the_dialog_of_macos_installs_on_the_way() {
        let hash = crate::wire::sha256(b"igloo-admin");
        let helper = Path::new("/Applications/Igloo.app/igloo-admin");
        let with = |way: &Way| way.words_with_install(helper, &hash, Verb::Undo).unwrap();
        assert_eq!(with(&Way::Pkexec("/usr/bin/pkexec".into())), None);
        assert_eq!(with(&Way::Direct), None);
        let words = with(&Way::Osascript).unwrap();
        let words: Vec<_> = words.iter().map(|w| w.to_str().unwrap()).collect();
        assert_eq!(words[..3], ["/usr/bin/osascript", "-e", SCRIPT]);
        assert_eq!(words[3..7], ["/bin/sh", "-c", INSTALL_SCRIPT, "igloo-install"]);
        assert_eq!(words[7..], [helper.to_str().unwrap(), hash.as_str(), "undo"]);
    }

    #[test]
    fn a_helper_that_would_be_looked_for_is_refused() {
        for way in [Way::Direct, Way::Osascript, Way::Sudo("/usr/bin/sudo".into()), Way::Refuse] {
            assert_eq!(way.words(Path::new("igloo-admin"), Verb::Status).unwrap_err().code, Code::Usage);
        }
    }

    #[test]
    fn what_is_around_decides() {
        let all = Surroundings {
            root: false,
            terminal: true,
            desktop: true,
            sudo: Some("/s".into()),
            pkexec: Some("/p".into()),
        };
        let (mac, linux) = (Platform::MacOs, Platform::Linux);
        let (sudo, pkexec) = (Way::Sudo("/s".into()), Way::Pkexec("/p".into()));
        let root = Surroundings { root: true, ..Surroundings::default() };
        let window = Surroundings { terminal: false, ..all.clone() };
        let no_sudo = Surroundings { sudo: None, ..all.clone() };
        let no_pkexec = Surroundings { pkexec: None, ..window.clone() };
        let remote = Surroundings { desktop: false, ..all.clone() };
        let cron = Surroundings { terminal: false, ..remote.clone() };
        for (around, on_mac, on_linux) in [
            (&root, &Way::Direct, &Way::Direct),
            (&all, &sudo, &sudo),
            (&remote, &sudo, &sudo),
            (&window, &Way::Osascript, &pkexec),
            (&no_sudo, &Way::Osascript, &pkexec),
            (&no_pkexec, &Way::Osascript, &Way::Refuse),
            (&cron, &Way::Refuse, &Way::Refuse),
        ] {
            assert_eq!((&choose(mac, around), &choose(linux, around)), (on_mac, on_linux), "{around:?}");
        }
    }

    #[test]
    fn the_setuid_programs_of_nixos_are_found() {
        let nixos = find(|p| p.starts_with("/run/wrappers"));
        assert_eq!(nixos, (Some("/run/wrappers/bin/sudo".into()), Some("/run/wrappers/bin/pkexec".into())));
        assert_eq!(find(|_| true).0, Some("/usr/bin/sudo".into()));
        assert_eq!(find(|_| false), (None, None));
    }
}
