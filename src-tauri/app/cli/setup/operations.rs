//! What a setup asks for.

use igloo_protocol::{
    BuilderView, Code, Problem, SshAccess,
    plan::{BadValue, Count, Feature, Features, HostKey, Machine, Operation, SshHost, Systems},
};
use std::num::NonZeroU16;

/// What a guest that is no bare metal can do for a derivation that asks for it; as nixpkgs'
/// `darwin.linux-builder` but for `kvm`, which a guest under hvf or tcg has not.
const FEATURES: [&str; 2] = ["benchmark", "big-parallel"];

/// The operations that let the host's Nix build on a builder.
pub fn operations(
    view: &BuilderView,
    access: &SshAccess,
    share_connection: bool,
) -> Result<Vec<Operation>, Problem> {
    let wrong = |e: BadValue| unfit(&e.to_string());
    let features = FEATURES.map(|f| Feature::try_from(f.to_owned()).map_err(wrong));
    let features = features.into_iter().collect::<Result<Vec<_>, _>>()?;
    let machine = Machine {
        builder: view.id,
        systems: Systems::try_from(view.systems.clone()).map_err(wrong)?,
        max_jobs: Count::try_from(u16::try_from(view.cores).unwrap_or(u16::MAX)).map_err(wrong)?,
        speed_factor: None,
        features: Features::try_from(features).map_err(wrong)?,
        host_key: HostKey::try_from(access.host_key.clone()).map_err(wrong)?,
    };
    let port = NonZeroU16::new(view.port).ok_or_else(|| unfit("the builder has no port"))?;
    Ok(vec![
        Operation::BuilderKey,
        Operation::SshHost(SshHost { builder: view.id, port, share_connection }),
        Operation::Machine(machine),
        Operation::RestartNixDaemon,
    ])
}

fn unfit(why: &str) -> Problem {
    let message = format!("the builder can't be set up as it is: {why}");
    Problem::new(Code::EngineFailed, message, "look at it with `igloo status --json`")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::tests::snapshot;

    const KEY: &str = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJBWcxb/Blaqt1auOtE+F8QUWrUotiC5qBJ+UuEWdVCb";

    #[test]
    fn nix_is_told_what_the_builder_offers() {
        let view = snapshot().builders.remove(1);
        let mut access = SshAccess {
            port: 1,
            user: "builder".into(),
            identity: "/key".into(),
            alias: view.alias.clone(),
            host_key: KEY.into(),
        };
        let json = serde_json::to_value(operations(&view, &access, true).unwrap()).unwrap();
        let expected = serde_json::json!([
            "builder_key",
            { "ssh_host": { "builder": "x86_64", "port": 31023, "share_connection": true } },
            { "machine": {
                "builder": "x86_64", "systems": ["x86_64-linux"], "max_jobs": 2,
                "features": ["benchmark", "big-parallel"], "host_key": KEY,
            } },
            "restart_nix_daemon",
        ]);
        assert_eq!(json, expected);
        access.host_key = "ssh-rsa AAAA".into();
        assert_eq!(operations(&view, &access, true).unwrap_err().code, Code::EngineFailed);
    }
}
