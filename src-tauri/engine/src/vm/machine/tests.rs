//! A machine whose QEMU is a script on a socket, for states into which no test can bring a real one.

use super::*;
use igloo_protocol::Accel;
use serde_json::{Value, json};
use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader},
    net::UnixListener,
};

/// Answers `query-status` with each of `states` in turn and, after each but the last, says `STOP`.
async fn qemu(listener: UnixListener, states: Vec<&'static str>) {
    let (mut stream, _) = listener.accept().await.unwrap();
    let (read, mut write) = stream.split();
    write.write_all(b"{\"QMP\": {}}\n").await.unwrap();
    let mut lines = BufReader::new(read).lines();
    let mut states = states.into_iter().peekable();
    while let Some(line) = lines.next_line().await.unwrap() {
        let line: Value = serde_json::from_str(&line).unwrap();
        let answer = match line["execute"].as_str().unwrap() {
            "query-status" => json!({"status": states.next().unwrap()}),
            _ => json!({}),
        };
        let mut out = json!({"return": answer, "id": line["id"]}).to_string() + "\n";
        if line["execute"] == "query-status" && states.peek().is_some() {
            out += "{\"event\": \"STOP\", \"timestamp\": {}}\n";
        }
        write.write_all(out.as_bytes()).await.unwrap();
    }
}

async fn stuck_after(states: &[&'static str]) -> Problem {
    let dir = tempfile::tempdir().unwrap();
    let run = RunDir::new(dir.path());
    tokio::spawn(qemu(UnixListener::bind(run.socket()).unwrap(), states.to_vec()));
    let qmp = Qmp::connect(&run.socket(), ANSWER).await.unwrap();
    let record = Record {
        pid: 0,
        uuid: Uuid::nil(),
        ssh_port: 1,
        accel: Accel::Kvm,
        cores: 1,
        memory_mib: 1,
        ephemeral: false,
        disk: "/d".into(),
        image: "i".into(),
        manifest: "m".into(),
        started_ms: 0,
    };
    let vm = Vm::adopted(record, run, Some(qmp));
    timeout(ANSWER, vm.stuck()).await.unwrap()
}

#[tokio::test]
async fn a_guest_that_stands_still_for_good_is_told() {
    for (states, code) in [
        (&["running", "internal-error"][..], Code::VmFailed),
        (&["running", "paused", "running", "io-error"], Code::DiskFull),
        (&["guest-panicked"], Code::VmCrashed),
    ] {
        assert_eq!(stuck_after(states).await.code, code, "{states:?}");
    }
}

#[test]
fn only_an_orderly_end_is_a_power_off() {
    let exit = |reason: Option<&str>| Exit {
        status: Some(0),
        signal: None,
        reason: reason.map(str::to_owned),
        tail: String::new(),
        console: String::new(),
    };
    assert!(exit(Some("guest-shutdown")).was_power_off());
    assert!(exit(Some("host-qmp-quit")).was_power_off());
    for reason in [None, Some("guest-reset"), Some("guest-panic"), Some("host-error")] {
        assert!(!exit(reason).was_power_off(), "{reason:?}");
    }
}
