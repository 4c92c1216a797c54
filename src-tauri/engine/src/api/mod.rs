//! The engine's API: HTTP and server-sent events on a Unix socket, and the client of it.
//!
//! `docs/api.md` lists the paths. The server knows a [`Service`] and nothing of what is behind it.

pub mod client;
mod events;
mod failure;
mod log;
mod routes;
mod server;
mod service;

pub use crate::socket::OwnListener as ApiListener;
pub use client::Client;
pub use server::serve;
pub use service::Service;

use axum::http::HeaderName;

/// The header that carries the version of the API in every answer.
const VERSION_HEADER: HeaderName = HeaderName::from_static("igloo-api");

/// The largest body of a request, in bytes.
const REQUEST_MAX: usize = 64 * 1024;

#[cfg(test)]
mod tests;
