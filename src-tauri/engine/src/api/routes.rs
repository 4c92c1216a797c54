//! The paths of the API.

use super::{
    REQUEST_MAX, Service, VERSION_HEADER,
    events::{self, closed},
    failure::Failure,
    log,
};
use axum::{
    Json, Router,
    body::{Body, Bytes},
    extract::{
        DefaultBodyLimit, FromRequestParts, Path, Query, State,
        rejection::{BytesRejection, QueryRejection},
    },
    http::{HeaderValue, Method, StatusCode, Uri, header, request::Parts},
    middleware,
    response::{IntoResponse, Response},
    routing::{get, post, put},
};
use futures_util::StreamExt;
use igloo_protocol::{
    API_VERSION, BuilderId, BuilderQueue, Code, Command, Problem, SettingView, SettingsPatch, Snapshot,
    SshAccess, StopMode, UnknownBuilder,
};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use std::sync::Arc;
use tokio::sync::watch;

/// How many lines of a log are sent unless the request says so.
const LOG_LINES: usize = 200;

/// The body of a stop and of a restart. Empty: the default.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct StopBody {
    /// What to do about builds that run.
    pub mode: StopMode,
}

/// The body that sets the Nix daemon's key.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KeyBody {
    /// The public half in OpenSSH's one-line form.
    pub public_key: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct LogQuery {
    #[serde(default = "LogQuery::lines")]
    lines: usize,
    #[serde(default)]
    follow: bool,
}

impl LogQuery {
    fn lines() -> usize {
        LOG_LINES
    }
}

struct Api<S> {
    service: Arc<S>,
    closing: watch::Receiver<bool>,
}

impl<S> Clone for Api<S> {
    fn clone(&self) -> Self {
        Api { service: self.service.clone(), closing: self.closing.clone() }
    }
}

/// The builder that the path names.
struct Target(BuilderId);

impl<S: Send + Sync> FromRequestParts<S> for Target {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Failure> {
        let Path(id) = Path::<String>::from_request_parts(parts, state)
            .await
            .map_err(|e| makes_no_sense(&e.body_text()))?;
        let unknown =
            |e: UnknownBuilder| Problem::new(Code::UnknownBuilder, e.to_string(), "name one of them");
        Ok(Target(id.parse().map_err(unknown)?))
    }
}

type Answer<T> = Result<T, Failure>;
type Raw = Result<Bytes, BytesRejection>;

/// Every path. Streams end once `closing` says so.
pub fn router<S: Service>(service: Arc<S>, closing: watch::Receiver<bool>) -> Router {
    let builder = Router::new()
        .route("/start", post(start::<S>))
        .route("/stop", post(stop::<S>))
        .route("/restart", post(restart::<S>))
        .route("/reset", post(reset::<S>))
        .route("/daemon-key", put(set_key::<S>).delete(remove_key::<S>))
        .route("/log", get(console_log::<S>))
        .route("/ssh", get(ssh::<S>));
    let v1 = Router::new()
        .route("/snapshot", get(snapshot::<S>))
        .route("/events", get(event_stream::<S>))
        .route("/queue", get(queue::<S>))
        .route("/settings", get(settings::<S>).patch(patch_settings::<S>))
        .route("/shutdown", post(shutdown::<S>))
        .nest("/builders/{id}", builder);
    Router::new()
        .nest("/v1", v1)
        .fallback(unknown_path)
        .method_not_allowed_fallback(wrong_method)
        .layer(DefaultBodyLimit::max(REQUEST_MAX))
        .layer(middleware::map_response(with_version))
        .with_state(Api { service, closing })
}

async fn with_version(mut response: Response) -> Response {
    response.headers_mut().insert(VERSION_HEADER, HeaderValue::from(API_VERSION));
    response
}

async fn unknown_path(uri: Uri) -> Failure {
    let message = format!("the API has no path {}", uri.path());
    Failure::request(StatusCode::NOT_FOUND, message, "look the paths up in docs/api.md")
}

async fn wrong_method(method: Method, uri: Uri) -> Failure {
    let message = format!("{} can't be asked with {method}", uri.path());
    Failure::request(StatusCode::METHOD_NOT_ALLOWED, message, "look the methods up in docs/api.md")
}

async fn snapshot<S: Service>(State(api): State<Api<S>>) -> Json<Snapshot> {
    let now = api.service.snapshots().borrow().clone();
    Json(Snapshot::clone(&now))
}

