//! What there is of a desktop machine: a system bus, polkitd, Igloo as a package installs it, and a user.

use crate::agent::Agent;
use crate::support::binary::PROGRAM;
use crate::support::namespace;
use crate::user::{self, Wish};
use igloo_admin::elevate::Elevated;
use std::fs::{self, File};
use std::io::{BufRead, BufReader, Write};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};
use std::{env, thread};

/// The socket of the system bus, where `pkexec` looks.
pub const BUS: &str = "unix:path=/run/dbus/system_bus_socket";

/// Where a package has `igloo-admin`.
pub const HELPER: &str = "/usr/bin/igloo-admin";

const IGLOOS_POLICY: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/polkit/dev.igloo.admin.policy");

/// Where a package has Igloo's policy.
pub const POLICY: &str = "/usr/share/polkit-1/actions/dev.igloo.admin.policy";

/// The user who asks, who is nobody special.
pub const UID: u32 = 61234;
pub const USER: &str = "igloo-test";

/// Long enough for a busy machine.
const DEADLINE: Duration = Duration::from_secs(60);

/// This test program, where the user can read it.
const TESTS: &str = "/run/igloo-test/tests";

/// What it prints.
const SAID: &str = "/run/igloo-test/said";

/// Places for what a package installs, a `/run` of its own, and no polkit rule of the machine's. `$1` is memory.
const SETUP: &str = r#"
for dir in /usr/bin /usr/share/polkit-1/actions; do
  mkdir -p "$1/more$dir/upper" "$1/more$dir/work"
  mount -t overlay overlay -o "lowerdir=$dir,upperdir=$1/more$dir/upper,workdir=$1/more$dir/work" "$dir"
done
mount -t tmpfs -o mode=755 tmpfs /run
mkdir -p /run/dbus /run/igloo-test /etc/polkit-1/rules.d
mount -t tmpfs -o mode=755 tmpfs /etc/polkit-1/rules.d
"#;

/// The system bus' rules as Debian has them, without the services that it would start.
const BUS_RULES: &str = r#"<busconfig>
  <type>system</type>
  <listen>unix:path=/run/dbus/system_bus_socket</listen>
  <auth>EXTERNAL</auth>
  <policy context="default">
    <allow user="*"/>
    <deny own="*"/>
    <deny send_type="method_call"/>
    <allow send_type="signal"/>
    <allow send_requested_reply="true" send_type="method_return"/>
    <allow send_requested_reply="true" send_type="error"/>
    <allow receive_type="method_call"/>
    <allow receive_type="method_return"/>
    <allow receive_type="error"/>
    <allow receive_type="signal"/>
    <allow send_destination="org.freedesktop.DBus"/>
  </policy>
  <includedir>/usr/share/dbus-1/system.d</includedir>
</busconfig>"#;

/// Root alone is an administrator, as on a Debian where nobody is in the group `sudo`.
const ADMINS: &str = r#"polkit.addAdminRule(function() { return ["unix-user:root"]; });"#;

/// What runs. The namespace ends it.
pub struct Machine {
    test: String,
    // kept open: who writes to a closed pipe dies of it
    _bus: (Child, BufReader<ChildStdout>),
    _polkitd: Child,
}

impl Machine {
    /// Starts the bus and polkitd, for the test of this name.
    pub fn start(test: &str) -> Machine {
        let bus = start_bus();
        let polkitd = start_polkitd();
        Machine { test: test.into(), _bus: bus, _polkitd: polkitd }
    }

    /// Has the user ask for something, with an agent that answers or without one; what the app makes of it.
    pub fn ask(&self, wish: &Wish<'_>, agent: Option<&Agent>) -> Elevated {
        ask(&self.test, wish, agent)
    }
}

/// The same, with or without a bus and polkitd.
pub fn ask(test: &str, wish: &Wish<'_>, agent: Option<&Agent>) -> Elevated {
    let mut asking = users_process(&[], test, wish).stdin(Stdio::piped()).spawn().unwrap();
    if let Some(agent) = agent {
        agent.stand_by(asking.id());
    }
    asking.stdin.take().unwrap().write_all(b"go\n").unwrap();
    heard(&mut asking)
}

