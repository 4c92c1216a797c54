//! What differs between hosts. Only `linux.rs` and `macos.rs` below this folder may say `cfg(target_os)`.

mod listener;
pub mod paths;

pub use paths::{Paths, SOCKET_PATH_MAX};

#[cfg(target_os = "linux")]
#[path = "linux.rs"]
mod here;
#[cfg(target_os = "macos")]
#[path = "macos.rs"]
mod here;

pub use here::*;
