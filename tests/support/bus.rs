//! A private session bus.

use std::{
    fs,
    io::{BufRead as _, BufReader},
    path::Path,
    process::{Child, Command, Stdio},
};

/// A process that ends with the value.
pub struct Proc(pub Child);

impl Proc {
    /// Starts it. `package`: what to install if it is not there.
    pub fn start(command: &mut Command, package: &str) -> Proc {
        Proc(command.spawn().unwrap_or_else(|e| panic!("{:?} (apt: {package}): {e}", command.get_program())))
    }
}

impl Drop for Proc {
    fn drop(&mut self) {
        // fails only if it has ended
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A session bus, and its address. Nothing is started on it but what the test starts.
pub fn session_bus(dir: &Path) -> (Proc, String) {
    let (config, socket) = (dir.join("bus.conf"), dir.join("bus"));
    let listen = format!("<listen>unix:path={}</listen>", socket.display());
    let policy = "<policy context='default'><allow send_destination='*' eavesdrop='true'/>\
                  <allow eavesdrop='true'/><allow own='*'/></policy>";
    let text = format!("<busconfig><type>session</type><auth>EXTERNAL</auth>{listen}{policy}</busconfig>");
    fs::write(&config, text).unwrap();
    let mut bus = Proc::start(
        Command::new("dbus-daemon")
            .arg(format!("--config-file={}", config.display()))
            .args(["--nofork", "--print-address=1"])
            .stdout(Stdio::piped()),
        "dbus-daemon",
    );
    let mut address = String::new();
    BufReader::new(bus.0.stdout.take().unwrap()).read_line(&mut address).unwrap();
    (bus, address.trim().to_owned())
}
