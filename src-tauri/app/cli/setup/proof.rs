//! The proof of a setup: a real tiny build on it, by the host's own Nix.
//!
//! The derivation has no inputs and a value that never was before, so that it can be neither substituted nor
//! found. Local builds are off for it, so that a builder that can't be reached is not papered over.

use crate::cli::harmless::harmless;
use crate::setup::program;
use igloo_engine::known;
use igloo_protocol::{BuilderId, Code, Problem, System};
use serde::{Deserialize, Serialize};
use std::{
    process::Stdio,
    time::{Duration, Instant},
};
use tokio::process::Command;

/// How long one build may take; a guest under emulation is slow.
const PATIENCE: Duration = Duration::from_secs(300);

/// How many of Nix' last lines are shown.
const LAST: usize = 12;

/// What became of one build.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Proof {
    /// What was built for.
    pub system: System,
    /// The machine that built it, as Nix names it.
    pub machine: Option<String>,
    /// How long it took, in milliseconds.
    pub took_ms: u64,
    /// Why it failed.
    pub problem: Option<Problem>,
    /// What Nix said last, where it failed.
    pub last: Vec<String>,
}

/// Builds something tiny for `system` with the host's Nix.
pub async fn prove(builder: BuilderId, system: System) -> Proof {
    let start = Instant::now();
    let unique = format!("{}-{}", std::process::id(), nanos());
    let ran = run(&expression(system, &unique)).await;
    let took_ms = u64::try_from(start.elapsed().as_millis()).unwrap_or(u64::MAX);
    let proof = Proof { system, machine: None, took_ms, problem: None, last: Vec::new() };
    match ran {
        Err(problem) => Proof { problem: Some(problem), ..proof },
        Ok((built, stderr)) => {
            let log = Log::read(&stderr);
            let problem = (!built).then(|| cause(builder, system, &log.said));
            let last = if built { Vec::new() } else { log.last() };
            Proof { machine: log.machine, problem, last, ..proof }
        }
    }
}

fn nanos() -> u128 {
    std::time::UNIX_EPOCH.elapsed().map_or(0, |since| since.as_nanos())
}

/// The derivation. `/bin/sh` is the guest's own, which a sandbox has too; `echo` is built into it.
fn expression(system: System, unique: &str) -> String {
    format!(
        "derivation {{ name = \"igloo-proof\"; system = \"{}\"; builder = \"/bin/sh\"; \
         args = [ \"-c\" \"echo $proof > $out\" ]; proof = \"{unique}\"; \
         allowSubstitutes = false; preferLocalBuild = false; }}",
        system.as_str()
    )
}

async fn run(expression: &str) -> Result<(bool, String), Problem> {
    let mut nix = Command::new(program("nix-build"));
    nix.args(["--no-out-link", "--log-format", "internal-json", "--max-jobs", "0", "--expr", expression]);
    nix.stdin(Stdio::null()).kill_on_drop(true);
    let output = match tokio::time::timeout(PATIENCE, nix.output()).await {
        Ok(output) => output.map_err(|e| {
            Problem::new(
                Code::MissingTool,
                format!("can't run nix-build, so nothing is proven: {e}"),
                "put Nix on the path, then run `igloo setup` again",
            )
        })?,
        Err(_) => {
            return Err(failed(
                &format!("there is no result after {} s", PATIENCE.as_secs()),
                "look at the builder with `igloo status` and `igloo queue`",
            ));
        }
    };
    Ok((output.status.success(), String::from_utf8_lossy(&output.stderr).into_owned()))
}

/// What Nix said (`--log-format internal-json`; `src/libutil/logging.hh`).
#[derive(Debug, Default, PartialEq)]
struct Log {
    machine: Option<String>,
    said: Vec<String>,
}

