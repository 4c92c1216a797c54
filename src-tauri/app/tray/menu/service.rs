//! The lines of another program's builder.

use super::{Click, Entry, Id, shorten};
use crate::cli::format::capital;
use igloo_protocol::{ServiceState, ServiceView, plan::ServiceAction};

/// A service's lines: its state, and where Igloo may, Start or Stop.
pub fn entries(service: &ServiceView) -> Vec<Entry> {
    let header = Entry::words(Id::Service(service.kind), headline(service));
    let toggle = service.controllable.then(|| toggle(service));
    [Some(header), toggle].into_iter().flatten().collect()
}

/// `nix-darwin's linux-builder: Running`
fn headline(service: &ServiceView) -> String {
    let cause = service.problem.as_ref().map_or(String::new(), |p| format!(" · {}", shorten(&p.message)));
    format!("{}: {}{cause}", service.name, capital(service.state.word()))
}

/// Three dots: the system asks for a password first.
fn toggle(service: &ServiceView) -> Entry {
    let (text, action) = match service.state {
        ServiceState::Stopped | ServiceState::Disabled => ("Start…", Some(ServiceAction::Start)),
        ServiceState::Unknown => ("Start…", None),
        ServiceState::Running | ServiceState::OnDemand | ServiceState::Failing => {
            ("Stop…", Some(ServiceAction::Stop))
        }
    };
    Entry::line(Id::ServiceToggle(service.kind), text, action.map(Click::Service))
}
