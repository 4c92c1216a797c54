//! Killing a child process before each of its effects, and looking at what is left.

use super::{Sandbox, hash};
use igloo_admin::{Platform, undo};
use igloo_protocol::plan::{Change, Receipt, Sha256};
use std::collections::{BTreeMap, BTreeSet};
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::{env, fs};

type Tree = BTreeMap<PathBuf, String>;

const SCENARIO: &str = "IGLOO_CRASH_SCENARIO";
const ROOT: &str = "IGLOO_CRASH_ROOT";
const STEP: &str = "IGLOO_CRASH_STEP";

/// Something that is killed at every step.
pub struct Scenario {
    pub name: &'static str,
    pub platform: Platform,
    /// Makes the system as it was before Igloo.
    pub system: fn(Platform) -> Sandbox,
    /// What is in place before the run that is killed.
    pub base: fn(&Sandbox),
    /// What is killed.
    pub run: fn(&Sandbox),
    /// What has to work after the kill.
    pub again: fn(&Sandbox),
}

static STEPS: AtomicUsize = AtomicUsize::new(0);
static LAST: AtomicUsize = AtomicUsize::new(usize::MAX);

/// Kills this process before the effect whose number the parent said.
fn watch(_: &'static str) {
    if STEPS.fetch_add(1, Ordering::SeqCst) + 1 == LAST.load(Ordering::SeqCst) {
        let _ = rustix::process::kill_process(rustix::process::getpid(), rustix::process::Signal::KILL);
    }
}

/// What the child process does.
pub fn child(scenarios: &[Scenario]) {
    let Some(name) = env::var_os(SCENARIO) else { return };
    let scenario = scenarios.iter().find(|s| name == s.name).unwrap();
    let (root, step) = (env::var_os(ROOT).unwrap(), env::var(STEP).unwrap().parse().unwrap());
    let mut sandbox = Sandbox::under(Path::new(&root), scenario.platform);
    sandbox.root = sandbox.root.watched(watch);
    LAST.store(step, Ordering::SeqCst);
    (scenario.run)(&sandbox);
}

/// Kills the run before its first effect, its second, and so on until it comes to its end.
pub fn survives(scenario: &Scenario) {
    let system = (scenario.system)(scenario.platform);
    let original = relative(&system);
    (scenario.base)(&system);
    let complete = system.copy();
    (scenario.again)(&complete);
    let seen = Seen { original, wanted: picture(&complete), base: picture(&system) };
    for step in 1.. {
        let killed = system.copy();
        if !run_child(scenario, &killed, step) {
            assert!(step > 20, "only {step} steps: the watch is not told");
            return;
        }
        seen.everything_is_whole(&killed, step);
        let (undone, again) = (killed.copy(), killed);
        seen.undo_restores(&undone, step);
        (scenario.again)(&again);
        assert_eq!(picture(&again), seen.wanted, "{} again after step {step}", scenario.name);
        seen.undo_restores(&again, step);
    }
}

/// Says whether the child was killed, and not at its end.
fn run_child(scenario: &Scenario, sandbox: &Sandbox, step: usize) -> bool {
    let output = Command::new(env::current_exe().unwrap())
        .args(["--exact", "child", "--nocapture"])
        .env(SCENARIO, scenario.name)
        .env(ROOT, sandbox.path("."))
        .env(STEP, step.to_string())
        .output()
        .unwrap();
    let killed = output.status.signal() == Some(9);
    assert!(killed || output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
    killed
}

/// The system before Igloo, before the run that is killed, and as it is to be in the end.
struct Seen {
    original: Tree,
    base: Tree,
    wanted: Tree,
}

impl Seen {
    /// Every file has its old or its new bytes, permissions and owner. What the next run sweeps is not looked at.
    fn everything_is_whole(&self, s: &Sandbox, step: usize) {
        let written = receipt(s).map(|r| hashes(&r)).unwrap_or_default();
        for (path, line) in
            relative(s).iter().filter(|(path, _)| !path.to_string_lossy().contains("/.igloo-"))
        {
            let known = || [&self.original, &self.base, &self.wanted].into_iter().filter_map(|t| t.get(path));
            let context = || format!("after step {step} {} is {line}", path.display());
            assert!(known().any(|l| rights(l) == rights(line)), "{}", context());
            if content(line).is_empty() || path.ends_with("receipt.json") {
                continue;
            }
            let bytes = fs::read(s.path(".").join(path)).unwrap();
            let whole = written.contains(&hash(&bytes)) || known().any(|l| content(l) == content(line));
            assert!(whole, "{}", context());
        }
    }

    fn undo_restores(&self, s: &Sandbox, step: usize) {
        let report = undo(&s.root);
        assert_eq!(report.problem, None, "undo after step {step}: {report:?}");
        assert_eq!(relative(s), self.original, "undo after step {step}");
    }
}

/// The tree by paths from its top.
fn relative(s: &Sandbox) -> Tree {
    let top = s.path("");
    s.tree().into_iter().map(|(path, line)| (path.strip_prefix(&top).unwrap().into(), line)).collect()
}

fn rights(line: &str) -> String {
    line.split(' ').take(2).collect::<Vec<_>>().join(" ")
}

fn content(line: &str) -> &str {
    line.splitn(4, ' ').nth(3).unwrap_or_default()
}

/// What was changed, if anything; it must parse.
fn receipt(s: &Sandbox) -> Option<Receipt> {
    let folders = ["var/lib/igloo", "private/var/db/igloo"];
    let path = folders.map(|f| s.path(f).join("receipt.json")).into_iter().find(|p| p.exists())?;
    Some(serde_json::from_slice(&fs::read(path).unwrap()).unwrap())
}

fn hashes(receipt: &Receipt) -> Vec<Sha256> {
    let after = |change: &Change| match change {
        Change::File { after, .. } => Some(after.clone()),
        Change::Folder(_) => None,
    };
    receipt.changes.iter().filter_map(after).collect()
}

/// The tree without what differs from run to run: times, the keys (which must fit each other), and the
/// receipt (which must parse).
fn picture(s: &Sandbox) -> Tree {
    receipt(s);
    let mut keys = BTreeSet::new();
    let mut tree = relative(s);
    for (path, line) in &mut tree {
        let full = s.path(".").join(path);
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let same = match name.as_str() {
            "igloo_builder_ed25519" => {
                keys.insert(public_half(&full));
                "a key"
            }
            "igloo_builder_ed25519.pub" => {
                keys.insert(fs::read_to_string(full).unwrap().trim().to_owned());
                "its public half"
            }
            "receipt.json" => "a receipt",
            _ => content(line),
        };
        *line = format!("{} - {same}", rights(line));
    }
    assert!(keys.len() < 2, "the halves of the key do not fit: {keys:?}");
    tree
}

fn public_half(private: &Path) -> String {
    let output =
        Command::new("/usr/bin/ssh-keygen").args(["-y", "-P", "", "-f"]).arg(private).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}
