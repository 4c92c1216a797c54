//! The settings of Nix, for the page: planned and shown without privilege, then done by `igloo-admin`.

use crate::{
    cli::builder,
    setup::{Choice, Proposal, helper, let_in, propose},
    tray::face::Face,
};
use igloo_admin::{
    Platform, Root,
    elevate::{self, Elevate, Surroundings, Verb},
};
use igloo_protocol::{
    BuilderId, Code, Installation, Problem,
    plan::{Operation, Outcome, Plan, Report, StepReport, StepState},
};
use serde::Deserialize;
use serde_json::Value;
use std::sync::Arc;
use tauri::State;

/// What a setup does beyond the least, each on the user's word.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Options {
    /// Builds share one ssh connection.
    share_connection: bool,
    /// The builder fetches from substituters itself what it can.
    substitutes: bool,
    /// The user becomes one of Nix' trusted users, which is as much as root.
    trust_user: bool,
    /// The builder comes beside what `external-builders` names.
    beside_external: bool,
}

impl Options {
    fn choice(self, user: Option<String>) -> Result<Choice, Problem> {
        let trusted = self.trust_user.then(|| {
            user.ok_or_else(|| {
                Problem::new(Code::Usage, "your user name is not known: USER is not set", "leave it out")
            })
        });
        Ok(Choice {
            share_connection: self.share_connection,
            substitutes: self.substitutes,
            trusted: trusted.transpose()?.into_iter().collect(),
            beside_external: self.beside_external,
        })
    }
}

/// How Nix is installed here.
#[tauri::command]
pub async fn installation() -> Result<Installation, Problem> {
    Ok(igloo_admin::installation(&Root::system()))
}

/// What a setup for a builder would do.
#[tauri::command]
pub async fn setup_plan(
    face: State<'_, Arc<Face>>,
    builder: BuilderId,
    options: Options,
) -> Result<Proposal, Problem> {
    let choice = options.choice(std::env::var("USER").ok())?;
    let snapshot = face.client.snapshot().await?;
    let access = face.client.ssh(builder).await?;
    let view = builder::view(builder, &snapshot)?;
    propose(&Root::system(), view, &access, &choice, &snapshot.services).await
}

/// Does what was planned, as root, and lets the daemon's key into the guests.
#[tauri::command]
pub async fn setup_apply(face: State<'_, Arc<Face>>, plan: Value) -> Result<Report, Problem> {
    let plan = Plan::from_json(plan.to_string().as_bytes())
        .map_err(|e| Problem::new(Code::Usage, e.to_string(), "look at the plan again"))?;
    let builders = builders(&plan);
    let report = as_root(move || elevated(Verb::Apply(&plan))).await?;
    if report.problem.is_none() && report.public_key.is_some() {
        let_in(&face.client, &builders, report.public_key.as_deref()).await?;
    }
    Ok(report)
}

/// Takes back all that Igloo changed.
#[tauri::command]
pub async fn setup_undo(face: State<'_, Arc<Face>>) -> Result<Report, Problem> {
    let report = as_root(|| elevated(Verb::Undo)).await?;
    if report.problem.is_none() {
        let_in(&face.client, &BuilderId::ALL, None).await?;
    }
    Ok(report)
}

/// What of Igloo's is in place, as far as one can tell without being root.
#[tauri::command]
pub async fn setup_status() -> Result<Report, Problem> {
    let present = igloo_admin::present(&Root::system())?;
    let in_place = |(_, what)| StepReport { what, state: StepState::InPlace, problem: None };
    Ok(Report { steps: present.into_iter().map(in_place).collect(), ..Report::new(Outcome::Status) })
}

/// The builders that a plan sets up.
fn builders(plan: &Plan) -> Vec<BuilderId> {
    let machine = |op: &Operation| if let Operation::Machine(m) = op { Some(m.builder) } else { None };
    plan.ops.iter().filter_map(machine).collect()
}

/// Runs `igloo-admin`, asking in the desktop's own dialog even where the app was started in a terminal.
pub(super) fn elevated(verb: Verb<'_>) -> Result<Report, Problem> {
    let around = Surroundings { terminal: false, ..helper::surroundings() };
    elevate::choose(Platform::current(), &around).run(&helper::beside()?, verb).into_report()
}

/// The user may think as long as they like: not on a thread that others wait for.
pub(super) async fn as_root(
    run: impl FnOnce() -> Result<Report, Problem> + Send + 'static,
) -> Result<Report, Problem> {
    let ran = tauri::async_runtime::spawn_blocking(run).await;
    ran.map_err(|e| {
        Problem::new(Code::Internal, format!("igloo-admin was not waited for: {e}"), "try again")
    })?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_option_is_one_choice() {
        let none = Options::default().choice(None).unwrap();
        assert_eq!(none, Choice::default());
        let all =
            Options { share_connection: true, substitutes: true, trust_user: true, beside_external: true };
        let trusted = vec!["ann".to_owned()];
        let expected = Choice { share_connection: true, substitutes: true, trusted, beside_external: true };
        assert_eq!(all.choice(Some("ann".into())).unwrap(), expected);
        assert_eq!(all.choice(None).unwrap_err().code, Code::Usage);
    }
}
