use super::*;
use crate::{
    host::Paths,
    keys::{Keychain, NoVault},
    settings::{HostSize, Settings},
    vm::{MachineSpec, OnRung, RunDir},
};
use futures_util::future::BoxFuture;
use igloo_protocol::{BuilderView, ServiceKind, ServiceState, ServiceView};
use tokio::{net::TcpStream, sync::oneshot};

/// Has no machine, and makes none.
struct Nothing;

impl Hypervisor for Nothing {
    fn start<'a>(
        &'a self,
        _: &'a MachineSpec,
        _: &'a RunDir,
        _: OnRung<'a>,
    ) -> BoxFuture<'a, Result<Vm, Problem>> {
        Box::pin(async { Err(Problem::new(Code::VmFailed, "no machine", "none")) })
    }

    fn adopt<'a>(&'a self, _: &'a RunDir) -> BoxFuture<'a, Result<Option<Vm>, Problem>> {
        Box::pin(async { Ok(None) })
    }

    fn judge(&self, _: &MachineSpec, _: &Vm, _: bool) -> bool {
        false
    }
}

fn service(port: u16, state: ServiceState) -> Vec<ServiceView> {
    let view = ServiceView::new(ServiceKind::LinuxBuilder);
    vec![ServiceView { port: Some(port), pid: Some(812), state, ..view }]
}

/// A port that was free a moment ago.
async fn free_port() -> u16 {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    listener.local_addr().unwrap().port()
}

async fn listens(port: u16) -> bool {
    TcpStream::connect(("127.0.0.1", port)).await.is_ok()
}

/// The supervisor of a builder on this port, in a folder of the test's own.
fn supervisor(
    dir: &std::path::Path,
    hub: &Hub,
    port: u16,
) -> (Supervisor<Nothing>, mpsc::UnboundedSender<Message>) {
    let (paths, id) = (Paths::below(dir), BuilderId::Aarch64);
    paths.create().unwrap();
    let mut settings = Settings::defaults(HostSize { cores: 2, memory_mib: 4096 }).builder(id).clone();
    (settings.enabled, settings.port) = (true, port);
    let keychain = Arc::new(Keychain::new(Arc::new(NoVault), false));
    let kept = (Layout::new(&paths, id), UserKeys::new(&paths, id, keychain));
    Supervisor::new(id, Arc::new(Nothing), kept, hub.clone(), settings)
}

#[tokio::test]
async fn a_builder_that_is_up_keeps_its_port_from_who_comes_later() {
    let (dir, port) = (tempfile::tempdir().unwrap(), free_port().await);
    let hub = Hub::new(vec![BuilderView::new(BuilderId::Aarch64)]);
    let (mut supervisor, _outbox) = supervisor(dir.path(), &hub, port);
    supervisor.open_gateway().await.unwrap();
    supervisor.life.handle(Event::Adopted, 0).unwrap();
    hub.set_services(service(port, ServiceState::Failing));
    supervisor.ports_changed().await;
    supervisor.open_gateway().await.unwrap();
    assert!(listens(port).await);
}

#[tokio::test]
async fn a_port_of_another_programs_service_is_never_fought_for() {
    let dir = tempfile::tempdir().unwrap();
    let (port, id) = (free_port().await, BuilderId::Aarch64);
    let hub = Hub::new(vec![BuilderView::new(id)]);
    hub.set_services(service(port, ServiceState::Running));
    let (supervisor, outbox) = supervisor(dir.path(), &hub, port);
    let task = tokio::spawn(supervisor.run());

    let (reply, answer) = oneshot::channel();
    assert!(outbox.send(Message::Ask(Event::StartAsked, reply)).is_ok());
    let refused = answer.await.unwrap().unwrap_err();
    assert_eq!(refused.code, Code::PortTaken);
    assert!(!listens(port).await, "although nothing listens there yet");

    // the service ends: the port is Igloo's
    let mut seen = hub.subscribe();
    hub.set_services(service(port, ServiceState::Stopped));
    assert!(outbox.send(Message::Ports).is_ok());
    seen.wait_for(|s| s.builders[0].warning.is_none()).await.unwrap();
    assert!(listens(port).await);

    // it comes back, and gets it
    hub.set_services(service(port, ServiceState::Failing));
    assert!(outbox.send(Message::Ports).is_ok());
    seen.wait_for(|s| s.builders[0].warning.is_some()).await.unwrap();
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(10);
    while listens(port).await {
        assert!(std::time::Instant::now() < deadline, "it is kept");
        tokio::task::yield_now().await;
    }
    task.abort();
}
