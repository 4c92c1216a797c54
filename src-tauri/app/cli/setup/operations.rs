//! What a setup asks for.

use igloo_protocol::{
    BuilderView, Code, Phase, Problem, SshAccess,
    plan::{BadValue, Count, Feature, Features, HostKey, Machine, Operation, SshHost, Systems},
};
use std::num::NonZeroU16;

/// The operations that let the host's Nix build on a builder.
pub fn operations(
    view: &BuilderView,
    access: &SshAccess,
    share_connection: bool,
) -> Result<Vec<Operation>, Problem> {
    let wrong = |e: BadValue| unfit(&e.to_string());
    // what a guest can do only its own Nix knows: without /dev/kvm in it, there is no `kvm`
    let guest = view.running.as_ref().filter(|_| view.phase == Phase::Ready).ok_or_else(|| asleep(view))?;
    let features = guest.features.iter().map(|f| Feature::try_from(f.clone()).map_err(wrong));
    let features = features.collect::<Result<Vec<_>, _>>()?;
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

fn asleep(view: &BuilderView) -> Problem {
    let message =
        format!("{} is {}, and only once it is ready it can say what it builds", view.id, view.phase.word());
    Problem::new(Code::WrongPhase, message, format!("run `igloo start {}`, then this again", view.id))
}

fn unfit(why: &str) -> Problem {
    let message = format!("the builder can't be set up as it is: {why}");
    Problem::new(Code::EngineFailed, message, "look at it with `igloo status --json`")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::tests::{ready, snapshot};

    const KEY: &str = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJBWcxb/Blaqt1auOtE+F8QUWrUotiC5qBJ+UuEWdVCb";

    #[test]
    fn nix_is_told_what_the_builder_offers() {
        let mut view = snapshot().builders.remove(1);
        let mut access = SshAccess {
            port: 1,
            user: "builder".into(),
            identity: "/key".into(),
            agent: None,
            alias: view.alias.clone(),
            host_key: KEY.into(),
        };
        assert_eq!(operations(&view, &access, true).unwrap_err().code, Code::WrongPhase);
        ready(&mut view);
        view.running.as_mut().unwrap().features = vec!["benchmark".into(), "big-parallel".into()];
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
