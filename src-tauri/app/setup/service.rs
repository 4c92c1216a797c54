//! nix-darwin's own Linux builder: what a wish for it comes to.

use super::{Proposal, proposal};
use igloo_admin::Root;
use igloo_protocol::{
    Problem, ServiceKind, ServiceState, ServiceView,
    plan::{Operation, ServiceAction},
};

/// What is done for a wish. A running builder is stopped for a wipe, and started again after it; of one that is down
/// only the disk goes, and the next start makes a clean one. Where launchd did not say, `igloo-admin` will look.
pub fn actions(wish: ServiceAction, state: ServiceState) -> Vec<ServiceAction> {
    match wish {
        ServiceAction::Wipe if state.is_loaded() => {
            vec![ServiceAction::Stop, ServiceAction::Wipe, ServiceAction::Start]
        }
        wish => vec![wish],
    }
}

/// Plans a wish, as the services are. Reads only.
///
/// # Errors
/// Those of [`igloo_admin::plan`]: `MissingTool` where there is no such service.
pub fn propose_service(
    root: &Root,
    services: &[ServiceView],
    wish: ServiceAction,
) -> Result<Proposal, Problem> {
    let state = services.iter().find(|s| s.kind == ServiceKind::LinuxBuilder).map(|s| s.state);
    let actions = actions(wish, state.unwrap_or(ServiceState::Unknown));
    let ops: Vec<_> = actions.into_iter().map(Operation::LinuxBuilderService).collect();
    proposal::show(root, igloo_admin::plan(root, &ops)?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use igloo_protocol::Code;

    #[test]
    fn a_wipe_of_what_runs_stops_and_starts_it() {
        use ServiceAction::{Start, Stop, Wipe};
        for (wish, state, expected) in [
            (Wipe, ServiceState::Running, &[Stop, Wipe, Start][..]),
            (Wipe, ServiceState::Failing, &[Stop, Wipe, Start]),
            (Wipe, ServiceState::Stopped, &[Wipe]),
            (Wipe, ServiceState::Unknown, &[Wipe]),
            (Stop, ServiceState::Running, &[Stop]),
            (Start, ServiceState::Disabled, &[Start]),
        ] {
            assert_eq!(actions(wish, state), expected, "{wish:?} {state:?}");
        }
    }

    #[test]
    fn where_there_is_no_such_service_the_wish_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let root = Root::for_tests(dir.path(), igloo_admin::Platform::MacOs, 0, 0);
        assert_eq!(propose_service(&root, &[], ServiceAction::Stop).unwrap_err().code, Code::MissingTool);
    }
}