/// Runs the test in a namespace with Igloo installed. In the process of the user, does the user's part.
pub fn inside(test: &str, body: impl FnOnce()) {
    if user::is_this_process() {
        return user::ask();
    }
    namespace::inside_with(SETUP, test, || {
        install();
        body();
    });
}

/// The user's process, which does the user's part of the test of this name; what it says is for [`heard`]. It waits
/// for a line on standard input. The first words start it.
pub fn users_process(starter: &[&str], test: &str, wish: &Wish<'_>) -> Command {
    let words = [starter, &[TESTS, "--exact", test, "--nocapture"]].concat();
    let mut command = Command::new(words[0]);
    command
        .args(&words[1..])
        .envs(wish.env.iter().copied())
        .env(user::WISH, wish.as_text())
        .current_dir("/")
        .uid(UID)
        .gid(UID)
        .stdout(File::create(SAID).unwrap());
    command
}

/// What the app made of it, once the user's process has ended.
pub fn heard(process: &mut Child) -> Elevated {
    wait_for("the user's process", || process.try_wait().unwrap());
    user::heard(&fs::read_to_string(SAID).unwrap())
}

/// Asks again and again until there is an answer.
pub fn wait_for<T>(what: &str, mut ask: impl FnMut() -> Option<T>) -> T {
    let start = Instant::now();
    loop {
        if let Some(answer) = ask() {
            return answer;
        }
        assert!(start.elapsed() < DEADLINE, "waited {DEADLINE:?} for {what}");
        thread::sleep(Duration::from_millis(20));
    }
}

/// Igloo as its package has it, and the user.
fn install() {
    put(PROGRAM.as_ref(), HELPER, "755");
    put(IGLOOS_POLICY.as_ref(), POLICY, "644");
    put(&env::current_exe().unwrap(), TESTS, "755");
    fs::write("/etc/polkit-1/rules.d/00-test.rules", ADMINS).unwrap();
    let append = |path, line: String| {
        let mut file = File::options().append(true).open(path).unwrap();
        file.write_all(line.as_bytes()).unwrap();
    };
    append("/etc/passwd", format!("{USER}:*:{UID}:{UID}::/nonexistent:/bin/sh\n"));
    append("/etc/group", format!("{USER}:*:{UID}:\n"));
}

/// Copies a file, for root to own.
fn put(from: &Path, to: &str, mode: &str) {
    let install =
        Command::new("install").args(["-o", "root", "-g", "root", "-m", mode]).arg(from).arg(to).status();
    assert!(install.unwrap().success(), "{to}");
}

fn start_bus() -> (Child, BufReader<ChildStdout>) {
    let config = "/run/igloo-test/bus.conf";
    fs::write(config, BUS_RULES).unwrap();
    let mut daemon = Command::new("dbus-daemon")
        .args(["--nofork", "--print-address", "--config-file", config])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap_or_else(|e| panic!("dbus-daemon (apt: dbus-daemon): {e}"));
    let mut out = BufReader::new(daemon.stdout.take().unwrap());
    let mut address = String::new();
    out.read_line(&mut address).unwrap();
    assert!(address.starts_with(BUS), "{address}");
    (daemon, out)
}

fn start_polkitd() -> Child {
    let service = "/usr/share/dbus-1/system-services/org.freedesktop.PolicyKit1.service";
    let service = fs::read_to_string(service).unwrap_or_else(|e| panic!("polkit (apt: polkitd): {e}"));
    let line = service.lines().find_map(|line| line.strip_prefix("Exec=")).unwrap();
    let mut words = line.split(' ');
    let polkitd = Command::new(words.next().unwrap()).args(words).spawn().unwrap();
    let connection = zbus::block_on(zbus::connection::Builder::address(BUS).build()).unwrap();
    let bus = Some("org.freedesktop.DBus");
    wait_for("polkitd", || {
        let args = ("org.freedesktop.PolicyKit1",);
        let called = connection.call_method(bus, "/org/freedesktop/DBus", bus, "NameHasOwner", &args);
        let there: bool = zbus::block_on(called).unwrap().body().deserialize().unwrap();
        there.then_some(())
    });
    polkitd
}
