//! What the end of a run means.

use super::Way;
use super::osascript::{Dialog, dialog};
use igloo_protocol::plan::Report;
use igloo_protocol::{Code, Problem};
use std::os::unix::process::ExitStatusExt;
use std::process::Output;

/// How a run came out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Elevated {
    /// `igloo-admin` ran as root; what it did, or why it could not, is in its report.
    Done(Report),
    /// The user closed the question; nothing was changed.
    Cancelled,
    /// The right was not given; nothing was changed.
    NotAllowed(Problem),
    /// It did not run, or ended without a report.
    Failed(Problem),
}

impl Elevated {
    /// The report, where there is one.
    ///
    /// # Errors
    /// `Cancelled`, `NotAllowed`, or the cause of the failure.
    pub fn into_report(self) -> Result<Report, Problem> {
        match self {
            Elevated::Done(report) => Ok(report),
            Elevated::Cancelled => Err(Problem::new(
                Code::Cancelled,
                "the question for the administrator's right was closed, so nothing was changed",
                "try again and answer it, or run the command that `igloo setup --plan` prints",
            )),
            Elevated::NotAllowed(problem) | Elevated::Failed(problem) => Err(problem),
        }
    }
}

/// How a process ended, and what it printed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ended {
    /// Its exit code; `None` if a signal ended it.
    pub code: Option<i32>,
    /// The signal that ended it.
    pub signal: Option<i32>,
    /// Its standard output.
    pub stdout: Vec<u8>,
    /// Its standard error; empty where the user's terminal had it.
    pub stderr: Vec<u8>,
}

impl From<Output> for Ended {
    fn from(output: Output) -> Ended {
        let (code, signal) = (output.status.code(), output.status.signal());
        Ended { code, signal, stdout: output.stdout, stderr: output.stderr }
    }
}

/// SIGINT, on all platforms.
const INTERRUPT: i32 = 2;

impl Way {
    /// What an end means. A report counts before all else: it says that `igloo-admin` ran.
    pub fn meaning(&self, ended: &Ended) -> Elevated {
        if let Some(report) = report(&ended.stdout) {
            return Elevated::Done(report);
        }
        let stderr = String::from_utf8_lossy(&ended.stderr);
        match (self, ended.code) {
            _ if ended.signal == Some(INTERRUPT) || ended.code == Some(128 + INTERRUPT) => {
                Elevated::Cancelled
            }
            (Way::Osascript, _) => match dialog(&stderr) {
                Some(Dialog::Cancelled) => Elevated::Cancelled,
                Some(Dialog::Refused) => not_allowed("macOS did not give it"),
                Some(Dialog::NotShown) => can_not_ask("macOS can't ask for it here"),
                None => failed(ended, &stderr),
            },
            // pkexec(1), "RETURN VALUE"
            (Way::Pkexec(_), Some(126)) => Elevated::Cancelled,
            (Way::Pkexec(_), Some(127)) => refused_by_pkexec(&stderr),
            // sudo(8), "EXIT VALUE": 1 when authentication or its policy fails
            (Way::Sudo(_), Some(1)) if ended.stdout.is_empty() => not_allowed("sudo did not give it"),
            _ => failed(ended, &stderr),
        }
    }
}

/// The report, a line of its own. Through `osascript` words may stand around it.
fn report(stdout: &[u8]) -> Option<Report> {
    serde_json::from_slice(stdout).ok().or_else(|| {
        stdout.split(|b| *b == b'\n' || *b == b'\r').find_map(|line| serde_json::from_slice(line).ok())
    })
}

/// pkexec says why, and then that it was reported. Its words are never translated.
fn refused_by_pkexec(stderr: &str) -> Elevated {
    const REPORTED: &str = "This incident has been reported.";
    let why = said(stderr).rfind(|line| *line != REPORTED).unwrap_or("polkit did not give it");
    match why.strip_prefix("Error executing command as another user: ").unwrap_or(why) {
        why @ "Not authorized" => not_allowed(why),
        "No authentication agent found." => can_not_ask("no polkit agent runs that could ask for it"),
        why => can_not_ask(why),
    }
}

fn not_allowed(why: &str) -> Elevated {
    refused(why, "try again and give the password, or ask someone who is an administrator here")
}

fn can_not_ask(why: &str) -> Elevated {
    refused(why, "run the command that `igloo setup --plan` prints in a terminal")
}

fn refused(why: &str, remedy: &str) -> Elevated {
    let message = format!("the administrator's right was not given, so nothing was changed: {why}");
    Elevated::NotAllowed(Problem::new(Code::NotAllowed, message, remedy))
}

