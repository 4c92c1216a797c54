//! The socket that Nix connects to: the engine's own, so that it is there whether or not the
//! builder runs, and so that a stop can close every connection.

mod splice;

use igloo_protocol::{BuilderId, Code, Problem};
use std::{io, net::Ipv4Addr, sync::Arc};
use tokio::{
    net::TcpListener,
    sync::{Notify, watch},
    task::AbortHandle,
};

/// What the gateway does with connections.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// Splices them to this loopback port: the VM's own forward.
    Open(u16),
    /// Keeps those that are there, and turns new ones away.
    Draining(u16),
    /// Closes those that are there, and turns new ones away, for the reason that is given.
    Closed(&'static str),
}

/// The gateway of one builder.
pub struct Gateway {
    builder: BuilderId,
    target: watch::Sender<Target>,
    listening: Option<(u16, AbortHandle)>,
    visits: Arc<Notify>,
}

impl Gateway {
    /// A gateway that does not listen yet.
    pub fn new(builder: BuilderId) -> Gateway {
        Gateway {
            builder,
            target: watch::Sender::new(Target::Closed("the builder is stopped")),
            listening: None,
            visits: Arc::default(),
        }
    }

    /// Listens on a loopback port; on another one than before, if it is another one.
    ///
    /// # Errors
    /// [`Code::PortTaken`], with who has the port where the host can tell.
    pub async fn listen(&mut self, port: u16) -> Result<(), Problem> {
        if self.listens_on(port) {
            return Ok(());
        }
        self.close();
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port))
            .await
            .map_err(|e| taken(self.builder, port, &e))?;
        let task = tokio::spawn(splice::accept(
            self.builder,
            listener,
            self.target.subscribe(),
            self.visits.clone(),
        ));
        self.listening = Some((port, task.abort_handle()));
        Ok(())
    }

    /// Whether it listens there.
    pub fn listens_on(&self, port: u16) -> bool {
        self.listening.as_ref().is_some_and(|(now, task)| *now == port && !task.is_finished())
    }

    /// Stops listening. Connections that are there stay.
    pub fn close(&mut self) {
        if let Some((_, task)) = self.listening.take() {
            task.abort();
        }
    }

    /// Told of each connection that is let through.
    pub fn visits(&self) -> Arc<Notify> {
        self.visits.clone()
    }

    /// What to do with connections from now on.
    pub fn point(&self, target: Target) {
        self.target.send_if_modified(|now| {
            let differs = *now != target;
            *now = target;
            differs
        });
    }
}

impl Drop for Gateway {
    fn drop(&mut self) {
        self.close();
    }
}

fn taken(builder: BuilderId, port: u16, e: &io::Error) -> Problem {
    if e.kind() != io::ErrorKind::AddrInUse {
        return Problem::new(
            Code::PortTaken,
            format!("can't listen on 127.0.0.1:{port}: {e}"),
            format!("choose another port with `igloo settings set builders.{builder}.port PORT`"),
        );
    }
    let owner = crate::host::listener_on(port).map_or_else(String::new, |who| format!(" by {who}"));
    Problem::new(
        Code::PortTaken,
        format!("port {port} is taken{owner}"),
        format!(
            "stop what uses it, or choose another port with `igloo settings set builders.{builder}.port PORT`"
        ),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;
    use tokio::{
        io::{AsyncReadExt, AsyncWriteExt},
        net::TcpStream,
        time::timeout,
    };

    const SOON: Duration = Duration::from_secs(10);

    /// A server that answers with what it got, once the client has ended its half.
    async fn echo_at_end() -> u16 {
        let server = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = server.local_addr().unwrap().port();
        tokio::spawn(async move {
            while let Ok((mut s, _)) = server.accept().await {
                tokio::spawn(async move {
                    let mut got = Vec::new();
                    s.read_to_end(&mut got).await.unwrap();
                    s.write_all(&got).await.unwrap();
                });
            }
        });
        port
    }

    async fn gateway() -> (Gateway, u16) {
        let mut g = Gateway::new(BuilderId::native());
        // a port that was free a moment ago may be gone by now: try again
        for _ in 0..20 {
            let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
            if g.listen(free).await.is_ok() {
                return (g, free);
            }
        }
        panic!("no free port");
    }

    async fn all(stream: &mut TcpStream) -> Vec<u8> {
        let mut got = Vec::new();
        // a reset is an end too
        let _ = timeout(SOON, stream.read_to_end(&mut got)).await.unwrap();
        got
    }

    #[tokio::test]
    async fn bytes_go_both_ways_and_a_half_close_is_honoured() {
        let (g, port) = gateway().await;
        g.point(Target::Open(echo_at_end().await));
        let mut c = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
        let sent: Vec<u8> = (0..300_000u32).map(|n| n as u8).collect();
        c.write_all(&sent).await.unwrap();
        c.shutdown().await.unwrap();
        assert!(all(&mut c).await == sent);
    }

    #[tokio::test]
    async fn who_is_let_through_is_told_of_and_who_is_turned_away_is_not() {
        let (g, port) = gateway().await;
        let visits = g.visits();
        let mut turned_away = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
        all(&mut turned_away).await;
        timeout(Duration::from_millis(50), visits.notified()).await.expect_err("nobody came in");
        g.point(Target::Open(echo_at_end().await));
        let _in = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
        timeout(SOON, visits.notified()).await.expect("one came in");
    }

    #[tokio::test]
    async fn a_stopped_builder_closes_at_once() {
        let (_g, port) = gateway().await;
        let mut c = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
        assert_eq!(all(&mut c).await, b"");
    }

    #[tokio::test]
    async fn a_stop_closes_what_is_open_and_draining_does_not() {
        let (g, port) = gateway().await;
        let server = echo_at_end().await;
        g.point(Target::Open(server));
        let mut c = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
        let mut d = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
        c.write_all(b"c").await.unwrap();
        d.write_all(b"d").await.unwrap();
        g.point(Target::Draining(server));
        let mut late = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
        assert_eq!(all(&mut late).await, b"");
        c.shutdown().await.unwrap();
        assert_eq!(all(&mut c).await, b"c");
        g.point(Target::Closed("stopping"));
        assert_eq!(all(&mut d).await, b"");
    }

    #[tokio::test]
    async fn a_taken_port_is_said() {
        let other = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let port = other.local_addr().unwrap().port();
        let p = Gateway::new(BuilderId::native()).listen(port).await.unwrap_err();
        assert_eq!(p.code, Code::PortTaken);
        assert!(p.message.contains(&port.to_string()));
        assert!(p.message.contains(&std::process::id().to_string()), "names who has it: {p}");
    }
}
