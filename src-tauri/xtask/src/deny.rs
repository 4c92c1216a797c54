//! cargo-deny: licences, sources, bans and advisories of the dependencies.

use crate::{cache, project::Project, run};
use anyhow::Result;
use std::path::PathBuf;

const VERSION: &str = "0.20.2";
/// Where cargo-deny keeps clones of advisory databases (its `db-path`), under Cargo's home.
const DATABASES: &str = "advisory-dbs";

/// Check what `deny.toml` says. The advisories are left out, and said to be, on a machine where
/// their database is neither cached nor can be fetched.
pub fn check(project: &Project) -> Result<()> {
    let program = find_or_install()?;
    let deny = |checks: &[&str]| {
        let mut command = run::command(&program);
        command.args(["--workspace", "--all-features", "check", "--hide-inclusion-graph"]).args(checks);
        command.current_dir(&project.root);
        command
    };
    run::run(&mut deny(&["bans", "licenses", "sources"]))?;
    let fetched = run::outcome(run::command(&program).args(["fetch", "db"]).current_dir(&project.root))?;
    if fetched.success {
        return run::run(&mut deny(&["advisories"]));
    }
    if has_database() {
        println!("the advisory database cannot be fetched: the cached one is used");
        return run::run(deny(&["advisories"]).arg("--disable-fetch"));
    }
    println!("advisories were NOT checked: their database cannot be fetched here and none is cached");
    Ok(())
}

fn find_or_install() -> Result<PathBuf> {
    if let Some(found) = run::on_path("cargo-deny") {
        return Ok(found);
    }
    let dir = cache::root()?.join("tools").join(format!("cargo-deny-{VERSION}"));
    cache::made(&dir, |partial| {
        println!("installing cargo-deny {VERSION}, once");
        let mut install = run::command("cargo");
        // a debug build takes half the time to make, and is fast enough
        install.args(["install", "--quiet", "--locked", "--debug", "cargo-deny", "--version", VERSION]);
        install.arg("--root").arg(partial).arg("--target-dir").arg(partial.join("target"));
        install.env("CARGO_PROFILE_DEV_DEBUG", "0").env_remove("RUSTFLAGS");
        run::run(&mut install)?;
        cache::remove(&partial.join("target"))
    })?;
    Ok(dir.join("bin/cargo-deny"))
}

fn has_database() -> bool {
    let home = std::env::var_os("CARGO_HOME").map(PathBuf::from);
    let home = home.or_else(|| Some(PathBuf::from(std::env::var_os("HOME")?).join(".cargo")));
    let databases = home.map(|home| home.join(DATABASES)).and_then(|dir| dir.read_dir().ok());
    databases.is_some_and(|mut entries| entries.next().is_some())
}
