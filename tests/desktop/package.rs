//! The package for Debian: it installs, its programs run from where it puts them, and it goes without a trace.

use super::support::Desktop;
use std::{
    collections::BTreeSet,
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
};

/// Lays overlays over the folders that a package is installed to, and stays until its standard input ends.
const ENTER: &str = r#"
set -e
for d in etc usr var; do
  mkdir -p "$1/$d/upper" "$1/$d/work"
  mount -t overlay overlay -o "lowerdir=/$d,upperdir=$1/$d/upper,workdir=$1/$d/work" "/$d"
done
echo ready
exec cat
"#;

/// A machine on which packages can be installed without anybody else seeing it.
struct Machine {
    holder: Child,
    _dir: tempfile::TempDir,
}

impl Machine {
    fn new() -> Machine {
        let dir = tempfile::tempdir().unwrap();
        let mut holder = Command::new("unshare")
            .args(["--mount", "--propagation", "private", "sh", "-c", ENTER, "sh"])
            .arg(dir.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("unshare (util-linux), as root");
        let mut ready = String::new();
        BufReader::new(holder.stdout.take().unwrap()).read_line(&mut ready).unwrap();
        assert_eq!(ready, "ready\n", "there is no such machine; is this root?");
        Machine { holder, _dir: dir }
    }

    fn inside(&self) -> String {
        format!("--mount=/proc/{}/ns/mnt", self.holder.id())
    }

    fn run(&self, words: &[&str]) -> Output {
        Command::new("nsenter").arg(self.inside()).arg("--").args(words).output().unwrap()
    }

    #[track_caller]
    fn ok(&self, words: &[&str]) -> String {
        let output = self.run(words);
        assert!(output.status.success(), "{words:?}: {output:?}");
        String::from_utf8(output.stdout).unwrap()
    }

    /// The files of a package, folders left out.
    fn files_of(&self, package: &str) -> BTreeSet<String> {
        let listed = self.ok(&[
            "sh",
            "-c",
            &format!("dpkg -L {package} | while read f; do [ -d \"$f\" ] || echo \"$f\"; done"),
        ]);
        listed.lines().map(str::to_owned).collect()
    }
}

impl Drop for Machine {
    fn drop(&mut self) {
        let _ = self.holder.kill();
        let _ = self.holder.wait();
    }
}

/// The package that `cargo xtask test` made.
fn package() -> PathBuf {
    let path = std::env::var_os("IGLOO_TEST_DEB").expect("IGLOO_TEST_DEB; run this by `cargo xtask test`");
    PathBuf::from(path)
}

#[test]
fn it_installs_starts_and_goes_without_a_trace() {
    let machine = Machine::new();
    let before = machine.ok(&["sh", "-c", "find /usr /etc -xdev | sort"]);
    machine.ok(&["dpkg", "-i", package().to_str().unwrap()]);

    let files = machine.files_of("igloo");
    for file in [
        "/usr/bin/igloo",
        "/usr/bin/igloo-tray",
        "/usr/bin/igloo-admin",
        "/usr/share/applications/Igloo.desktop",
        "/usr/share/polkit-1/actions/dev.igloo.admin.policy",
        "/usr/share/doc/igloo/copyright",
    ] {
        assert!(files.contains(file), "no {file} among {files:#?}");
    }
    assert_eq!(machine.ok(&["stat", "-c", "%U:%G %a", "/usr/bin/igloo-admin"]), "root:root 755\n");
    assert!(machine.ok(&["igloo", "--version"]).starts_with("igloo "));
    // from there it runs without a word about by hand: nobody but root could have changed it
    let status = machine.ok(&["igloo-admin", "status"]);
    assert!(status.contains("\"outcome\":\"status\""), "{status}");

    starts(&machine);
    machine.ok(&["dpkg", "--purge", "igloo"]);
    let after = machine.ok(&["sh", "-c", "find /usr /etc -xdev | sort"]);
    assert!(after == before, "{}", difference(&before, &after));
}

/// The app shows its tray, and ends when it is told to.
fn starts(machine: &Machine) {
    let desktop = Desktop::start();
    let mut command = desktop.command("nsenter");
    command.arg(machine.inside()).arg("--").arg("/usr/bin/igloo-tray");
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    let mut app = command.spawn().unwrap();
    let tray = desktop.tray();
    let labels = tray.labels();
    let quit = labels.iter().find(|label| label.starts_with("Quit")).unwrap_or_else(|| panic!("{labels:?}"));
    tray.click(quit);
    assert!(app.wait().unwrap().success());
}

fn difference(before: &str, after: &str) -> String {
    let set = |text: &str| text.lines().map(Path::new).map(PathBuf::from).collect::<BTreeSet<_>>();
    format!("{:#?}", set(before).symmetric_difference(&set(after)).collect::<Vec<_>>())
}
