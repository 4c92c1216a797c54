//! Running `igloo-admin` as root: the ways there are, which of them fits, and what came of it.
//!
//! A caller asks [`choose`] for the [`Way`] that fits its [`Surroundings`], shows the plan and asks
//! its own question first, and then calls [`Elevate::run`]. What is run and what an end means are
//! pure functions ([`Way::words`], [`Way::meaning`]); the call itself is one line.

mod ended;
mod osascript;
mod way;

pub use ended::{Elevated, Ended};
pub use osascript::SCRIPT;
pub use way::{Surroundings, Way, choose, find};

use crate::helper;
use crate::root::Root;
use crate::wire::encode;
use igloo_protocol::plan::Plan;
use igloo_protocol::{Code, Problem};
use std::ffi::OsString;
use std::path::Path;
use std::process::{Command, Stdio};

/// What `igloo-admin` is asked to do.
#[derive(Clone, Copy, Debug)]
pub enum Verb<'a> {
    /// Carry a plan out.
    Apply(&'a Plan),
    /// Take everything back.
    Undo,
    /// Say what is in place.
    Status,
}

impl Verb<'_> {
    /// The arguments of `igloo-admin`.
    ///
    /// # Errors
    /// `Usage` if the plan is too long.
    pub fn words(self) -> Result<Vec<OsString>, Problem> {
        Ok(match self {
            Verb::Apply(plan) => vec!["apply".into(), encode(plan)?.into()],
            Verb::Undo => vec!["undo".into()],
            Verb::Status => vec!["status".into()],
        })
    }
}

/// Something that runs `igloo-admin` as root. Faces take this, so that their tests ask nobody for a password.
pub trait Elevate {
    /// Runs the `igloo-admin` at `helper` to its end. Blocks: the user may think as long as they like.
    fn run(&self, helper: &Path, verb: Verb<'_>) -> Elevated;
}

impl Elevate for Way {
    fn run(&self, helper: &Path, verb: Verb<'_>) -> Elevated {
        let words = match self.words_for(&Root::system(), helper, verb) {
            Ok(words) => words,
            Err(problem) => return Elevated::Failed(problem),
        };
        let [program, args @ ..] = words.as_slice() else { return self.refusal(helper, verb) };
        match self.start(program, args).output() {
            Ok(output) => self.meaning(&Ended::from(output)),
            Err(e) => Elevated::Failed(Problem::new(
                Code::MissingTool,
                format!("can't run {}: {e}", program.display()),
                by_hand(helper, verb),
            )),
        }
    }
}

impl Way {
    /// The words for the `igloo-admin` at `helper`. Where the system's dialog asks, nothing is run that others could
    /// change: the installed one takes its place if it is the same, or it is installed first, or the run is refused.
    fn words_for(&self, root: &Root, helper: &Path, verb: Verb<'_>) -> Result<Vec<OsString>, Problem> {
        if !matches!(self, Way::Pkexec(_) | Way::Osascript) || !helper.is_absolute() {
            return self.words(helper, verb);
        }
        // polkit's policy and the dialogs' words are about this path
        let Err(problem) = helper::check_place(helper) else { return self.words(helper, verb) };
        let hash = helper::hash(helper)?;
        if let Some(installed) = helper::installed(root, &hash) {
            return self.words(&installed, verb);
        }
        self.words_with_install(helper, &hash, verb)?
            .ok_or(Problem { remedy: format!("{}: {}", problem.remedy, sudo_line(helper, verb)?), ..problem })
    }

    fn start(&self, program: &OsString, args: &[OsString]) -> Command {
        let mut command = Command::new(program);
        command.args(args).stdout(Stdio::piped());
        if matches!(self, Way::Pkexec(_)) {
            // it refuses to start for a SHELL that is not in /etc/shells (one out of a Nix profile) and for
            // slashes in LANG, TERM and others; nothing that it starts needs any of them
            command.env_clear();
        }
        // sudo asks on the terminal, and what igloo-admin says in words is for the user there
        if self.on_terminal() {
            command.stdin(Stdio::inherit()).stderr(Stdio::inherit());
        } else {
            command.stdin(Stdio::null()).stderr(Stdio::piped());
        }
        command
    }

