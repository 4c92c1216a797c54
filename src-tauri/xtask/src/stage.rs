//! A command as a row of named stages: a headline each, and the times at the end.

use anyhow::{Context, Result, anyhow};
use std::{
    fmt::Write,
    time::{Duration, Instant},
};

/// How a stage ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    Passed,
    Failed,
}

struct Done {
    name: &'static str,
    time: Duration,
    end: End,
}

/// The stages that have run.
#[derive(Default)]
pub struct Stages {
    done: Vec<Done>,
    only: Vec<String>,
    keep_going: bool,
}

impl Stages {
    /// Stages of which `only` these are to run (all when empty), those after a failed one too if
    /// `keep_going`.
    pub fn new(only: Vec<String>, keep_going: bool) -> Stages {
        Stages { done: Vec::new(), only, keep_going }
    }

    /// Run a stage. `None`: it was not asked for, or it failed and the rest is to run.
    pub fn run<T>(&mut self, name: &'static str, stage: impl FnOnce() -> Result<T>) -> Result<Option<T>> {
        if !self.only.is_empty() && !self.only.iter().any(|only| only == name) {
            return Ok(None);
        }
        println!("\n== {name}");
        let start = Instant::now();
        let result = stage();
        let end = if result.is_ok() { End::Passed } else { End::Failed };
        self.done.push(Done { name, time: start.elapsed(), end });
        match result {
            Ok(made) => Ok(Some(made)),
            Err(error) => {
                eprintln!("== {name} failed: {error:#}");
                if self.keep_going { Ok(None) } else { Err(anyhow!("stage {name} failed")) }
            }
        }
    }

    /// Run a stage whose result the following ones need.
    pub fn need<T>(&mut self, name: &'static str, stage: impl FnOnce() -> Result<T>) -> Result<T> {
        self.run(name, stage)?.with_context(|| format!("stage {name} did not run"))
    }

    /// Print the times; an error if a stage failed.
    pub fn finish(&self) -> Result<()> {
        print!("\n{}", table(&self.done));
        let failed: Vec<_> =
            self.done.iter().filter(|done| done.end == End::Failed).map(|done| done.name).collect();
        if failed.is_empty() { Ok(()) } else { Err(anyhow!("failed: {}", failed.join(", "))) }
    }
}

fn table(done: &[Done]) -> String {
    let width = done.iter().map(|done| done.name.len()).chain(["total".len()]).max().unwrap_or(0);
    let mut text = String::new();
    for Done { name, time, end } in done {
        let mark = if *end == End::Failed { "  failed" } else { "" };
        // writing to a String can't fail
        let _ = writeln!(text, "{name:width$}  {:>9}{mark}", seconds(*time));
    }
    let total = done.iter().map(|done| done.time).sum();
    let _ = writeln!(text, "{:width$}  {:>9}", "total", seconds(total));
    text
}

fn seconds(time: Duration) -> String {
    match time.as_secs() {
        0..60 => format!("{:.1} s", time.as_secs_f64()),
        whole => format!("{} m {:02} s", whole / 60, whole % 60),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use anyhow::bail;

    #[test]
    fn the_table_lines_up() {
        let done = |name, millis, end| Done { name, time: Duration::from_millis(millis), end };
        let text = table(&[done("lint", 3210, End::Passed), done("unit tests", 125_000, End::Failed)]);
        assert_eq!(
            text,
            "lint            3.2 s\n\
             unit tests   2 m 05 s  failed\n\
             total        2 m 08 s\n"
        );
    }

    #[test]
    fn the_first_failure_ends_it_and_is_named() {
        let mut stages = Stages::default();
        let error = stages.run("second", || -> Result<()> { bail!("broken") }).unwrap_err();
        assert_eq!(error.to_string(), "stage second failed");
        assert_eq!(stages.finish().unwrap_err().to_string(), "failed: second");
    }

    #[test]
    fn the_rest_runs_when_asked_to() {
        let mut stages = Stages::new(Vec::new(), true);
        assert!(stages.run("first", || -> Result<()> { bail!("broken") }).unwrap().is_none());
        assert_eq!(stages.run("second", || Ok(7)).unwrap(), Some(7));
        assert!(stages.finish().is_err());
    }

    #[test]
    fn only_what_is_asked_for_runs() {
        let mut stages = Stages::new(vec!["second".into()], false);
        assert_eq!(stages.run("first", || Ok(1)).unwrap(), None);
        assert_eq!(stages.run("second", || Ok(2)).unwrap(), Some(2));
    }
}
