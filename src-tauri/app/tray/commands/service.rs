//! nix-darwin's own Linux builder: planned and shown without privilege. What is planned is done by `setup_apply`.

use super::setup::{as_root, elevated};
use crate::{
    setup::{Proposal, propose_service},
    tray::face::Face,
};
use igloo_admin::{Root, elevate::Verb};
use igloo_engine::api::Client;
use igloo_protocol::{Problem, plan::ServiceAction};
use std::sync::Arc;
use tauri::State;

/// What would be done for a wish.
#[tauri::command]
pub async fn service_plan(face: State<'_, Arc<Face>>, action: ServiceAction) -> Result<Proposal, Problem> {
    plan(&face.client, action).await
}

async fn plan(client: &Client, action: ServiceAction) -> Result<Proposal, Problem> {
    let snapshot = client.snapshot().await?;
    propose_service(&Root::system(), &snapshot.services, action)
}

/// Does what the menu asks for; the system's dialog is the confirmation.
///
/// # Errors
/// Those of the plan and of `igloo-admin`.
pub async fn change(client: Client, action: ServiceAction) -> Result<(), Problem> {
    let Some(plan) = plan(&client, action).await?.plan else { return Ok(()) };
    let report = as_root(move || elevated(Verb::Apply(&plan))).await?;
    report.problem.map_or(Ok(()), Err)
}
