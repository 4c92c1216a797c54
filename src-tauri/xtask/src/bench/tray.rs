//! What the menu-bar app costs, beside a bare one: measured by an ignored test of `tests/desktop`, which has a
//! desktop of its own to run them on.

use crate::{
    packages::{self, Purpose},
    page,
    project::Project,
    run,
};
use anyhow::Result;

/// Builds both apps and has the test measure them; `seconds` is how long the state changes once a second.
pub fn run(project: &Project, seconds: u64) -> Result<()> {
    packages::ensure(&project.root, Purpose::Test)?;
    page::build(project)?;
    let release = ["--release", "--package", "igloo"];
    run::run(project.cargo("build").args(release).args(["--bins", "--example", "bare-tray"]))?;
    let mut test = project.cargo("test");
    test.args(release).args(["--test", "desktop", "--", "--ignored", "--nocapture", "bench::"]);
    test.env("IGLOO_BENCH_BARE", project.target.join("release/examples/bare-tray"));
    test.env("IGLOO_BENCH_SECONDS", seconds.to_string());
    run::run(&mut test)
}
