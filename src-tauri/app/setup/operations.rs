//! What a setup asks for.

use igloo_protocol::{
    BuilderView, Code, Phase, Problem, SshAccess,
    plan::{
        BadValue, Count, Feature, Features, HostKey, Machine, NixSetting, Operation, SshHost, Systems, User,
        Users,
    },
};
use std::num::NonZeroU16;

/// What a setup does beyond the least, each on the user's word.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Choice {
    /// Builds share one ssh connection.
    pub share_connection: bool,
    /// Builders fetch from substituters themselves what they can.
    pub substitutes: bool,
    /// Users whom the Nix daemon shall obey, which is as much as to be root.
    pub trusted: Vec<String>,
    /// The builder comes beside what `external-builders` names.
    pub beside_external: bool,
}

/// The operations that let the host's Nix build on a builder.
///
/// # Errors
/// `WrongPhase` unless the builder is ready, `Usage` for a user that can't be one, `EngineFailed` for a builder that
/// fits into no plan.
pub fn operations(
    view: &BuilderView,
    access: &SshAccess,
    choice: &Choice,
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
    let share_connection = choice.share_connection;
    let mut operations = vec![
        Operation::BuilderKey,
        Operation::SshHost(SshHost { builder: view.id, port, share_connection }),
        Operation::Machine(machine),
    ];
    operations.extend(settings(choice)?.into_iter().map(Operation::NixSetting));
    operations.push(Operation::RestartNixDaemon);
    Ok(operations)
}

fn settings(choice: &Choice) -> Result<Vec<NixSetting>, Problem> {
    let mut settings = Vec::new();
    if choice.substitutes {
        settings.push(NixSetting::BuildersUseSubstitutes(true));
    }
    if !choice.trusted.is_empty() {
        let users = choice.trusted.iter().map(|name| User::try_from(name.clone()));
        let users = users.collect::<Result<Vec<_>, _>>().and_then(Users::try_from).map_err(|e| {
            let message = format!("Nix can't be told to trust {}: {e}", choice.trusted.join(" and "));
            Problem::new(
                Code::Usage,
                message,
                "name users of this machine, each once and by their name alone",
            )
        })?;
        settings.push(NixSetting::ExtraTrustedUsers(users));
    }
    Ok(settings)
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
        let choice = Choice { share_connection: true, ..Choice::default() };
        assert_eq!(operations(&view, &access, &choice).unwrap_err().code, Code::WrongPhase);
        ready(&mut view);
        view.running.as_mut().unwrap().features = vec!["benchmark".into(), "big-parallel".into()];
        let json = serde_json::to_value(operations(&view, &access, &choice).unwrap()).unwrap();
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
        assert_eq!(operations(&view, &access, &choice).unwrap_err().code, Code::EngineFailed);
    }

    #[test]
    fn each_choice_is_one_setting() {
        assert_eq!(settings(&Choice::default()).unwrap(), []);
        let trusting =
            |name: &str| Choice { trusted: vec![name.into()], substitutes: true, ..Choice::default() };
        let json = serde_json::to_value(settings(&trusting("ann")).unwrap()).unwrap();
        let expected =
            serde_json::json!([{"builders_use_substitutes": true}, {"extra_trusted_users": ["ann"]}]);
        assert_eq!(json, expected);
        for wrong in ["@admin", "*", "a b", ""] {
            assert_eq!(settings(&trusting(wrong)).unwrap_err().code, Code::Usage, "{wrong}");
        }
    }
}
