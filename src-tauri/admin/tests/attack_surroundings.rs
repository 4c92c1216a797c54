//! What an attacker might do around `igloo-admin`: its environment, its open files, its place, and others
//! of its kind at the same time. The real binary, as root in a mount namespace. Each test is named for what
//! it tries.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, clippy::panic, missing_docs)]

mod support;

use igloo_admin::{Root, encode, helper};
use igloo_protocol::Code;
use igloo_protocol::plan::{Outcome, StepState};
use std::fs;
use std::os::unix::fs::{PermissionsExt, chown};
use std::path::Path;
use std::process::{Command, Output, Stdio};
use support::binary::{PROGRAM, by_hand, refused_as, report};
use support::{all_ops, namespace};

const INSTALLED: &str = "/usr/local/libexec/igloo-admin";

fn plan() -> String {
    fs::create_dir_all("/etc/nix").unwrap();
    encode(&igloo_admin::plan(&Root::system(), &all_ops()).unwrap()).unwrap()
}

fn script(path: &Path, text: &str) {
    fs::write(path, text).unwrap();
    fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
}

/// A copy of `igloo-admin` in a folder with this owner and mode.
fn copy_to(folder: &str, uid: u32, mode: u32) -> String {
    fs::create_dir(folder).unwrap();
    let copy = format!("{folder}/igloo-admin");
    // by another process, see tests/binary.rs
    assert!(Command::new("cp").arg(PROGRAM).arg(&copy).status().unwrap().success());
    fs::set_permissions(folder, fs::Permissions::from_mode(mode)).unwrap();
    chown(folder, Some(uid), None).unwrap();
    copy
}

fn run(program: &str, args: &[&str]) -> Output {
    Command::new(program).args(args).output().unwrap()
}

#[test]
fn path_ld_preload_and_dyld_in_the_environment() {
    namespace::inside("path_ld_preload_and_dyld_in_the_environment", || {
        // in the place of the real ssh-keygen one that writes down what it was given
        let (real, told) = ("/var/lib/ssh-keygen", Path::new("/var/lib/told"));
        fs::copy("/usr/bin/ssh-keygen", real).unwrap();
        let spy = Path::new("/var/lib/spy");
        script(
            spy,
            &format!("#!/bin/sh\n/bin/cat /proc/$$/environ > {}\nexec {real} \"$@\"\n", told.display()),
        );
        let bound = Command::new("mount").args(["--bind"]).arg(spy).arg("/usr/bin/ssh-keygen").status();
        assert!(bound.unwrap().success());
        // and another one that comes first in PATH
        fs::create_dir("/var/lib/evil").unwrap();
        script(Path::new("/var/lib/evil/ssh-keygen"), "#!/bin/sh\n/usr/bin/touch /var/lib/evil/ran\n");

        let mut command = Command::new(PROGRAM);
        command.args(["--by-hand", "apply", &plan()]).env("PATH", "/var/lib/evil");
        for name in
            ["LD_PRELOAD", "LD_LIBRARY_PATH", "LD_AUDIT", "DYLD_INSERT_LIBRARIES", "DYLD_LIBRARY_PATH"]
        {
            command.env(name, "/var/lib/evil/none.so");
        }
        for name in ["HOME", "TMPDIR", "BASH_ENV", "ENV", "SSH_ASKPASS", "OPENSSL_CONF", "IFS", "SUDO_UID"] {
            command.env(name, "/var/lib/evil");
        }
        assert_eq!(report(&command.output().unwrap()).outcome, Outcome::Applied);
        assert_eq!(fs::read_to_string(told).unwrap(), "", "it got an empty environment");
        assert!(!Path::new("/var/lib/evil/ran").exists());
    });
}