fn failed(ended: &Ended, stderr: &str) -> Elevated {
    let how = match (ended.code, ended.signal) {
        (Some(code), _) => format!("exit code {code}"),
        (None, Some(signal)) => format!("signal {signal}"),
        (None, None) => "a signal".into(),
    };
    let stdout = String::from_utf8_lossy(&ended.stdout);
    let said = last_line(stderr).or_else(|| last_line(&stdout)).map_or(String::new(), |l| format!(": {l}"));
    Elevated::Failed(Problem::new(
        Code::AdminFailed,
        format!("igloo-admin ended with {how} and without a report{said}"),
        "look at what it printed; `igloo-admin status` says what is in place",
    ))
}

fn last_line(text: &str) -> Option<&str> {
    said(text).next_back()
}

/// The lines that say something.
fn said(text: &str) -> impl DoubleEndedIterator<Item = &str> {
    text.lines().map(str::trim).filter(|line| !line.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;
    use igloo_protocol::plan::Outcome;

    #[derive(Debug, PartialEq)]
    enum Meant {
        Done,
        Cancelled,
        NotAllowed,
        Failed,
    }

    fn meant(way: &Way, code: Option<i32>, stdout: &str, stderr: &str) -> (Meant, String) {
        let ended = Ended { code, signal: None, stdout: stdout.into(), stderr: stderr.into() };
        match way.meaning(&ended) {
            Elevated::Done(_) => (Meant::Done, String::new()),
            Elevated::Cancelled => (Meant::Cancelled, String::new()),
            Elevated::NotAllowed(p) => {
                assert_eq!(p.code, Code::NotAllowed);
                (Meant::NotAllowed, p.message)
            }
            Elevated::Failed(p) => (Meant::Failed, p.message),
        }
    }

    #[test]
    fn every_end_has_its_meaning() {
        let (sudo, pkexec) = (Way::Sudo("/usr/bin/sudo".into()), Way::Pkexec("/usr/bin/pkexec".into()));
        let report = serde_json::to_string(&Report::new(Outcome::Undone)).unwrap();
        let mixed = format!("a warning\n{report}\nigloo-admin: it changed\n");
        for (way, code, stdout, stderr, expected, says) in [
            (&Way::Direct, Some(0), report.as_str(), "", Meant::Done, ""),
            (&Way::Direct, Some(51), &report, "", Meant::Done, ""),
            (&Way::Direct, Some(1), "", "", Meant::Failed, "exit code 1"),
            (&Way::Direct, None, "{", "", Meant::Failed, "a signal and without a report: {"),
            (&sudo, Some(0), &report, "", Meant::Done, ""),
            (&sudo, Some(1), "", "", Meant::NotAllowed, "sudo did not give it"),
            (&sudo, Some(130), "", "", Meant::Cancelled, ""),
            (&sudo, Some(127), "", "", Meant::Failed, "exit code 127"),
            (&pkexec, Some(52), &report, "words", Meant::Done, ""),
            (
                &pkexec,
                Some(126),
                "",
                "Error executing command as another user: Request dismissed\n",
                Meant::Cancelled,
                "",
            ),
            (
                &pkexec,
                Some(127),
                "",
                "Error executing command as another user: Not authorized\n\nThis incident has been reported.\n",
                Meant::NotAllowed,
                "changed: Not authorized",
            ),
            (
                &pkexec,
                Some(127),
                "",
                "Error executing command as another user: No authentication agent found.\n",
                Meant::NotAllowed,
                "no polkit agent",
            ),
            (
                &pkexec,
                Some(127),
                "",
                "Error getting authority: x\n",
                Meant::NotAllowed,
                "changed: Error getting",
            ),
            (&pkexec, Some(127), "", "", Meant::NotAllowed, "polkit did not give it"),
            (&pkexec, Some(1), "", "no helper", Meant::Failed, ": no helper"),
            (&Way::Osascript, Some(0), &mixed, "", Meant::Done, ""),
            (&Way::Osascript, Some(1), "", "execution error: User canceled. (-128)\n", Meant::Cancelled, ""),
            (
                &Way::Osascript,
                Some(1),
                "",
                "execution error: x (-60005)\n",
                Meant::NotAllowed,
                "did not give",
            ),
            (&Way::Osascript, Some(1), "", "execution error: x (-1713)\n", Meant::NotAllowed, "can't ask"),
            (
                &Way::Osascript,
                Some(0),
                "sh: /x: No such file or directory\n",
                "",
                Meant::Failed,
                "No such file",
            ),
        ] {
            let (what, message) = meant(way, code, stdout, stderr);
            assert_eq!(what, expected, "{way:?} {code:?} {stdout} {stderr}");
            assert!(message.contains(says), "{message}");
        }
    }

    #[test]
    fn an_interrupt_at_the_password_cancels() {
        let ended = Ended { signal: Some(2), ..Ended::default() };
        let elevated = Way::Sudo("/usr/bin/sudo".into()).meaning(&ended);
        assert_eq!(elevated, Elevated::Cancelled);
        assert_eq!(elevated.into_report().unwrap_err().code, Code::Cancelled);
    }
}
