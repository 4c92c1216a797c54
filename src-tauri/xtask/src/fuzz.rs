//! `cargo xtask fuzz`: the laws of what `igloo-admin` reads, for texts that libFuzzer makes up.
//!
//! What `cargo fuzz` does with a nightly compiler takes here a stable one and no tool: the compiler's own
//! pass marks the code with counters, and libFuzzer comes as a crate. No sanitizer is needed where
//! nothing is `unsafe`: what is looked for are panics, hangs and broken laws.

use crate::{cache, project::Project, run};
use anyhow::{Context, Result, bail};
use std::{fs, path::Path, path::PathBuf, process::Command};

/// The targets: the functions of `igloo_admin::fuzzing`.
const TARGETS: [&str; 4] = ["nix_conf", "machines", "ssh_conf", "plan"];

/// What marks the code: what `cargo fuzz build --sanitizer none` passes, one level of coverage less.
const FLAGS: &str = "-Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=3 \
    -Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table \
    -Cllvm-args=-sanitizer-coverage-trace-compares --cfg fuzzing";

/// Executions of a target where nothing else is asked for: seconds.
const RUNS: u64 = 20_000;
/// The longest text, in bytes.
const MAX_LEN: u32 = 4096;
/// A text that takes longer, in seconds, is a failure.
const HANG: u32 = 20;

#[derive(clap::Args)]
pub struct Options {
    /// Run this target alone (may be given several times)
    #[arg(long, value_parser = TARGETS)]
    target: Vec<String>,
    /// Executions of each target
    #[arg(long, default_value_t = RUNS)]
    runs: u64,
    /// Where the random numbers start; the same ones and an empty corpus give the same run. Without it each run
    /// is another one and goes on from the texts that those before found
    #[arg(long)]
    seed: Option<u32>,
}

impl Options {
    /// A short run that is always the same one.
    pub fn short() -> Options {
        Options { target: Vec::new(), runs: RUNS, seed: Some(1) }
    }

    fn wants(&self, target: &str) -> bool {
        self.target.is_empty() || self.target.iter().any(|wanted| wanted == target)
    }
}

/// Build the targets and run each.
///
/// # Errors
/// A law is broken; the text that breaks it is in a file that is named.
pub fn run(project: &Project, options: &Options) -> Result<()> {
    let fuzz = Fuzz { dir: project.root.join("src-tauri/admin/fuzz"), target: project.target.join("fuzz") };
    let host = run::host_triple()?;
    run::run(&mut fuzz.build(&host))?;
    for target in TARGETS.into_iter().filter(|target| options.wants(target)) {
        let kept = if options.seed.is_some() { "corpus-of-a-seed" } else { "corpus" };
        let corpus = fuzz.target.join(kept).join(target);
        if options.seed.is_some() {
            cache::remove(&corpus)?;
        }
        fs::create_dir_all(&corpus).with_context(|| format!("making {}", corpus.display()))?;
        let run = run::outcome(&mut fuzz.command(&host, target, &corpus, options))?;
        if !run.success {
            bail!("{target} failed:\n{}", run.stderr);
        }
        println!("{target}: {}", summary(&run.stderr));
    }
    Ok(())
}

struct Fuzz {
    /// The crate, a workspace of its own.
    dir: PathBuf,
    /// Its target folder: other flags, so nothing to share.
    target: PathBuf,
}

impl Fuzz {
    fn build(&self, host: &str) -> Command {
        let mut build = run::command("cargo");
        // with a target named, what runs while building is not marked
        build.args(["build", "--release", "--locked", "--target", host]).current_dir(&self.dir);
        build.arg("--target-dir").arg(&self.target);
        build.env("RUSTFLAGS", FLAGS).env_remove("CARGO_ENCODED_RUSTFLAGS").env_remove("CARGO_TARGET_DIR");
        build
    }

    fn command(&self, host: &str, target: &str, corpus: &Path, options: &Options) -> Command {
        let mut command = run::command(self.target.join(host).join("release").join(target));
        command.arg(corpus).arg(self.dir.join("seeds").join(target));
        command.arg(format!("-runs={}", options.runs));
        command.arg(format!("-max_len={MAX_LEN}")).arg(format!("-timeout={HANG}"));
        command.arg(format!("-dict={}", self.dir.join("words.dict").display()));
        command.arg(format!("-artifact_prefix={}/{target}-", self.target.display()));
        command.args(["-verbosity=0", "-print_final_stats=1"]);
        command.args(options.seed.map(|seed| format!("-seed={seed}")));
        command
    }
}

/// What libFuzzer counted.
fn summary(stderr: &str) -> String {
    let stat = |name: &str| {
        let lines = stderr.lines().filter_map(|line| line.strip_prefix("stat::")?.split_once(':'));
        lines
            .filter(|(found, _)| *found == name)
            .map(|(_, value)| value.trim())
            .next()
            .unwrap_or("?")
            .to_owned()
    };
    format!(
        "{} executions, {} texts that reached something new",
        stat("number_of_executed_units"),
        stat("new_units_added")
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_targets_are_those_of_the_crate() {
        let dir = crate::project::root().unwrap().join("src-tauri/admin/fuzz");
        let names = |folder: &str| {
            let entries = fs::read_dir(dir.join(folder)).unwrap().map(|e| e.unwrap().path());
            let mut names: Vec<_> =
                entries.map(|p| p.file_stem().unwrap().to_str().unwrap().to_owned()).collect();
            names.sort();
            names
        };
        let mut targets = TARGETS;
        targets.sort_unstable();
        assert_eq!(names("fuzz_targets"), targets);
        assert_eq!(names("seeds"), targets);
    }

    #[test]
    fn the_summary_is_of_libfuzzers_counts() {
        let stderr = "x\nstat::number_of_executed_units: 20000\nstat::new_units_added:          44\n";
        assert_eq!(summary(stderr), "20000 executions, 44 texts that reached something new");
        assert_eq!(summary(""), "? executions, ? texts that reached something new");
    }
}
