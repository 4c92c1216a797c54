//! Services of other programs that build for Linux on this Mac: found by their launchd jobs, looked at now and then, and
//! told in the snapshot. Nothing here starts or stops one: that is `igloo-admin`'s.
//!
//! What launchd and the files say is read by pure functions (`plist`, `launchctl`, `script`, `determinate`), and put
//! together in `view`. The looking is behind [`Launchd`].

mod determinate;
mod follow;
mod holder;
mod launchctl;
mod plist;
mod script;
mod system;
#[cfg(test)]
mod tests;
mod view;

pub use follow::{follow, look_now};
pub use holder::{holder, taken_by};
pub use system::{System, launchd};
pub use view::look;

/// What launchd answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// What `launchctl` printed.
    Said(String),
    /// It knows no such job.
    NotFound,
    /// It did not answer, or not so that it can be understood.
    Failed,
}

/// The parts of a Mac that tell of services. Blocking.
pub trait Launchd: Send + Sync + 'static {
    /// A file's bytes, links followed; `None` if it is not there, can't be read, or is no regular file of a fair size.
    fn file(&self, path: &str) -> Option<Vec<u8>>;

    /// What a regular file takes up on the disk, in bytes; `None` as above, and for a link.
    fn disk_use(&self, path: &str) -> Option<u64>;

    /// What `launchctl` says to these words.
    fn launchctl(&self, words: &[&str]) -> Answer;
}
