//! An Igloo of its own.

use super::{PATIENCE, Sandbox, alive, kill, processes_with, tiny_image, wait_for};
use igloo_protocol::{BuilderId, BuilderView, Phase, Problem, Snapshot};
use std::{
    fs,
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
};

const IGLOO: &str = env!("CARGO_BIN_EXE_igloo");

/// What a command printed, and how it ended.
pub struct Run {
    pub code: i32,
    pub out: String,
    pub err: String,
}

impl Run {
    pub fn of(output: Output) -> Run {
        Run {
            code: output.status.code().unwrap_or(-1),
            out: String::from_utf8_lossy(&output.stdout).into_owned(),
            err: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }

    #[track_caller]
    pub fn ok(self) -> Run {
        assert_eq!(self.code, 0, "out: {}\nerr: {}", self.out, self.err);
        self
    }

    /// It failed with this problem's exit code, and said what to do.
    #[track_caller]
    pub fn failed(self, code: igloo_protocol::Code) -> Run {
        assert_eq!(
            self.code,
            i32::from(code.exit_code()),
            "wanted {code:?}; out: {}\nerr: {}",
            self.out,
            self.err
        );
        assert!(self.err.contains("error:") && self.err.contains("→"), "cause and remedy: {}", self.err);
        self
    }
}

/// An Igloo of its own: folders, settings, and the engine while it runs.
pub struct Home {
    dir: tempfile::TempDir,
    engine: Option<Child>,
    sandbox: Option<Sandbox>,
    session: Vec<(&'static str, String)>,
}

impl Home {
    /// With the image that boots quickly, a small native builder, and a free port.
    pub fn new() -> Home {
        Home::with("")
    }

    /// The same, in a mount namespace with an `/etc` and a `/nix` of its own.
    pub fn in_sandbox() -> Home {
        Home::in_sandbox_with("IGLOO_TEST_NIX")
    }

    /// The same with the Nix in the folder that a variable names.
    pub fn in_sandbox_with(nix: &str) -> Home {
        let mut home = Home::with("");
        home.sandbox = Some(Sandbox::new(home.path(), nix));
        home
    }

    /// With more lines for the native builder's section of the settings.
    pub fn with(more: &str) -> Home {
        let dir = tempfile::Builder::new().prefix("igloo-").tempdir().unwrap();
        fs::create_dir_all(dir.path().join("config")).unwrap();
        let home = Home { dir, engine: None, sandbox: None, session: vec![] };
        let image =
            if more.starts_with("image =") { String::new() } else { format!("image = {:?}\n", tiny_image()) };
        let settings = format!(
            "keychain = false\n[builders.x86_64]\nport = {}\ncores = 1\nmemory = 1024\ndisk = 10\naccel = \"tcg\"\n{image}{more}",
            free_port()
        );
        fs::write(home.settings_file(), settings).unwrap();
        home
    }

