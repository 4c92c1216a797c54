//! Accepting connections, and copying their bytes.

use super::Target;
use igloo_protocol::BuilderId;
use std::{io, net::Ipv4Addr, sync::Arc, time::Duration};
use tokio::{
    io::copy_bidirectional,
    net::{TcpListener, TcpStream},
    sync::{Notify, watch},
};
use tracing::{debug, info, warn};

/// How long to wait after an accept failed (too many open files, for one), so as not to spin.
const AFTER_A_FAILED_ACCEPT: Duration = Duration::from_millis(200);

pub(super) async fn accept(
    builder: BuilderId,
    listener: TcpListener,
    target: watch::Receiver<Target>,
    visits: Arc<Notify>,
) {
    loop {
        match listener.accept().await {
            Ok((client, _)) => {
                tokio::spawn(serve(builder, client, target.clone(), visits.clone()));
            }
            Err(e) => {
                warn!(%builder, "can't accept a connection: {e}");
                tokio::time::sleep(AFTER_A_FAILED_ACCEPT).await;
            }
        }
    }
}

async fn serve(
    builder: BuilderId,
    mut client: TcpStream,
    mut target: watch::Receiver<Target>,
    visits: Arc<Notify>,
) {
    let now = target.borrow_and_update().clone();
    let port = match now {
        Target::Open(port) => port,
        Target::Draining(_) => {
            return info!(%builder, "turned a connection away: the builder is about to stop");
        }
        Target::Closed(reason) => return info!(%builder, "turned a connection away: {reason}"),
    };
    visits.notify_one();
    tokio::select! {
        end = splice(&mut client, port) => match end {
            Ok(()) => debug!(%builder, "a connection ended"),
            Err(e) => debug!(%builder, "a connection ended: {e}"),
        },
        () = closed(&mut target, port) => info!(%builder, "closed a connection: the builder stops"),
    }
}

async fn splice(client: &mut TcpStream, port: u16) -> io::Result<()> {
    let mut guest = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).await?;
    client.set_nodelay(true)?;
    guest.set_nodelay(true)?;
    copy_bidirectional(client, &mut guest).await.map(drop)
}

/// Returns once connections to this port are no longer wanted.
async fn closed(target: &mut watch::Receiver<Target>, port: u16) {
    let _ = target.wait_for(|t| !matches!(t, Target::Open(p) | Target::Draining(p) if *p == port)).await;
}
