//! The command that runs `igloo-admin` as root, and what came of it. Pure: the caller runs it.

use crate::wire::encode;
use igloo_protocol::plan::{Plan, Report};
use igloo_protocol::{Code, Problem};
use std::ffi::OsString;
use std::path::Path;

const SUDO: &str = "/usr/bin/sudo";

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

/// The exact words to run in a terminal: `igloo-admin` itself when already root, else through `sudo`,
/// which asks for the password. Standard input and error belong to the user; standard output is for
/// [`outcome`].
///
/// # Errors
/// `Usage` if `helper` is not an absolute path (sudo would look for it in `PATH`) or the plan is too long.
pub fn command(helper: &Path, verb: Verb<'_>, is_root: bool) -> Result<Vec<OsString>, Problem> {
    if !helper.is_absolute() {
        return Err(Problem::new(
            Code::Usage,
            format!("The path of igloo-admin is not absolute: {}", helper.display()),
            "Install Igloo as a whole, so that igloo-admin lies beside it",
        ));
    }
    let mut words: Vec<OsString> = if is_root { vec![] } else { vec![SUDO.into(), "--".into()] };
    words.push(helper.into());
    match verb {
        Verb::Apply(plan) => words.extend(["apply".into(), encode(plan)?.into()]),
        Verb::Undo => words.push("undo".into()),
        Verb::Status => words.push("status".into()),
    }
    Ok(words)
}

/// The command as a line to paste into a shell.
pub fn shell_line(words: &[OsString]) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "+-./=_".contains(c);
    let quote = |word: &OsString| {
        let word = word.to_string_lossy();
        let safe = !word.is_empty() && word.chars().all(plain);
        if safe { word.into_owned() } else { format!("'{}'", word.replace('\'', r"'\''")) }
    };
    words.iter().map(quote).collect::<Vec<_>>().join(" ")
}

/// What a run came to, from its standard output and exit code (`None`: ended by a signal).
///
/// # Errors
/// Where `igloo-admin` said nothing it did not run: `NotAllowed` when sudo refused, else `AdminFailed`.
pub fn outcome(stdout: &[u8], exit_code: Option<i32>) -> Result<Report, Problem> {
    if let Ok(report) = serde_json::from_slice(stdout) {
        return Ok(report);
    }
    // sudo(8): 1 when authentication or its policy fails
    if exit_code == Some(1) && stdout.is_empty() {
        return Err(Problem::new(
            Code::NotAllowed,
            "The administrator's right was not given, so nothing was changed",
            "Try again and give the password, or ask someone who may use sudo",
        ));
    }
    let how = exit_code.map_or("a signal".into(), |code| format!("exit code {code}"));
    Err(Problem::new(
        Code::AdminFailed,
        format!("igloo-admin ended with {how} and without a report"),
        "Look at what it printed; `igloo-admin status` says what is in place",
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use igloo_protocol::plan::Outcome;

    fn words(verb: Verb<'_>, is_root: bool) -> Vec<String> {
        let words = command(Path::new("/opt/my igloo/igloo-admin"), verb, is_root).unwrap();
        words.into_iter().map(|w| w.into_string().unwrap()).collect()
    }

    #[test]
    fn root_runs_it_itself_and_others_through_sudo() {
        let plan = Plan::from_json(br#"{"version":1,"ops":["builder_key"],"files":[]}"#).unwrap();
        let code = encode(&plan).unwrap();
        assert_eq!(words(Verb::Undo, true), ["/opt/my igloo/igloo-admin", "undo"]);
        let sudo = words(Verb::Apply(&plan), false);
        assert_eq!(sudo, ["/usr/bin/sudo", "--", "/opt/my igloo/igloo-admin", "apply", &code]);
        assert_eq!(command(Path::new("igloo-admin"), Verb::Status, false).unwrap_err().code, Code::Usage);
    }

    #[test]
    fn the_line_to_paste_survives_a_shell() {
        let words = ["/a b/it's", "x;rm", "", "YQ=="].map(OsString::from);
        assert_eq!(shell_line(&words), r"'/a b/it'\''s' 'x;rm' '' YQ==");
    }

    #[test]
    fn no_report_means_that_it_did_not_run() {
        assert_eq!(outcome(b"", Some(1)).unwrap_err().code, Code::NotAllowed);
        assert_eq!(outcome(b"", Some(127)).unwrap_err().code, Code::AdminFailed);
        assert_eq!(outcome(b"{", None).unwrap_err().code, Code::AdminFailed);
        let report = serde_json::to_vec(&Report::new(Outcome::Undone)).unwrap();
        assert_eq!(outcome(&report, Some(0)).unwrap().outcome, Outcome::Undone);
    }
}
