//! What differs between hosts.

#[cfg(target_os = "linux")]
mod linux;
#[cfg(target_os = "macos")]
mod macos;

#[cfg(target_os = "linux")]
pub use linux::{cpu_has_virtualization, kvm_opens};
#[cfg(target_os = "macos")]
pub use macos::{cpu_has_virtualization, kvm_opens};

/// The release of the running kernel (`6.12.9`, on macOS Darwin's own `24.6.0`).
pub fn os_release() -> String {
    rustix::system::uname().release().to_string_lossy().into_owned()
}
