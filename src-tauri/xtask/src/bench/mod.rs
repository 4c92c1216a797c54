//! `cargo xtask bench`: how quickly a builder is there, and what the engine and the menu-bar app cost.
//!
//! Times on a shared machine are noisy: rounds and medians, printed and never asserted.

mod process;
mod stock;
mod tray;

use crate::{
    image::{self, Arch},
    packages::{self, Purpose},
    project::Project,
    run,
};
use anyhow::{Context, Result};
use process::Usage;
use serde_json::Value;
use std::{
    collections::BTreeMap,
    fs::{self, File},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

#[derive(clap::Args)]
pub struct Options {
    /// Cold starts to measure
    #[arg(long, default_value_t = 5)]
    rounds: usize,
    /// Seconds to watch the engine idle for
    #[arg(long, default_value_t = 60)]
    idle: u64,
    /// Seconds to watch the menu-bar app for, with a change of state in each; 0 leaves it out
    #[arg(long, default_value_t = 600)]
    changes: u64,
    /// Starts to measure beside what nixpkgs' own script does at each; 0 leaves it out
    #[arg(long, default_value_t = 5)]
    stock: usize,
    /// The guest with the tiny init in place of systemd
    #[arg(long)]
    tiny: bool,
}

/// Measures, and prints.
pub fn run(options: Options) -> Result<()> {
    let project = &Project::find()?;
    packages::ensure(&project.root, Purpose::Demo)?;
    let image = image::find_or_make(&project.root, Arch::NATIVE)?;
    let debian = image.clone();
    let image = if options.tiny { image.join("tiny") } else { image };
    let mut build = project.cargo("build");
    build.args(["--release", "--package", "igloo", "--no-default-features", "--bin", "igloo"]);
    run::run(&mut build)?;
    let home = std::env::temp_dir().join(format!("igloo-bench-{}", std::process::id()));
    fs::create_dir(&home)?;
    let bench = Bench {
        program: project.target.join("release/igloo"),
        home: home.clone(),
        builder: Arch::NATIVE.builder(),
    };
    let measured = bench.measure(&image, &options).and_then(|()| {
        if options.stock == 0 || !cfg!(target_os = "linux") {
            return Ok(());
        }
        bench.beside_stock(&stock::image(&debian, &home)?, options.stock)
    });
    fs::remove_dir_all(&home)?;
    measured?;
    if options.changes > 0 && cfg!(target_os = "linux") {
        tray::run(project, options.changes)
    } else {
        Ok(())
    }
}

struct Bench {
    program: PathBuf,
    home: PathBuf,
    builder: &'static str,
}

impl Bench {
    fn measure(&self, image: &Path, options: &Options) -> Result<()> {
        let settings = format!(
            "keychain = false\n[builders.{}]\nenabled = true\nimage = {image:?}\nport = {}\n",
            self.builder,
            free_port()?
        );
        fs::create_dir(self.home.join("config"))?;
        fs::write(self.home.join("config/settings.toml"), settings)?;
        let mut engine = self.serve()?;
        let measured = self.starts(options.rounds).and_then(|()| self.idle(&engine, options.idle));
        let _ = run::outcome(&mut self.igloo(&["stop", self.builder, "--now"]));
        run::end(&mut engine)?;
        measured
    }

    fn starts(&self, rounds: usize) -> Result<()> {
        // the first start makes the keys and the disk
        let mut climbs: BTreeMap<u64, (String, Vec<u64>)> = BTreeMap::new();
        let mut totals = Vec::new();
        for round in 0..=rounds {
            let start = Instant::now();
            run::outcome_or_error(&mut self.igloo(&["start", self.builder]))?;
            let total = start.elapsed();
            if round > 0 {
                totals.push(millis(total));
                for (n, (rung, ms)) in self.climbed()?.into_iter().enumerate() {
                    climbs.entry(n as u64).or_insert_with(|| (rung, Vec::new())).1.push(ms);
                }
            }
            if round < rounds {
                run::outcome_or_error(&mut self.igloo(&["stop", self.builder]))?;
            }
        }
        println!(
            "\ncold start of {}, {rounds} rounds, median (least to most), ms after the launch:",
            self.builder
        );
        for (rung, times) in climbs.values_mut() {
            println!("  {rung:<10} {}", spread(times));
        }
        println!("  `igloo start` to its end: {}", spread(&mut totals));
        Ok(())
    }

    fn climbed(&self) -> Result<Vec<(String, u64)>> {
        let status: Value =
            serde_json::from_str(&run::outcome_or_error(&mut self.igloo(&["status", "--json"]))?)?;
        let builders = status["builders"].as_array().context("no builders in the status")?;
        let builder =
            builders.iter().find(|b| b["id"] == self.builder).context("no builder in the status")?;
        serde_json::from_value(builder["running"]["climbed"].clone()).context("no rungs in the status")
    }

    fn idle(&self, engine: &Child, seconds: u64) -> Result<()> {
        let before = Usage::of(engine.id())?;
        std::thread::sleep(Duration::from_secs(seconds));
        let after = Usage::of(engine.id())?;
        println!("\n`igloo serve` with a ready, idle builder, over {seconds} s:");
        println!("  CPU {:.2} % of a core", (after.cpu_s - before.cpu_s) / seconds as f64 * 100.0);
        println!("  memory {:.1} MB now, {:.1} MB at its peak", after.rss_mb, after.peak_mb);
        Ok(())
    }

    fn serve(&self) -> Result<Child> {
        let log = File::create(self.home.join("serve.log"))?;
        let mut engine =
            run::spawn(self.igloo(&["serve"]).stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log))?;
        run::wait_for("the engine", Duration::from_secs(30), || {
            anyhow::ensure!(engine.try_wait()?.is_none(), "igloo serve ended");
            Ok(run::outcome(&mut self.igloo(&["status"]))?.success.then_some(()))
        })?;
        Ok(engine)
    }

    fn igloo(&self, args: &[&str]) -> Command {
        let mut command = run::command(&self.program);
        command.args(args).env("IGLOO_HOME", &self.home);
        command
    }
}

fn free_port() -> Result<u16> {
    Ok(std::net::TcpListener::bind("127.0.0.1:0")?.local_addr()?.port())
}

fn millis(d: Duration) -> u64 {
    u64::try_from(d.as_millis()).unwrap_or(u64::MAX)
}

/// Median, least and most.
fn spread(times: &mut [u64]) -> String {
    times.sort_unstable();
    match &*times {
        [] => "nothing measured".into(),
        [least, .., most] => format!("{} ({least} to {most})", times[times.len() / 2]),
        [one] => one.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_spread_has_its_median_in_front() {
        assert_eq!(spread(&mut [30, 10, 20]), "20 (10 to 30)");
        assert_eq!(spread(&mut [7]), "7");
        assert_eq!(spread(&mut []), "nothing measured");
    }
}
