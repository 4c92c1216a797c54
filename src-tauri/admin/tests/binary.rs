//! The real binary, with arguments that it must refuse. None of these runs reaches a file.
#![allow(clippy::unwrap_used, clippy::panic, missing_docs)]

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use igloo_protocol::Code;
use igloo_protocol::plan::{Outcome, Report};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::process::{Command, Output};

const KEY: &str = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJBWcxb/Blaqt1auOtE+F8QUWrUotiC5qBJ+UuEWdVCb";

fn run(args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_igloo-admin")).args(args).output().unwrap()
}

fn refused_as(output: &Output, code: Code) -> String {
    assert_eq!(output.status.code(), Some(i32::from(code.exit_code())), "{output:?}");
    let report: Report = serde_json::from_slice(&output.stdout).unwrap();
    let problem = report.problem.unwrap();
    assert_eq!((report.outcome, problem.code), (Outcome::Failed, code));
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(stderr.contains(&problem.message) && stderr.contains(&problem.remedy), "{stderr}");
    problem.message
}

fn refused_plan(json: &str) -> String {
    refused_as(&run(&["apply", &STANDARD.encode(json)]), Code::Usage)
}

fn machine(field: &str, value: &str) -> String {
    let mut fields = serde_json::json!({"builder": "aarch64", "systems": ["aarch64-linux"], "max_jobs": 1,
        "features": [], "host_key": KEY});
    fields[field] = serde_json::from_str(value).unwrap();
    serde_json::json!({"version": 1, "files": [], "ops": [{"machine": fields}]}).to_string()
}

#[test]
fn words_it_does_not_know() {
    for args in [&[][..], &["install"], &["apply"], &["undo", "/etc"], &["apply", "e30=", "x"], &["--help"]] {
        refused_as(&run(args), Code::Usage);
    }
}

#[test]
fn unknown_operation() {
    let message = refused_plan(r#"{"version":1,"files":[],"ops":[{"run":{"command":"id"}}]}"#);
    assert!(message.contains("unknown variant `run`"), "{message}");
}

#[test]
fn plan_of_another_version() {
    assert!(refused_plan(r#"{"version":2,"ops":[]}"#).contains("version 2"));
}

#[test]
fn oversized_argument() {
    let long = "A".repeat(64 * 1024 + 4);
    assert!(refused_as(&run(&["apply", &long]), Code::Usage).contains("too long"));
}

#[test]
fn newline_and_other_ways_out_of_a_value() {
    refused_plan(&machine("features", r#"["kvm\nssh://evil"]"#));
    refused_plan(&machine("features", r#"["kvm;ssh://evil"]"#));
    refused_plan(&machine("features", r#"["kvm evil"]"#));
    refused_plan(&machine("features", "[\"\u{43a}vm\"]"));
    refused_plan(&machine("host_key", &format!(r#""{KEY}\nssh-rsa AAAA""#)));
    refused_plan(&machine("builder", r#""aarch64\n  ProxyCommand id""#));
    refused_plan(&machine("systems", r#"["aarch64-linux /etc/passwd"]"#));
    refused_plan(&machine("max_jobs", "0"));
    refused_plan(&machine("proxy_command", r#""id""#));
    let port = r#"{"version":1,"files":[],"ops":[{"ssh_host":{"builder":"aarch64","port":"22\n ProxyCommand id"}}]}"#;
    refused_plan(port);
}

#[test]
fn garbage_instead_of_base64() {
    for text in ["", "{}", "e30", "e30=\n", "\u{202e}"] {
        refused_as(&run(&["apply", text]), Code::Usage);
    }
}

#[test]
fn not_root() {
    // where nobody can reach the build folder, a copy can be reached
    let dir = tempfile::tempdir().unwrap();
    std::fs::set_permissions(dir.path(), std::fs::Permissions::from_mode(0o755)).unwrap();
    let copy = dir.path().join("igloo-admin");
    // by another process: a descriptor of ours, open for writing, could be inherited by a child that
    // another test starts, and then the copy could not be run (ETXTBSY)
    let cp = Command::new("cp").arg(env!("CARGO_BIN_EXE_igloo-admin")).arg(&copy).status().unwrap();
    assert!(cp.success());
    for verb in ["undo", "status"] {
        let mut command = Command::new(&copy);
        command.arg(verb).current_dir("/");
        if rustix::process::geteuid().is_root() {
            command.uid(65534).gid(65534);
        }
        refused_as(&command.output().unwrap(), Code::NotAllowed);
    }
}
