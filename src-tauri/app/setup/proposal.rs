//! What a setup would do, to be shown before anything is asked for.

use super::{Choice, effective, helper, operations, sharing};
use igloo_admin::{Root, elevate::Verb, nix_config::Effective};
use igloo_engine::services;
use igloo_protocol::{
    BuilderView, Code, Installation, Problem, ServiceView, SshAccess,
    plan::{NixSetting, Operation, Plan},
};
use serde::Serialize;

/// What a setup would do.
#[derive(Debug, Serialize)]
pub struct Proposal {
    /// What `igloo-admin` is to do; where another program owns the place, the key alone. `None`: nothing can be done.
    pub plan: Option<Plan>,
    /// That, a sentence each.
    pub steps: Vec<String>,
    /// That as a unified diff; empty: no file would be changed.
    pub diff: String,
    /// What to know before.
    pub warnings: Vec<String>,
    /// The line that does it in a terminal.
    pub command: Option<String>,
    /// Why Igloo does not do the rest, where another program owns the place.
    pub owner: Option<Problem>,
    /// What to put into the user's own configuration there.
    pub snippet: Option<String>,
}

/// Plans a setup for a builder. Reads only.
///
/// # Errors
/// Those of [`operations`] and of [`igloo_admin::plan`]; `Usage` where this Nix can't share a connection.
pub async fn propose(
    root: &Root,
    view: &BuilderView,
    access: &SshAccess,
    choice: &Choice,
    services: &[ServiceView],
) -> Result<Proposal, Problem> {
    if choice.share_connection && !sharing::possible() {
        return Err(sharing::impossible());
    }
    let ops = operations(view, access, choice)?;
    let installation = igloo_admin::installation(root);
    let says = effective().await;
    let mut proposal = match owner(&installation, says.as_ref(), choice) {
        Some(owner) => owned(root, &installation, &ops, owner),
        None => free(root, &installation, ops, says.as_ref()),
    }?;
    proposal.warnings.extend(rival(view, services));
    Ok(proposal)
}

/// Another program's service wants the builder's port: Nix would reach whichever of the two came first.
fn rival(view: &BuilderView, services: &[ServiceView]) -> Option<String> {
    let service = services::holder(services, view.port)?;
    let problem = services::taken_by(service, view.id, view.port);
    Some(format!("{}; {}", problem.message, problem.remedy))
}

/// Who stands in the way, if anybody does.
fn owner(installation: &Installation, says: Option<&Effective>, choice: &Choice) -> Option<Problem> {
    if !installation.machines_free {
        return Some(installation.obstacles.first().cloned().unwrap_or_else(|| {
            Problem::new(Code::NotManaged, "another program owns Nix' files", "use its configuration")
        }));
    }
    let external = installation.external_builders || says.is_some_and(|nix| nix.external_builders);
    (external && !choice.beside_external).then(|| {
        Problem::new(
            Code::NotManaged,
            "Nix has a way to build for Linux here already (`external-builders`), as Determinate's native Linux builder \
             is one; with Igloo's line, Igloo's builder would get the builds instead",
            "turn that one off; or, to have both, run `igloo setup --beside-external`, or put the lines in yourself",
        )
    })
}

fn owned(
    root: &Root,
    installation: &Installation,
    ops: &[Operation],
    owner: Problem,
) -> Result<Proposal, Problem> {
    let snippet = Some(igloo_admin::snippet(installation.kind, ops));
    let proposal = match igloo_admin::plan(root, &[Operation::BuilderKey]) {
        Ok(plan) => show(root, plan)?,
        // not even the folder is ours to write to
        Err(_) => Proposal {
            plan: None,
            steps: Vec::new(),
            diff: String::new(),
            warnings: Vec::new(),
            command: None,
            owner: None,
            snippet: None,
        },
    };
    Ok(Proposal { owner: Some(owner), snippet, ..proposal })
}

fn free(
    root: &Root,
    installation: &Installation,
    mut ops: Vec<Operation>,
    says: Option<&Effective>,
) -> Result<Proposal, Problem> {
    // an empty `builders =` turns the machines file off; of one with builders in it the plan says what to do
    if !installation.machines_read {
        ops.push(Operation::NixSetting(NixSetting::Builders));
    }
    let mut proposal = show(root, igloo_admin::plan(root, &ops)?)?;
    proposal.warnings.extend(says.filter(|_| installation.machines_read).and_then(unread));
    Ok(proposal)
}

/// Nix says that it does not read the machines file, and no file of the system's says why.
fn unread(nix: &Effective) -> Option<String> {
    let builders = nix.builders.as_deref().filter(|_| !nix.reads_machines())?;
    Some(format!(
        "Nix says that it works with `builders = {builders}`, so it will not read /etc/nix/machines; look at the \
         environment of the Nix daemon and at NIX_CONF_DIR"
    ))
}

/// A plan as it is shown.
pub(super) fn show(root: &Root, plan: Plan) -> Result<Proposal, Problem> {
    Ok(Proposal {
        steps: igloo_admin::describe(&plan),
        diff: igloo_admin::diff(root, &plan)?,
        warnings: plan.warnings.clone(),
        command: Some(helper::line(Verb::Apply(&plan))?),
        owner: None,
        snippet: None,
        plan: Some(plan),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use igloo_protocol::InstallKind;

    fn installation() -> Installation {
        Installation {
            kind: InstallKind::Official,
            settings: None,
            daemon: None,
            machines_free: true,
            machines_read: true,
            external_builders: false,
            obstacles: Vec::new(),
        }
    }

    #[test]
    fn another_builder_stands_in_the_way_until_the_user_wants_both() {
        let mut here = installation();
        let none = Choice::default();
        assert_eq!(owner(&here, Some(&Effective::default()), &none), None);
        let says = Effective { external_builders: true, ..Effective::default() };
        assert_eq!(owner(&here, Some(&says), &none).unwrap().code, Code::NotManaged);
        here.external_builders = true;
        assert!(owner(&here, None, &none).unwrap().message.contains("external-builders"));
        let both = Choice { beside_external: true, ..none };
        assert_eq!(owner(&here, Some(&says), &both), None);
        here.machines_free = false;
        assert!(owner(&here, None, &both).is_some(), "files that others generate are never written");
    }

    #[test]
    fn a_service_that_wants_the_builders_port_is_said_in_the_plan() {
        use igloo_protocol::{BuilderId, ServiceKind, ServiceState};
        let view = BuilderView::new(BuilderId::Aarch64);
        let service = |state| ServiceView { state, ..ServiceView::new(ServiceKind::LinuxBuilder) };
        assert_eq!(rival(&view, &[service(ServiceState::Stopped)]), None);
        let said = rival(&view, &[service(ServiceState::Failing)]).unwrap();
        assert!(said.contains("port 31022") && said.contains("`igloo service stop`"), "{said}");
    }

    #[test]
    fn what_nix_itself_says_is_told_where_the_files_say_otherwise() {
        let with = |builders: Option<&str>| Effective {
            builders: builders.map(str::to_owned),
            ..Effective::default()
        };
        assert_eq!(unread(&with(None)), None);
        assert_eq!(unread(&with(Some("@/etc/nix/machines"))), None);
        assert!(unread(&with(Some("ssh://mac"))).unwrap().contains("`builders = ssh://mac`"));
    }
}
