//! What differs between hosts. Only `linux.rs` and `macos.rs` below this folder may say `cfg(target_os)`.

mod listener;
pub mod paths;
mod power;

pub use paths::{Paths, SOCKET_PATH_MAX};

#[cfg(target_os = "linux")]
#[path = "linux.rs"]
mod here;
#[cfg(target_os = "macos")]
#[path = "macos.rs"]
mod here;

pub use here::*;

/// The release of the running kernel (`6.12.9`, on macOS Darwin's own `24.6.0`).
pub fn os_release() -> String {
    rustix::system::uname().release().to_string_lossy().into_owned()
}
