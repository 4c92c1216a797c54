//! The client of the API: what a face holds.

mod sse;
mod transport;

use super::routes::{KeyBody, StopBody};
use futures_util::{Stream, TryStreamExt};
use http_body_util::BodyExt;
use hyper::{Method, body::Bytes};
use igloo_protocol::{
    BuilderId, BuilderQueue, Code, Command, Problem, SettingView, SettingsPatch, Snapshot, SshAccess,
};
use serde::{Serialize, de::DeserializeOwned};
use std::{
    path::{Path, PathBuf},
    time::Duration,
};
use transport::Request;

/// How long an answer may take.
const ANSWER: Duration = Duration::from_secs(10);

/// How long a command may take until it is under way.
const UNDER_WAY: Duration = Duration::from_secs(60);

/// A client of the engine on one socket. Each request has a connection of its own.
#[derive(Clone, Debug)]
pub struct Client {
    socket: PathBuf,
}

impl Client {
    /// A client of the engine on `socket`. Connects to nothing yet.
    pub fn new(socket: PathBuf) -> Client {
        Client { socket }
    }

    /// Where the engine is looked for.
    pub fn socket(&self) -> &Path {
        &self.socket
    }

    /// All there is to show, now.
    ///
    /// # Errors
    /// As every request: [`Code::NoEngine`] where none runs, [`Code::EngineFailed`] where it does not
    /// answer as it should, else the engine's own problem.
    pub async fn snapshot(&self) -> Result<Snapshot, Problem> {
        self.get("/v1/snapshot".into()).await
    }

    /// The snapshot of now, then one for each change. Ends when the engine ends.
    ///
    /// # Errors
    /// As [`Client::snapshot`].
    pub async fn events(&self) -> Result<impl Stream<Item = Result<Snapshot, Problem>> + use<>, Problem> {
        let body = within(ANSWER, transport::open(&self.socket, Request::get("/v1/events".into()))).await?;
        Ok(sse::snapshots(body))
    }

    /// Asks the engine to do something. Resolves once it is under way.
    ///
    /// # Errors
    /// As [`Client::snapshot`].
    pub async fn command(&self, command: &Command) -> Result<(), Problem> {
        within(UNDER_WAY, transport::whole(&self.socket, request(command)?)).await.map(drop)
    }

    /// Every setting as it is in force.
    ///
    /// # Errors
    /// As [`Client::snapshot`].
    pub async fn settings(&self) -> Result<Vec<SettingView>, Problem> {
        self.get("/v1/settings".into()).await
    }

    /// The builds of every builder.
    ///
    /// # Errors
    /// As [`Client::snapshot`].
    pub async fn queue(&self) -> Result<Vec<BuilderQueue>, Problem> {
        self.get("/v1/queue".into()).await
    }

    /// How to open a shell in a builder's guest.
    ///
    /// # Errors
    /// As [`Client::snapshot`].
    pub async fn ssh(&self, id: BuilderId) -> Result<SshAccess, Problem> {
        self.get(format!("/v1/builders/{id}/ssh")).await
    }

    /// The last `lines` lines of a guest's console, and with `follow` whatever is added to them.
    ///
    /// # Errors
    /// As [`Client::snapshot`].
    pub async fn log(
        &self,
        id: BuilderId,
        lines: usize,
        follow: bool,
    ) -> Result<impl Stream<Item = Result<Bytes, Problem>> + use<>, Problem> {
        let path = format!("/v1/builders/{id}/log?lines={lines}&follow={follow}");
        let body = within(ANSWER, transport::open(&self.socket, Request::get(path))).await?;
        Ok(body.into_data_stream().map_err(transport::went_away))
    }

    /// Asks the engine to end.
    ///
    /// # Errors
    /// As [`Client::snapshot`].
    pub async fn shutdown(&self) -> Result<(), Problem> {
        let request = Request { method: Method::POST, path: "/v1/shutdown".into(), body: Vec::new() };
        within(ANSWER, transport::whole(&self.socket, request)).await.map(drop)
    }

    async fn get<T: DeserializeOwned>(&self, path: String) -> Result<T, Problem> {
        let body = within(ANSWER, transport::whole(&self.socket, Request::get(path))).await?;
        transport::parse(&body)
    }
}

/// The request that asks for a command.
fn request(command: &Command) -> Result<Request, Problem> {
    let verb = |builder: &BuilderId, verb| format!("/v1/builders/{builder}/{verb}");
    let (method, path, body) = match command {
        Command::Start { builder } => (Method::POST, verb(builder, "start"), Vec::new()),
        Command::Stop { builder, mode } => {
            (Method::POST, verb(builder, "stop"), json(&StopBody { mode: *mode })?)
        }
        Command::Restart { builder, mode } => {
            (Method::POST, verb(builder, "restart"), json(&StopBody { mode: *mode })?)
        }
        Command::Reset { builder } => (Method::POST, verb(builder, "reset"), Vec::new()),
        Command::DaemonKey { builder, public_key: Some(key) } => {
            (Method::PUT, verb(builder, "daemon-key"), json(&KeyBody { public_key: key.clone() })?)
        }
        Command::DaemonKey { builder, public_key: None } => {
            (Method::DELETE, verb(builder, "daemon-key"), Vec::new())
        }
        Command::Settings { patch } => (Method::PATCH, "/v1/settings".into(), json::<SettingsPatch>(patch)?),
    };
    Ok(Request { method, path, body })
}

fn json<T: Serialize>(body: &T) -> Result<Vec<u8>, Problem> {
    serde_json::to_vec(body).map_err(|e| {
        Problem::new(Code::Internal, format!("can't write the request: {e}"), "report this as a bug")
    })
}

async fn within<T>(time: Duration, answer: impl Future<Output = Result<T, Problem>>) -> Result<T, Problem> {
    tokio::time::timeout(time, answer).await.unwrap_or_else(|_| {
        Err(Problem::new(
            Code::EngineFailed,
            format!("the engine did not answer within {} s", time.as_secs()),
            "end the engine and start it again; builders that run are taken over",
        ))
    })
}
