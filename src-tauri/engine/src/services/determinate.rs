//! Determinate's native Linux builder: no job of launchd's, but a program that Nix runs for each build. Nix' setting
//! `external-builders` names it, and `/etc/determinate/config.json` can turn it off.

use serde::Deserialize;

const PROGRAM: &str = "determinate-nixd";

#[derive(Deserialize)]
struct External {
    program: String,
    #[serde(default)]
    args: Vec<String>,
}

/// The program of the native builder, where a `nix.conf` sets it.
pub fn program(nix_conf: &str) -> Option<String> {
    let value = nix_conf.lines().rev().find_map(|line| {
        let (name, value) = line.split_once('=')?;
        (name.trim() == "external-builders").then_some(value)
    })?;
    let external: Vec<External> = serde_json::from_str(value.trim()).ok()?;
    let is_native = |e: &External| {
        e.program.rsplit('/').next() == Some(PROGRAM) && e.args.first().is_some_and(|a| a == "builder")
    };
    external.into_iter().find(is_native).map(|e| e.program)
}

/// Whether Determinate's own settings turn it off.
pub fn is_off(config: &[u8]) -> bool {
    #[derive(Deserialize)]
    struct Config {
        builder: Option<Builder>,
    }
    #[derive(Deserialize)]
    struct Builder {
        state: Option<String>,
    }
    let config = serde_json::from_slice::<Config>(config).ok();
    config.and_then(|c| c.builder).and_then(|b| b.state).is_some_and(|state| state == "disabled")
}
