//! A problem as an answer.

use axum::{
    Json,
    http::StatusCode,
    response::{IntoResponse, Response},
};
use igloo_protocol::{Code, Problem};

/// A problem as an answer.
#[derive(Debug)]
pub struct Failure {
    status: StatusCode,
    problem: Problem,
}

impl Failure {
    /// A request that makes no sense, with the status that says in which way.
    pub fn request(status: StatusCode, message: impl Into<String>, remedy: &str) -> Failure {
        Failure { status, problem: Problem::new(Code::Usage, message, remedy) }
    }
}

impl From<Problem> for Failure {
    fn from(problem: Problem) -> Self {
        Failure { status: status(problem.code), problem }
    }
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        (self.status, Json(self.problem)).into_response()
    }
}

/// The HTTP status of a problem.
pub fn status(code: Code) -> StatusCode {
    match code {
        Code::Usage | Code::BadSettings => StatusCode::BAD_REQUEST,
        Code::NotAllowed => StatusCode::FORBIDDEN,
        Code::UnknownBuilder | Code::NoImage => StatusCode::NOT_FOUND,
        Code::EngineRunning
        | Code::Disabled
        | Code::WrongPhase
        | Code::Cancelled
        | Code::FileChanged
        | Code::NotManaged
        | Code::PortTaken => StatusCode::CONFLICT,
        Code::NotConfirmed => StatusCode::PRECONDITION_REQUIRED,
        Code::NoEngine | Code::TooManyRestarts => StatusCode::SERVICE_UNAVAILABLE,
        Code::BadManifest | Code::BadImage | Code::BadDisk | Code::MissingTool => {
            StatusCode::UNPROCESSABLE_ENTITY
        }
        Code::DiskFull => StatusCode::INSUFFICIENT_STORAGE,
        Code::HostKeyMismatch
        | Code::LoginFailed
        | Code::DaemonFailed
        | Code::WrongSystem
        | Code::GuestUnreachable
        | Code::ClockOff => StatusCode::BAD_GATEWAY,
        Code::BootTimeout => StatusCode::GATEWAY_TIMEOUT,
        // a code that is newer than this table is a fault of the engine's until it is put in
        _ => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_problem_is_an_error_status() {
        for code in Code::ALL {
            let s = status(*code);
            assert!(s.is_client_error() || s.is_server_error(), "{code:?} is {s}");
        }
        assert_eq!(status(Code::UnknownBuilder), StatusCode::NOT_FOUND);
        assert_eq!(status(Code::WrongPhase), StatusCode::CONFLICT);
        assert_eq!(status(Code::Internal), StatusCode::INTERNAL_SERVER_ERROR);
    }
}
