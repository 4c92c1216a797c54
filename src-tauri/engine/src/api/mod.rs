//! HTTP and server-sent events on a Unix socket, and the client of it.
