//! The settings of Nix, for the page: planned and shown without privilege, then done by `igloo-admin`.

use crate::{
    cli::{builder, setup::helper, setup::operations::operations, setup::sharing},
    tray::face::Face,
};
use igloo_admin::{
    Platform, Root,
    elevate::{self, Elevate, Surroundings, Verb},
};
use igloo_engine::api::Client;
use igloo_protocol::{
    BuilderId, Code, Command, Installation, Problem,
    plan::{NixSetting, Operation, Outcome, Plan, Report, StepReport, StepState, User, Users},
};
use serde::{Deserialize, Serialize};
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
}

/// What a setup would do.
#[derive(Debug, Serialize)]
pub struct Planned {
    /// `None`: there is nothing for `igloo-admin` to do.
    plan: Option<Plan>,
    /// What would be done, a sentence each.
    steps: Vec<String>,
    /// A unified diff; empty: nothing would be changed.
    diff: String,
    /// What to know before.
    warnings: Vec<String>,
    /// The line that does the same in a terminal.
    command: String,
    /// What to put into the user's own configuration, where that generates the files.
    snippet: Option<String>,
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
) -> Result<Planned, Problem> {
    let snapshot = face.client.snapshot().await?;
    let access = face.client.ssh(builder).await?;
    if options.share_connection && !sharing::possible() {
        return Err(sharing::impossible());
    }
    let mut ops = operations(builder::view(builder, &snapshot)?, &access, options.share_connection)?;
    ops.extend(settings(options, std::env::var("USER").ok())?.into_iter().map(Operation::NixSetting));
    planned(&Root::system(), &ops)
}

/// Does what was planned, as root, and lets the daemon's key into the guests.
#[tauri::command]
pub async fn setup_apply(face: State<'_, Arc<Face>>, plan: Value) -> Result<Report, Problem> {
    let plan = Plan::from_json(plan.to_string().as_bytes())
        .map_err(|e| Problem::new(Code::Usage, e.to_string(), "look at the plan again"))?;
    let builders = builders(&plan);
    let report = as_root(move || elevated(Verb::Apply(&plan))).await?;
    if report.problem.is_none() && report.public_key.is_some() {
        let_in(&face.client, &builders, report.public_key.as_ref()).await?;
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

/// The plan; where the files are another program's, what the user's own configuration has to say instead, and of
/// the plan what is left: the key pair.
fn planned(root: &Root, ops: &[Operation]) -> Result<Planned, Problem> {
    let (plan, snippet) = match igloo_admin::plan(root, ops) {
        Ok(plan) => (Some(plan), None),
        Err(problem) if problem.code == Code::NotManaged => {
            let kind = igloo_admin::installation(root).kind;
            (igloo_admin::plan(root, &[Operation::BuilderKey]).ok(), Some(igloo_admin::snippet(kind, ops)))
        }
        Err(problem) => return Err(problem),
    };
    let Some(plan) = plan else {
        let (steps, warnings) = (Vec::new(), Vec::new());
        return Ok(Planned { plan, steps, diff: String::new(), warnings, command: String::new(), snippet });
    };
    Ok(Planned {
        steps: igloo_admin::describe(&plan),
        diff: igloo_admin::diff(root, &plan)?,
        warnings: plan.warnings.clone(),
        command: helper::line(Verb::Apply(&plan))?,
        snippet,
        plan: Some(plan),
    })
}

fn settings(options: Options, user: Option<String>) -> Result<Vec<NixSetting>, Problem> {
    let mut settings = Vec::new();
    if options.substitutes {
        settings.push(NixSetting::BuildersUseSubstitutes(true));
    }
    if options.trust_user {
        let users = User::try_from(user.unwrap_or_default()).and_then(|user| Users::try_from(vec![user]));
        settings.push(NixSetting::ExtraTrustedUsers(users.map_err(|e| {
            Problem::new(Code::Usage, format!("your user name can't be used: {e}"), "leave it out")
        })?));
    }
    Ok(settings)
}

/// The builders that a plan sets up.
fn builders(plan: &Plan) -> Vec<BuilderId> {
    let machine = |op: &Operation| if let Operation::Machine(m) = op { Some(m.builder) } else { None };
    plan.ops.iter().filter_map(machine).collect()
}

/// Lets the daemon's key into guests, or no longer.
async fn let_in(client: &Client, builders: &[BuilderId], key: Option<&String>) -> Result<(), Problem> {
    for builder in builders {
        client.command(&Command::DaemonKey { builder: *builder, public_key: key.cloned() }).await?;
    }
    Ok(())
}

/// Runs `igloo-admin`, asking in the desktop's own dialog even where the app was started in a terminal.
fn elevated(verb: Verb<'_>) -> Result<Report, Problem> {
    let around = Surroundings { terminal: false, ..helper::surroundings() };
    elevate::choose(Platform::current(), &around).run(&helper::beside()?, verb).into_report()
}

/// The user may think as long as they like: not on a thread that others wait for.
async fn as_root(run: impl FnOnce() -> Result<Report, Problem> + Send + 'static) -> Result<Report, Problem> {
    let ran = tauri::async_runtime::spawn_blocking(run).await;
    ran.map_err(|e| {
        Problem::new(Code::Internal, format!("igloo-admin was not waited for: {e}"), "try again")
    })?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_option_is_one_setting() {
        let all = Options { share_connection: true, substitutes: true, trust_user: true };
        assert_eq!(settings(Options::default(), None).unwrap(), []);
        let json = serde_json::to_value(settings(all, Some("ann".into())).unwrap()).unwrap();
        let expected =
            serde_json::json!([{"builders_use_substitutes": true}, {"extra_trusted_users": ["ann"]}]);
        assert_eq!(json, expected);
        assert_eq!(settings(all, None).unwrap_err().code, Code::Usage);
        assert_eq!(settings(all, Some("@admin".into())).unwrap_err().code, Code::Usage);
    }
}