async fn event_stream<S: Service>(State(api): State<Api<S>>) -> impl IntoResponse {
    events::stream(api.service.snapshots(), api.closing)
}

async fn queue<S: Service>(State(api): State<Api<S>>) -> Json<Vec<BuilderQueue>> {
    let now = api.service.snapshots().borrow().clone();
    let queue = now.builders.iter().map(|b| BuilderQueue {
        builder: b.id,
        builds: b.builds.clone(),
        finished: b.finished.clone(),
        // no source can tell yet
        waiting: None,
    });
    Json(queue.collect())
}

async fn settings<S: Service>(State(api): State<Api<S>>) -> Answer<Json<Vec<SettingView>>> {
    Ok(Json(api.service.settings()?))
}

async fn patch_settings<S: Service>(State(api): State<Api<S>>, body: Raw) -> Answer<StatusCode> {
    let patch: SettingsPatch = json(body)?;
    run(&api, Command::Settings { patch }).await
}

async fn shutdown<S: Service>(State(api): State<Api<S>>) -> StatusCode {
    api.service.shutdown();
    StatusCode::ACCEPTED
}

async fn start<S: Service>(State(api): State<Api<S>>, Target(builder): Target) -> Answer<StatusCode> {
    run(&api, Command::Start { builder }).await
}

async fn stop<S: Service>(
    State(api): State<Api<S>>,
    Target(builder): Target,
    body: Raw,
) -> Answer<StatusCode> {
    let StopBody { mode } = optional_json(body)?;
    run(&api, Command::Stop { builder, mode }).await
}

async fn restart<S: Service>(
    State(api): State<Api<S>>,
    Target(builder): Target,
    body: Raw,
) -> Answer<StatusCode> {
    let StopBody { mode } = optional_json(body)?;
    run(&api, Command::Restart { builder, mode }).await
}

async fn reset<S: Service>(State(api): State<Api<S>>, Target(builder): Target) -> Answer<StatusCode> {
    run(&api, Command::Reset { builder }).await
}

async fn set_key<S: Service>(
    State(api): State<Api<S>>,
    Target(builder): Target,
    body: Raw,
) -> Answer<StatusCode> {
    let KeyBody { public_key } = json(body)?;
    run(&api, Command::DaemonKey { builder, public_key: Some(public_key) }).await
}

async fn remove_key<S: Service>(State(api): State<Api<S>>, Target(builder): Target) -> Answer<StatusCode> {
    run(&api, Command::DaemonKey { builder, public_key: None }).await
}

async fn ssh<S: Service>(State(api): State<Api<S>>, Target(builder): Target) -> Answer<Json<SshAccess>> {
    Ok(Json(api.service.ssh(builder)?))
}

async fn console_log<S: Service>(
    State(api): State<Api<S>>,
    Target(builder): Target,
    query: Result<Query<LogQuery>, QueryRejection>,
) -> Answer<Response> {
    let path = api.service.log_path(builder);
    let Query(query) = query.map_err(|e| makes_no_sense(&e.body_text()))?;
    let unreadable = |e: std::io::Error| Failure::from(crate::host::paths::cannot("read", &path, &e));
    let body = if query.follow {
        let log = log::follow(path.clone(), query.lines).await.map_err(unreadable)?;
        Body::from_stream(log.take_until(closed(api.closing)))
    } else {
        Body::from(log::tail(&path, query.lines).await.map_err(unreadable)?)
    };
    Ok(([(header::CONTENT_TYPE, "text/plain; charset=utf-8")], body).into_response())
}

async fn run<S: Service>(api: &Api<S>, command: Command) -> Answer<StatusCode> {
    tracing::info!(?command, "asked for");
    api.service.command(command).await?;
    Ok(StatusCode::ACCEPTED)
}

fn json<T: DeserializeOwned>(body: Raw) -> Answer<T> {
    let bytes = body.map_err(|e| makes_no_sense(&e.body_text()))?;
    serde_json::from_slice(&bytes).map_err(|e| makes_no_sense(&e.to_string()))
}

fn optional_json<T: DeserializeOwned + Default>(body: Raw) -> Answer<T> {
    if body.as_ref().is_ok_and(|b| b.is_empty()) { Ok(T::default()) } else { json(body) }
}

fn makes_no_sense(why: &str) -> Failure {
    let message = format!("the request makes no sense: {why}");
    Failure::request(StatusCode::BAD_REQUEST, message, "look its form up in docs/api.md")
}