#[derive(Deserialize)]
struct Event {
    action: String,
    #[serde(default)]
    r#type: u32,
    #[serde(default)]
    level: u32,
    #[serde(default)]
    msg: String,
    #[serde(default)]
    fields: Vec<serde_json::Value>,
}

/// `actBuild`: its fields are the derivation, and the machine or "" for a local build.
const BUILD: u32 = 105;
/// `lvlWarn`: what is at most this is an error or a warning.
const WARN: u32 = 1;

impl Log {
    fn read(stderr: &str) -> Log {
        let mut log = Log::default();
        for line in stderr.lines() {
            match line.strip_prefix("@nix ").map(serde_json::from_str::<Event>) {
                Some(Ok(e)) if e.action == "start" && e.r#type == BUILD => {
                    let machine = e.fields.get(1).and_then(|m| m.as_str()).filter(|m| !m.is_empty());
                    log.machine = machine.map(str::to_owned).or(log.machine);
                }
                Some(Ok(e)) if e.action == "msg" && e.level <= WARN => {
                    log.said.extend(harmless(&e.msg).lines().map(|l| l.trim().to_owned()));
                }
                Some(_) => {}
                // ssh's own words
                None => log.said.push(harmless(line)),
            }
        }
        log.said.retain(|line| !line.is_empty());
        log
    }

    fn last(&self) -> Vec<String> {
        self.said[self.said.len().saturating_sub(LAST)..].to_vec()
    }
}

fn cause(builder: BuilderId, system: System, said: &[String]) -> Problem {
    let known = known::explain(&said.join("\n")).into_iter().next();
    let problem = known.unwrap_or_else(|| {
        Problem::new(Code::ProofFailed, "the build itself failed", format!("look at `igloo log {builder}`"))
    });
    failed(&format!("{} is not built: {}", system.as_str(), problem.message), &problem.remedy)
}

fn failed(why: &str, remedy: &str) -> Problem {
    Problem::new(Code::ProofFailed, format!("Nix is set up, but {why}"), remedy)
}

#[cfg(test)]
mod tests {
    use super::*;

    const REFUSED: &str = r#"@nix {"action":"msg","level":3,"msg":"this derivation will be built:"}
ssh: connect to host 127.0.0.1 port 22: Connection refused
@nix {"action":"msg","level":0,"msg":"cannot build on 'x': \u001b[31;1merror:\u001b[0m failed to start SSH connection to '\u001b[35;1mx\u001b[0m'"}
@nix {"action":"msg","level":1,"msg":"Failed to find a machine for remote build!\nderivation: x"}
"#;

    #[test]
    fn the_machine_is_the_one_that_nix_names() {
        let log = Log::read(
            r#"@nix {"action":"start","fields":["/nix/store/x.drv","ssh-ng://builder@linux-builder",1,1],"id":1,"level":3,"text":"","type":105}"#,
        );
        assert_eq!(log.machine.as_deref(), Some("ssh-ng://builder@linux-builder"));
        let local =
            Log::read(r#"@nix {"action":"start","fields":["/x.drv","",1,1],"id":1,"level":3,"type":105}"#);
        assert_eq!(local, Log::default());
    }

    #[test]
    fn the_cause_is_the_nearest_to_the_root() {
        let log = Log::read(REFUSED);
        assert_eq!(log.said[1], "cannot build on 'x': error: failed to start SSH connection to 'x'");
        let problem = cause(BuilderId::X86_64, System::X86_64Linux, &log.said);
        assert_eq!(problem.code, Code::ProofFailed);
        assert!(problem.message.ends_with("nothing listens on the builder's port"), "{problem}");
        assert_eq!(log.last().len(), 4);
        let other = cause(BuilderId::X86_64, System::X86_64Linux, &["?".into()]);
        assert!(other.message.ends_with("the build itself failed"), "{other}");
    }

    #[test]
    fn every_derivation_is_new() {
        assert!(expression(System::X86_64Linux, "7-1").contains("proof = \"7-1\""));
    }
}