    fn refusal(&self, helper: &Path, verb: Verb<'_>) -> Elevated {
        Elevated::NotAllowed(Problem::new(
            Code::NotAllowed,
            "this needs an administrator's right, and there is no terminal and no desktop to ask for it on",
            by_hand(helper, verb),
        ))
    }
}

/// The remedy of those who have to run it themselves.
fn by_hand(helper: &Path, verb: Verb<'_>) -> String {
    match sudo_line(helper, verb) {
        Ok(line) => format!("run this in a terminal: {line}"),
        Err(problem) => problem.remedy,
    }
}

/// The line for those who prefer to run it themselves: it works when pasted into a shell. `sudo` is
/// looked up by the shell, as every sudo line is.
///
/// # Errors
/// As [`Way::words`].
pub fn sudo_line(helper: &Path, verb: Verb<'_>) -> Result<String, Problem> {
    Ok(shell_line(&Way::Sudo("sudo".into()).words(helper, verb)?))
}

/// The words as a line to paste into a shell.
pub fn shell_line(words: &[OsString]) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "+-./=_".contains(c);
    let quote = |word: &OsString| {
        let word = word.to_string_lossy();
        let safe = !word.is_empty() && word.chars().all(plain);
        if safe { word.into_owned() } else { format!("'{}'", word.replace('\'', r"'\''")) }
    };
    words.iter().map(quote).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Platform;
    use std::fs;
    use std::os::unix::fs::{MetadataExt, PermissionsExt};

    #[test]
    fn the_line_to_paste_survives_a_shell() {
        let words = ["/a b/it's", "x;rm", "", "YQ=="].map(OsString::from);
        assert_eq!(shell_line(&words), r"'/a b/it'\''s' 'x;rm' '' YQ==");
        let line = sudo_line(Path::new("/opt/my igloo/igloo-admin"), Verb::Undo).unwrap();
        assert_eq!(line, "sudo -- '/opt/my igloo/igloo-admin' --by-hand undo");
        let printed =
            Command::new("/bin/sh").args(["-c", &format!("set -- {line}; echo \"$#:$3\"")]).output();
        assert_eq!(printed.unwrap().stdout, b"5:/opt/my igloo/igloo-admin\n");
    }

    #[test]
    fn where_nobody_can_be_asked_it_says_what_to_run() {
        let Elevated::NotAllowed(problem) = Way::Refuse.run(Path::new("/bin/igloo-admin"), Verb::Undo) else {
            panic!("it ran")
        };
        assert_eq!(problem.code, Code::NotAllowed);
        assert_eq!(problem.remedy, "run this in a terminal: sudo -- /bin/igloo-admin --by-hand undo");
    }

    #[test]
    fn a_dialog_runs_only_what_others_can_not_change() {
        let dir = tempfile::tempdir().unwrap();
        let meta = dir.path().metadata().unwrap();
        let root = Root::for_tests(dir.path(), Platform::Linux, meta.uid(), meta.gid());
        let open = |path: &Path, mode| fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
        let helper = dir.path().join("igloo-admin");
        fs::write(&helper, "a program").unwrap();
        open(&helper, 0o777);
        let words = |way: &Way| way.words_for(&root, &helper, Verb::Undo);
        let pkexec = Way::Pkexec("/usr/bin/pkexec".into());

        assert_eq!(words(&Way::Direct).unwrap().len(), 3);
        let problem = words(&pkexec).unwrap_err();
        assert_eq!(problem.code, Code::AdminFailed);
        let line = sudo_line(&helper, Verb::Undo).unwrap();
        assert!(problem.remedy.ends_with(&line) && problem.message.contains("root"), "{problem:?}");
        assert!(words(&Way::Osascript).unwrap().contains(&OsString::from(helper::INSTALL_SCRIPT)));

        let libexec = dir.path().join("usr/local/libexec");
        fs::create_dir_all(&libexec).unwrap();
        for folder in ["usr", "usr/local", "usr/local/libexec"] {
            open(&dir.path().join(folder), 0o755);
        }
        fs::write(libexec.join("igloo-admin"), "a program").unwrap();
        open(&libexec.join("igloo-admin"), 0o755);
        let installed = OsString::from(libexec.join("igloo-admin"));
        assert_eq!(words(&Way::Osascript).unwrap()[3..], [installed.clone(), "undo".into()]);
        assert_eq!(words(&pkexec).unwrap()[2..], [installed, "undo".into()]);
        // an older one is not what the user sees the plan of
        fs::write(libexec.join("igloo-admin"), "another program").unwrap();
        assert!(words(&pkexec).is_err());
    }

    #[test]
    fn a_way_that_is_not_there_is_a_failure() {
        let way = Way::Sudo("/nowhere/sudo".into());
        let Elevated::Failed(problem) = way.run(Path::new("/bin/igloo-admin"), Verb::Status) else {
            panic!("it ran")
        };
        assert_eq!(problem.code, Code::MissingTool);
        assert!(problem.message.starts_with("can't run /nowhere/sudo: "), "{problem}");
    }

    #[test]
    fn no_report_means_that_it_did_not_run() {
        let outcome = |stdout: &[u8], code| {
            let ended = Ended { code, stdout: stdout.to_vec(), ..Ended::default() };
            Way::Sudo("/usr/bin/sudo".into()).meaning(&ended).into_report()
        };
        assert_eq!(outcome(b"", Some(1)).unwrap_err().code, Code::NotAllowed);
        assert_eq!(outcome(b"", Some(127)).unwrap_err().code, Code::AdminFailed);
        assert_eq!(outcome(b"{", None).unwrap_err().code, Code::AdminFailed);
    }
}
