//! One request and its answer over the Unix socket.

use crate::api::VERSION_HEADER;
use http_body_util::{BodyExt, Full, Limited};
use hyper::{
    HeaderMap, Method, StatusCode,
    body::{Bytes, Incoming},
    client::conn::http1,
    header::{CONTENT_TYPE, HOST},
};
use hyper_util::rt::TokioIo;
use igloo_protocol::{API_VERSION, Code, Problem};
use serde::de::DeserializeOwned;
use std::{io, path::Path};
use tokio::net::UnixStream;

/// The largest answer that is taken whole, in bytes.
const ANSWER_MAX: usize = 16 * 1024 * 1024;

/// A request: its method, its path with the query, its body (JSON, or empty).
#[derive(Debug)]
pub struct Request {
    pub method: Method,
    pub path: String,
    pub body: Vec<u8>,
}

impl Request {
    /// A request for what is at `path`.
    pub fn get(path: String) -> Request {
        Request { method: Method::GET, path, body: Vec::new() }
    }
}

/// The body of a good answer, to be read as it comes.
pub async fn open(socket: &Path, request: Request) -> Result<Incoming, Problem> {
    let stream = UnixStream::connect(socket).await.map_err(|e| no_engine(socket, &e))?;
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.map_err(went_away)?;
    // ends with the body, or when the body is dropped
    tokio::spawn(connection);
    let request = hyper::Request::builder()
        .method(request.method)
        .uri(request.path)
        .header(HOST, "igloo")
        .header(CONTENT_TYPE, "application/json")
        .body(Full::new(Bytes::from(request.body)))
        .map_err(|e| Problem::new(Code::Internal, e.to_string(), "report this as a bug"))?;
    let (head, body) = sender.send_request(request).await.map_err(went_away)?.into_parts();
    check_version(&head.headers)?;
    if head.status.is_success() { Ok(body) } else { Err(problem(head.status, body).await) }
}

/// The whole body of a good answer.
pub async fn whole(socket: &Path, request: Request) -> Result<Bytes, Problem> {
    collect(open(socket, request).await?).await
}

/// What an answer's body says.
pub fn parse<T: DeserializeOwned>(body: &[u8]) -> Result<T, Problem> {
    serde_json::from_slice(body).map_err(|e| garbled(&e.to_string()))
}

/// What to tell when the engine goes away during a request.
pub fn went_away(e: hyper::Error) -> Problem {
    Problem::new(
        Code::EngineFailed,
        format!("the engine went away during the request: {e}"),
        "look whether it still runs with `igloo status`; its log may say why",
    )
}

async fn collect(body: Incoming) -> Result<Bytes, Problem> {
    let limited = Limited::new(body, ANSWER_MAX);
    limited.collect().await.map(|c| c.to_bytes()).map_err(|e| garbled(&e.to_string()))
}

async fn problem(status: StatusCode, body: Incoming) -> Problem {
    let told = match collect(body).await {
        Ok(bytes) => parse::<Problem>(&bytes),
        Err(e) => Err(e),
    };
    told.unwrap_or_else(|_| garbled(&format!("status {status} without a reason")))
}

fn garbled(why: &str) -> Problem {
    Problem::new(
        Code::EngineFailed,
        format!("the engine's answer can't be read: {why}"),
        "use the igloo that belongs to the engine, or start the engine again",
    )
}

fn check_version(headers: &HeaderMap) -> Result<(), Problem> {
    let theirs = headers.get(VERSION_HEADER).and_then(|v| v.to_str().ok()).unwrap_or("unknown");
    if theirs == API_VERSION.to_string() {
        return Ok(());
    }
    Err(Problem::new(
        Code::EngineFailed,
        format!("the engine speaks version {theirs} of the API, this igloo speaks version {API_VERSION}"),
        "use the igloo that belongs to the engine, or end the engine and start this igloo's",
    ))
}

fn no_engine(socket: &Path, e: &io::Error) -> Problem {
    match e.kind() {
        io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused => {
            Problem::new(Code::NoEngine, "no engine runs", "run `igloo serve` or open Igloo")
        }
        io::ErrorKind::PermissionDenied => Problem::new(
            Code::NotAllowed,
            format!("can't talk to the engine on {}: {e}", socket.display()),
            "run this as the user who runs the engine",
        ),
        _ => Problem::new(
            Code::NoEngine,
            format!("can't talk to the engine on {}: {e}", socket.display()),
            "run `igloo serve` or open Igloo",
        ),
    }
}
