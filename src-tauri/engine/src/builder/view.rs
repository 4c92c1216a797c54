//! What a face is shown of a builder.

use crate::settings::BuilderSettings;
use igloo_protocol::{BuilderId, BuilderView, GuestInfo, Pending};

/// The view of a builder that was never started.
pub fn idle(id: BuilderId, settings: &BuilderSettings, now_ms: u64) -> BuilderView {
    let mut view = BuilderView { since_ms: now_ms, ..BuilderView::new(id) };
    choose(&mut view, settings);
    view
}

/// Puts the user's choices into a view.
pub fn choose(view: &mut BuilderView, settings: &BuilderSettings) {
    view.enabled = settings.enabled;
    view.port = settings.port;
    view.cores = settings.cores;
    view.memory_mib = settings.memory_mib;
    view.disk_gib = settings.disk_gib;
    view.ephemeral = settings.ephemeral;
}

/// The choices that a running machine does not have yet. `started` are those it was started with,
/// where that is known.
pub fn pending(
    running: &GuestInfo,
    started: Option<&BuilderSettings>,
    chosen: &BuilderSettings,
) -> Vec<Pending> {
    let mut pending = Vec::new();
    let mut differs = |differs: bool, what| {
        if differs {
            pending.push(what)
        }
    };
    differs(running.cores != chosen.cores, Pending::Cores);
    differs(running.memory_mib != chosen.memory_mib, Pending::Memory);
    differs(started.is_some_and(|s| s.disk_gib != chosen.disk_gib), Pending::Disk);
    differs(running.ephemeral != chosen.ephemeral, Pending::Ephemeral);
    differs(started.is_some_and(|s| s.image != chosen.image), Pending::Image);
    pending
}