    /// Puts it into a desktop session with these variables, and no other.
    pub fn join(&mut self, session: Vec<(&'static str, String)>) {
        self.session = session;
    }

    pub fn path(&self) -> &Path {
        self.dir.path()
    }

    pub fn settings_file(&self) -> PathBuf {
        self.path().join("config/settings.toml")
    }

    pub fn builder_dir(&self, id: BuilderId) -> PathBuf {
        self.path().join("state/builders").join(id.as_str())
    }

    /// A command with this Igloo's environment, in its sandbox where it has one.
    pub fn command(&self, program: impl AsRef<Path>) -> Command {
        let mut command = match &self.sandbox {
            Some(sandbox) => sandbox.command(program.as_ref()),
            None => Command::new(program.as_ref()),
        };
        command.env("IGLOO_HOME", self.path()).env("NO_COLOR", "1").stdin(Stdio::null());
        // the tester's own keychain is none of a test's business
        command.env_remove("DBUS_SESSION_BUS_ADDRESS").env_remove("XDG_RUNTIME_DIR");
        command.envs(self.session.iter().map(|(name, value)| (name, value)));
        command
    }

    /// The sandbox, to change what runs in it.
    pub fn sandbox_mut(&mut self) -> &mut Sandbox {
        self.sandbox.as_mut().expect("made with in_sandbox")
    }

    /// The sandbox.
    pub fn sandbox(&self) -> &Sandbox {
        self.sandbox.as_ref().expect("made with in_sandbox")
    }

    /// Runs `igloo` with these arguments.
    pub fn igloo(&self, args: &[&str]) -> Run {
        Run::of(self.command("timeout").args(["300", IGLOO]).args(args).output().unwrap())
    }

    /// Starts the engine, and waits until it answers.
    pub fn serve(&mut self) -> u32 {
        let log =
            fs::OpenOptions::new().create(true).append(true).open(self.path().join("engine.log")).unwrap();
        let child = self
            .command(IGLOO)
            .arg("serve")
            .env("IGLOO_LOG", "debug")
            .stdout(log.try_clone().unwrap())
            .stderr(log)
            .spawn()
            .unwrap();
        let pid = child.id();
        self.engine = Some(child);
        wait_for("the engine", PATIENCE, || {
            if let Some(end) = self.engine.as_mut().unwrap().try_wait().unwrap() {
                panic!("the engine ended with {end}: {}", self.engine_log());
            }
            (self.igloo(&["status"]).code == 0).then_some(())
        });
        pid
    }

    pub fn engine_log(&self) -> String {
        fs::read_to_string(self.path().join("engine.log")).unwrap_or_default()
    }

    /// Ends the engine as a crash would.
    pub fn kill_engine(&mut self) {
        let mut engine = self.engine.take().unwrap();
        engine.kill().unwrap();
        engine.wait().unwrap();
    }

    /// Ends the engine as a signal would; how it ended.
    pub fn end_engine(&mut self) -> i32 {
        let mut engine = self.engine.take().unwrap();
        let pid = rustix::process::Pid::from_child(&engine);
        rustix::process::kill_process(pid, rustix::process::Signal::TERM).unwrap();
        engine.wait().unwrap().code().unwrap_or(-1)
    }

    /// A home whose native builder is ready.
    pub fn ready() -> Home {
        let mut home = Home::new();
        home.serve();
        home.igloo(&["start"]).ok();
        home
    }

    pub fn snapshot(&self) -> Snapshot {
        let run = self.igloo(&["status", "--json"]).ok();
        serde_json::from_str(&run.out).unwrap_or_else(|e| panic!("{e}: {}", run.out))
    }

    /// The native builder as it is shown.
    pub fn builder(&self) -> BuilderView {
        self.snapshot().builder(BuilderId::X86_64).unwrap().clone()
    }

    /// The process of the native builder's machine.
    pub fn qemu(&self) -> u32 {
        self.builder().running.expect("a machine runs").pid
    }

    /// Waits until the native builder failed; why.
    pub fn failure(&self) -> Problem {
        wait_for("a failure", PATIENCE, || match self.builder().phase {
            Phase::Failed { problem } => Some(problem),
            _ => None,
        })
    }

    /// Runs a command in the guest, as the user's terminal does.
    pub fn in_guest(&self, command: &str) -> Run {
        self.igloo(&["ssh", "x86_64", "--", command])
    }

    /// Nothing of this Igloo runs but its engine, and no file is half-made.
    #[track_caller]
    pub fn assert_nothing_left(&self) {
        let home = self.path().to_string_lossy().into_owned();
        wait_for("no machine to be left", PATIENCE, || {
            processes_with(&home).iter().all(|(_, line)| !line.contains("qemu")).then_some(())
        });
        let left_over = |file: &PathBuf| {
            let name = file.file_name().unwrap().to_string_lossy().into_owned();
            name.starts_with(".tmp")
                || name.ends_with(".partial")
                || name == "vm.json"
                || name == "ephemeral.qcow2"
        };
        let odd = || files_below(self.path()).into_iter().filter(left_over).collect::<Vec<_>>();
        // an engine that has just begun shows a builder before it has looked for its machine
        wait_for("the last files to go", PATIENCE, || odd().is_empty().then_some(()));
    }
}

impl Drop for Home {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("--- engine log\n{}", self.engine_log());
            let console = fs::read(self.path().join("run/x86_64/console.log")).unwrap_or_default();
            eprintln!("--- console\n{}", String::from_utf8_lossy(&console));
        }
        if let Some(mut engine) = self.engine.take() {
            let _ = engine.kill();
            let _ = engine.wait();
        }
        let home = self.path().to_string_lossy().into_owned();
        for (pid, line) in processes_with(&home) {
            if line.contains("qemu-system") && alive(pid) {
                kill(pid);
            }
        }
    }
}

/// Every file below a folder.
pub fn files_below(dir: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(dir).into_iter().flatten().flatten().map(|e| e.path());
    entries.flat_map(|p| if p.is_dir() && !p.is_symlink() { files_below(&p) } else { vec![p] }).collect()
}

/// A loopback port that is free now.
pub fn free_port() -> u16 {
    std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}
