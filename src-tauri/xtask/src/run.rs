//! Other programs: run, waited for, and ended with us when the user interrupts.

use anyhow::{Context, Result, bail};
use std::{
    ffi::OsStr,
    io::Read,
    path::PathBuf,
    process::{Child, Command, ExitStatus, Stdio},
    sync::{Arc, LazyLock, atomic::AtomicBool, atomic::Ordering},
    thread,
    time::{Duration, Instant},
};

const POLL: Duration = Duration::from_millis(20);
/// How long a program that was asked to end may take before it is killed.
const GRACE: Duration = Duration::from_secs(20);

static INTERRUPTED: LazyLock<Arc<AtomicBool>> = LazyLock::new(Arc::default);

/// Let SIGINT, SIGTERM and SIGHUP end the program that runs at the moment, and then, through the
/// error that this gives, us: with everything undone that is registered to be.
pub fn catch_signals() -> Result<()> {
    for signal in [signal_hook::consts::SIGINT, signal_hook::consts::SIGTERM, signal_hook::consts::SIGHUP] {
        signal_hook::flag::register(signal, INTERRUPTED.clone()).context("registering a signal handler")?;
    }
    Ok(())
}

/// From here on run programs again, although there was an interrupt: those that clean up.
pub fn forget_interrupt() {
    INTERRUPTED.store(false, Ordering::Relaxed);
}

fn interrupted() -> bool {
    INTERRUPTED.load(Ordering::Relaxed)
}

/// A command without what `cargo run` says about xtask itself.
pub fn command(program: impl AsRef<OsStr>) -> Command {
    let mut command = Command::new(program);
    for (name, _) in std::env::vars_os() {
        let is_of_xtask = name.to_str().is_some_and(|name| {
            name.starts_with("CARGO_PKG_") || name.starts_with("CARGO_MANIFEST_") || name == "CARGO"
        });
        if is_of_xtask {
            command.env_remove(name);
        }
    }
    command
}

/// The words of a command, for messages.
pub fn describe(command: &Command) -> String {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    words.map(|word| word.to_string_lossy()).collect::<Vec<_>>().join(" ")
}

/// Run it, with our own output; anything but success is an error.
pub fn run(command: &mut Command) -> Result<()> {
    let mut child = spawn(command)?;
    check(command, wait(&mut child)?)
}

/// Run it and give what it wrote to its standard output; anything but success is an error.
pub fn capture(command: &mut Command) -> Result<String> {
    let mut child = spawn(command.stdout(Stdio::piped()))?;
    let reader = child.stdout.take().map(read_aside);
    let status = wait(&mut child)?;
    let text = reader.map(join).unwrap_or_default();
    check(command, status)?;
    Ok(text)
}

/// How a program ended and what it wrote.
pub struct Outcome {
    pub success: bool,
    pub stdout: String,
    pub stderr: String,
}

/// Run it quietly; a program that fails is no error.
pub fn outcome(command: &mut Command) -> Result<Outcome> {
    let mut child = spawn(command.stdout(Stdio::piped()).stderr(Stdio::piped()))?;
    let stdout = child.stdout.take().map(read_aside);
    let stderr = child.stderr.take().map(read_aside);
    let success = wait(&mut child)?.success();
    let text = |reader: Option<thread::JoinHandle<String>>| reader.map(join).unwrap_or_default();
    Ok(Outcome { success, stdout: text(stdout), stderr: text(stderr) })
}

/// Run it quietly and give its standard output; when it fails, what it said is the error.
pub fn outcome_or_error(command: &mut Command) -> Result<String> {
    let outcome = outcome(command)?;
    if !outcome.success {
        bail!("{} failed: {}", describe(command), outcome.stderr.trim());
    }
    Ok(outcome.stdout)
}

/// Start it.
pub fn spawn(command: &mut Command) -> Result<Child> {
    command.spawn().with_context(|| format!("starting {}", describe(command)))
}

/// Ask a program of ours to end, and kill it when it does not within [`GRACE`].
pub fn end(child: &mut Child) -> Result<()> {
    if child.try_wait()?.is_none() {
        let pid = rustix::process::Pid::from_child(child);
        // one that ended meanwhile is no error
        let _ = rustix::process::kill_process(pid, rustix::process::Signal::TERM);
    }
    let deadline = Instant::now() + GRACE;
    while child.try_wait()?.is_none() {
        if Instant::now() > deadline {
            child.kill()?;
            child.wait()?;
            return Ok(());
        }
        thread::sleep(POLL);
    }
    Ok(())
}

/// Look until there is something, at most `limit`.
pub fn wait_for<T>(what: &str, limit: Duration, mut look: impl FnMut() -> Result<Option<T>>) -> Result<T> {
    let deadline = Instant::now() + limit;
    loop {
        if let Some(found) = look()? {
            return Ok(found);
        }
        if interrupted() {
            bail!("interrupted");
        }
        if Instant::now() > deadline {
            bail!("waited {} s in vain for {what}", limit.as_secs());
        }
        thread::sleep(POLL);
    }
}

/// The program of this name on the PATH.
pub fn on_path(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).map(|dir| dir.join(name)).find(|file| file.is_file())
}

/// Whether we are root.
pub fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

fn wait(child: &mut Child) -> Result<ExitStatus> {
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(status);
        }
        if interrupted() {
            end(child)?;
            bail!("interrupted");
        }
        thread::sleep(POLL);
    }
}

fn check(command: &Command, status: ExitStatus) -> Result<()> {
    if interrupted() {
        bail!("interrupted");
    }
    if !status.success() {
        bail!("{status}: {}", describe(command));
    }
    Ok(())
}

fn read_aside(mut pipe: impl Read + Send + 'static) -> thread::JoinHandle<String> {
    thread::spawn(move || {
        let mut bytes = Vec::new();
        // what was read before an error is still worth showing
        let _ = pipe.read_to_end(&mut bytes);
        String::from_utf8_lossy(&bytes).into_owned()
    })
}

fn join(reader: thread::JoinHandle<String>) -> String {
    reader.join().unwrap_or_default()
}

/// The triple of this machine.
pub fn host_triple() -> Result<String> {
    let version = capture(command("rustc").arg("-vV"))?;
    version
        .lines()
        .find_map(|line| line.strip_prefix("host: "))
        .map(str::to_owned)
        .context("rustc names no host")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_names_the_command() {
        let error = run(&mut command("false")).unwrap_err();
        assert!(error.to_string().contains("false"), "{error}");
        assert!(run(&mut command("true")).is_ok());
    }

    #[test]
    fn both_outputs_are_kept_apart() {
        let made = outcome(command("sh").args(["-c", "echo out; echo err >&2; exit 3"])).unwrap();
        assert_eq!((made.success, made.stdout.as_str(), made.stderr.as_str()), (false, "out\n", "err\n"));
    }

    #[test]
    fn waiting_ends_at_the_deadline() {
        let error = wait_for("nothing", Duration::from_millis(1), || Ok(None::<()>)).unwrap_err();
        assert!(error.to_string().contains("nothing"), "{error}");
    }

    #[test]
    fn a_program_that_is_asked_to_end_ends() {
        let mut child = spawn(command("sleep").arg("1000")).unwrap();
        end(&mut child).unwrap();
        assert!(!child.wait().unwrap().success());
    }
}