#[test]
fn closed_standard_input_output_and_error() {
    namespace::inside("closed_standard_input_output_and_error", || {
        let before = namespace::everything();
        let closed = |verb: &[&str]| {
            let shell = Command::new("sh")
                .args(["-c", r#"exec "$@" <&- >&- 2>&-"#, "sh", PROGRAM, "--by-hand"])
                .args(verb)
                .stdin(Stdio::null())
                .status();
            shell.unwrap().code()
        };
        let plan = plan();
        let made = namespace::everything();
        assert_eq!(closed(&["apply", &plan]), Some(0));
        for tree in namespace::everything() {
            for (path, line) in tree {
                assert!(
                    !line.contains("outcome") && !line.contains("igloo-admin:"),
                    "{}: {line}",
                    path.display()
                );
            }
        }
        let key = fs::read_to_string("/etc/nix/igloo_builder_ed25519").unwrap();
        assert!(key.ends_with("-----END OPENSSH PRIVATE KEY-----\n"), "{}", key.len());
        assert!(report(&by_hand(&["status"])).steps.iter().all(|s| s.state == StepState::InPlace));
        // one that is refused, and says so to nobody
        assert_eq!(closed(&["apply", &plan]), Some(i32::from(Code::FileChanged.exit_code())));
        assert_eq!(closed(&["undo"]), Some(0));
        assert_eq!(namespace::everything(), made);
        fs::remove_dir("/etc/nix").unwrap();
        assert_eq!(namespace::everything(), before);
    });
}

#[test]
fn helpers_at_the_same_time() {
    namespace::inside("helpers_at_the_same_time", || {
        let plan = plan();
        let before = namespace::everything();
        let start = || {
            let mut helper = Command::new(PROGRAM);
            helper.args(["--by-hand", "apply", &plan]).stdout(Stdio::piped()).stderr(Stdio::piped());
            helper.spawn().unwrap()
        };
        let helpers: Vec<_> = (0..6).map(|_| start()).collect();
        let mut applied = 0;
        for helper in helpers {
            let report = report(&helper.wait_with_output().unwrap());
            match report.problem {
                None => applied += usize::from(report.outcome == Outcome::Applied),
                Some(problem) => {
                    assert!([Code::AdminFailed, Code::FileChanged].contains(&problem.code), "{problem}");
                }
            }
        }
        assert_eq!(applied, 1, "one does it, the others see that it is done or being done");
        assert!(report(&by_hand(&["status"])).steps.iter().all(|s| s.state == StepState::InPlace));
        assert_eq!(report(&by_hand(&["undo"])).outcome, Outcome::Undone);
        assert_eq!(namespace::everything(), before);
    });
}

#[test]
fn started_from_where_its_user_may_write() {
    namespace::inside("started_from_where_its_user_may_write", || {
        let before = namespace::everything();
        for (folder, uid, mode) in [("/var/lib/theirs", 1000, 0o755), ("/var/lib/open", 0, 0o777)] {
            let copy = copy_to(folder, uid, mode);
            for args in [&["apply", &plan()][..], &["undo"], &["status"]] {
                let message = refused_as(&run(&copy, args), Code::AdminFailed);
                assert!(message.starts_with(folder) && message.contains("what root runs"), "{message}");
            }
            assert_eq!(report(&run(&copy, &["--by-hand", "status"])).problem, None);
        }
        let copy = copy_to("/var/lib/roots", 0, 0o755);
        assert_eq!(report(&run(&copy, &["status"])).problem, None);
        chown(&copy, Some(1000), None).unwrap();
        assert!(refused_as(&run(&copy, &["status"]), Code::AdminFailed).starts_with(&copy));
        assert_eq!(namespace::everything()[2], before[2]);
    });
}

#[test]
fn installed_once_it_is_run_from_there_and_removed_last() {
    namespace::inside("installed_once_it_is_run_from_there_and_removed_last", || {
        let plan = plan();
        let copy = copy_to("/var/lib/theirs", 1000, 0o755);
        let before = namespace::everything();
        let (hash, root) = (helper::hash(Path::new(&copy)).unwrap(), Root::system());
        assert_eq!(helper::installed(&root, &hash), None);
        let wrong = hash.as_str().replace(|c: char| c.is_ascii_digit(), "a");
        refused_as(&run(&copy, &["install", &wrong]), Code::FileChanged);
        assert_eq!(namespace::everything(), before);

        assert_eq!(report(&run(&copy, &["install", hash.as_str()])).outcome, Outcome::Applied);
        assert_eq!(report(&run(&copy, &["install", hash.as_str()])).outcome, Outcome::Unchanged);
        assert_eq!(helper::installed(&root, &hash).unwrap(), Path::new(INSTALLED));
        assert_eq!(helper::installed(&root, &support::hash(b"a newer one")), None);
        assert_eq!(fs::metadata(INSTALLED).unwrap().permissions().mode() & 0o7777, 0o755);

        assert_eq!(report(&run(INSTALLED, &["apply", &plan])).outcome, Outcome::Applied);
        // what can't be undone keeps it, for it will be needed
        let machines = fs::read_to_string("/etc/nix/machines").unwrap();
        fs::write("/etc/nix/machines", format!("{machines}ssh://mine\n")).unwrap();
        assert_eq!(report(&run(INSTALLED, &["undo"])).outcome, Outcome::PartlyUndone);
        assert!(Path::new(INSTALLED).exists());
        fs::write("/etc/nix/machines", machines).unwrap();
        assert_eq!(report(&run(INSTALLED, &["undo"])).outcome, Outcome::Undone);
        assert_eq!(namespace::everything(), before);
    });
}

#[test]
fn the_place_of_the_installed_one_is_taken() {
    namespace::inside("the_place_of_the_installed_one_is_taken", || {
        fs::create_dir("/usr/local/libexec").unwrap();
        script(Path::new(INSTALLED), "#!/bin/sh\n");
        let before = namespace::everything();
        let hash = helper::hash(Path::new(PROGRAM)).unwrap();
        refused_as(&run(PROGRAM, &["install", hash.as_str()]), Code::NotManaged);
        assert_eq!(namespace::everything(), before);
    });
}

#[test]
fn swapped_between_the_look_and_the_first_elevation() {
    namespace::inside("swapped_between_the_look_and_the_first_elevation", || {
        let elevated = |hash: &str, more: &[&str]| {
            Command::new("/bin/sh")
                .args(["-c", helper::INSTALL_SCRIPT, "igloo-install", "/var/lib/theirs/igloo-admin", hash])
                .args(more)
                .output()
                .unwrap()
        };
        let copy = copy_to("/var/lib/theirs", 1000, 0o755);
        let hash = helper::hash(Path::new(&copy)).unwrap();
        let before = namespace::everything();
        fs::rename(&copy, "/var/lib/theirs/real").unwrap();
        script(Path::new(&copy), "#!/bin/sh\n/usr/bin/touch /var/lib/evil\n");
        let output = elevated(hash.as_str(), &["status"]);
        assert_eq!((output.status.code(), output.stdout.len()), (Some(52), 0), "{output:?}");
        assert!(!Path::new(INSTALLED).exists() && !Path::new("/var/lib/evil").exists());

        // a link to something that only root can read tells its user nothing
        fs::remove_file(&copy).unwrap();
        std::os::unix::fs::symlink("/etc/shadow", &copy).unwrap();
        let output = elevated(hash.as_str(), &[]);
        assert!(!output.status.success() && output.stdout.is_empty(), "{output:?}");

        fs::remove_file(&copy).unwrap();
        fs::rename("/var/lib/theirs/real", &copy).unwrap();
        assert_eq!(namespace::everything(), before);
        assert_eq!(report(&elevated(hash.as_str(), &[])).outcome, Outcome::Applied);
        assert_eq!(report(&elevated(hash.as_str(), &["status"])).outcome, Outcome::Status);
        assert_eq!(helper::installed(&Root::system(), &hash).unwrap(), Path::new(INSTALLED));
        assert_eq!(report(&run(INSTALLED, &["undo"])).outcome, Outcome::Undone);
        assert_eq!(namespace::everything(), before);
    });
}
