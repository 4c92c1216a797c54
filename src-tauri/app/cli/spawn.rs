//! Starting an engine in the background.

use super::{context::Context, print};
use igloo_engine::host::paths::{cannot, private_dir};
use igloo_protocol::{Code, Problem};
use std::{
    fs::{self, File},
    io,
    path::Path,
    process::{Child, Command, ExitStatus, Stdio},
    time::{Duration, Instant},
};

/// How long an engine may take until it answers.
const ANSWERS: Duration = Duration::from_secs(20);

/// How often it is asked.
const POLL: Duration = Duration::from_millis(50);

/// The size at which an engine's log is set aside before the next engine, in bytes.
const LOG_MAX: u64 = 1 << 20;

/// Starts an engine in the background, unless one runs, and waits until it answers.
///
/// # Errors
/// The problem with which an engine ends at once; [`Code::EngineFailed`] for one that does not answer.
pub async fn engine(context: &Context) -> Result<(), Problem> {
    match context.client.snapshot().await {
        Ok(_) => return Ok(()),
        Err(p) if p.code == Code::NoEngine => {}
        Err(p) => return Err(p),
    }
    let log = context.paths.engine_log();
    let mut child = spawn(&log)?;
    let deadline = Instant::now() + ANSWERS;
    loop {
        if context.client.snapshot().await.is_ok() {
            print::note(&format!("the engine runs in the background; its log is {}", log.display()));
            return Ok(());
        }
        let ended = child.try_wait().map_err(|e| cannot("wait for", &log, &e))?;
        // another engine won the race: that one will answer
        let ended = ended.filter(|s| s.code() != Some(Code::EngineRunning.exit_code().into()));
        if ended.is_some() || Instant::now() > deadline {
            // an engine that nobody can talk to must not stay; one that has ended can't be ended again
            let _ = child.kill().and_then(|()| child.wait());
            return Err(failed(ended, &log));
        }
        tokio::time::sleep(POLL).await;
    }
}

fn spawn(log: &Path) -> Result<Child, Problem> {
    let cannot_start = |e: io::Error| {
        let message = format!("can't start an engine: {e}");
        Problem::new(Code::EngineFailed, message, "run `igloo serve` in another terminal")
    };
    let exe = std::env::current_exe().map_err(cannot_start)?;
    let out = open_log(log)?;
    let err = out.try_clone().map_err(cannot_start)?;
    let mut command = Command::new(exe);
    command.args(["serve", "--detached"]).stdin(Stdio::null()).stdout(out).stderr(err);
    // it must not keep the folder busy in which the user happens to be
    command.current_dir("/").spawn().map_err(cannot_start)
}

fn open_log(log: &Path) -> Result<File, Problem> {
    if let Some(dir) = log.parent() {
        private_dir(dir)?;
    }
    if fs::metadata(log).is_ok_and(|m| m.len() > LOG_MAX) {
        fs::rename(log, log.with_extension("log.1")).map_err(|e| cannot("set aside", log, &e))?;
    }
    File::options().create(true).append(true).open(log).map_err(|e| cannot("write", log, &e))
}

fn failed(ended: Option<ExitStatus>, log: &Path) -> Problem {
    let how = match ended {
        Some(status) => format!("the engine ended at once ({status})"),
        None => format!("the engine does not answer within {} s", ANSWERS.as_secs()),
    };
    let text = fs::read(log).unwrap_or_default();
    let last = last_words(&String::from_utf8_lossy(&text));
    let message = if last.is_empty() { how } else { format!("{how}: {last}") };
    Problem::new(code(ended), message, format!("read its log, {}", log.display()))
}

/// The kind of the problem that an engine ended with.
fn code(ended: Option<ExitStatus>) -> Code {
    let exit = ended.and_then(|status| u8::try_from(status.code()?).ok());
    Code::ALL.iter().copied().find(|c| Some(c.exit_code()) == exit).unwrap_or(Code::EngineFailed)
}

/// The engine's problem at the end of its log, else its last line.
fn last_words(log: &str) -> String {
    let lines: Vec<_> = log.lines().filter(|l| !l.trim().is_empty()).collect();
    let error = lines.iter().rev().take(4).find_map(|l| l.strip_prefix("error: "));
    error.or(lines.last().copied()).unwrap_or_default().trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_words_are_the_problem() {
        assert_eq!(last_words("x\nerror: no room\n  → make room\n"), "no room");
        assert_eq!(last_words("one\ntwo\n\n"), "two");
        assert_eq!(last_words(""), "");
    }

    #[test]
    fn a_long_log_is_set_aside() {
        let t = tempfile::tempdir().unwrap();
        let log = t.path().join("state/engine.log");
        drop(open_log(&log).unwrap());
        fs::write(&log, vec![b'x'; LOG_MAX as usize + 1]).unwrap();
        drop(open_log(&log).unwrap());
        assert_eq!(fs::metadata(&log).unwrap().len(), 0);
        assert_eq!(fs::metadata(t.path().join("state/engine.log.1")).unwrap().len(), LOG_MAX + 1);
    }
}
