//! Who has a builder's port: Igloo never fights for it.

use igloo_protocol::{BuilderId, Code, Problem, ServiceState, ServiceView};

/// The service that has this port, or would take it at any moment.
pub fn holder(services: &[ServiceView], port: u16) -> Option<&ServiceView> {
    services.iter().find(|service| service.port == Some(port) && service.state.is_loaded())
}

/// Why a builder can't have its port while this service has it, with the steps that take over. `lsof` does not show
/// another user's processes, so for a service of root's this is the only way to name it.
pub fn taken_by(service: &ServiceView, builder: BuilderId, port: u16) -> Problem {
    let pid = service.pid.map_or(String::new(), |pid| format!(", process {pid}"));
    let doing = match service.state {
        ServiceState::Failing => "tries again and again to listen on it",
        ServiceState::OnDemand => "is started by whoever connects to it",
        _ => "runs",
    };
    let message = format!("port {port} is taken by {} ({}{pid}), which {doing}", service.name, service.label);
    let or_move = format!("give Igloo another port with `igloo settings set builders.{builder}.port PORT`");
    let remedy = if service.controllable {
        format!(
            "to take over: `igloo service stop`, then `igloo start {builder}` and `igloo setup {builder}`, and set \
             `nix.linux-builder.enable = false` in the nix-darwin configuration (which deletes its disk), or it is back at the \
             next start of the Mac; or {or_move}"
        )
    } else {
        format!("turn it off where it was set up; or {or_move}")
    };
    Problem::new(Code::PortTaken, message, remedy)
}
