//! Against a socket that a script speaks on. The real QEMU's turn is in `tests/vm_qemu.rs`.

use super::*;
use tokio::net::UnixListener;

const LONG: Duration = Duration::from_secs(20);
const SHORT: Duration = Duration::from_millis(50);
const GREETING: &str = "{\"QMP\": {\"version\": {}, \"capabilities\": [\"oob\"]}}\n";

/// A server whose talk is scripted by what it sends after each line it reads.
struct Fake {
    dir: tempfile::TempDir,
    task: tokio::task::JoinHandle<UnixStream>,
}

impl Fake {
    /// Sends `greeting`, then each answer in turn for a line that comes in. `ID` in it is the line's id.
    fn new(greeting: &str, answers: &[&str]) -> Fake {
        let dir = tempfile::tempdir().unwrap();
        let listener = UnixListener::bind(dir.path().join("s")).unwrap();
        let greeting = greeting.to_owned();
        let answers: Vec<_> = answers.iter().map(|a| (*a).to_owned()).collect();
        let task = tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            stream.write_all(greeting.as_bytes()).await.unwrap();
            let (read, mut write) = stream.split();
            let mut lines = BufReader::new(read).lines();
            for answer in answers {
                let line: Value = serde_json::from_str(&lines.next_line().await.unwrap().unwrap()).unwrap();
                let answer = answer.replace("ID", &line["id"].to_string());
                write.write_all(answer.as_bytes()).await.unwrap();
            }
            stream
        });
        Fake { dir, task }
    }

    async fn connect(&self, within: Duration) -> Result<(Qmp, broadcast::Receiver<Event>), QmpError> {
        Qmp::connect(&self.dir.path().join("s"), within).await
    }
}

const OK: &str = "{\"return\": {}, \"id\": ID}\n";

#[tokio::test]
async fn replies_and_events_find_their_way() {
    let events = "{\"event\": \"RESET\", \"data\": {\"guest\": true}, \"timestamp\": {}}\n\
                  {\"event\": \"SHUTDOWN\", \"data\": {\"reason\": \"guest-shutdown\"}}\n\
                  {\"return\": {\"status\": \"running\"}, \"id\": ID}\n";
    let refused = "{\"error\": {\"class\": \"GenericError\", \"desc\": \"no\"}, \"id\": ID}\n";
    let fake = Fake::new(GREETING, &[OK, events, refused]);
    let (qmp, mut received) = fake.connect(LONG).await.unwrap();
    assert_eq!(qmp.execute("query-status", LONG).await.unwrap()["status"], "running");
    assert_eq!(received.recv().await.unwrap().event, "RESET");
    assert_eq!(qmp.shutdown_reason().as_deref(), Some("guest-shutdown"));
    let error = qmp.execute("frobnicate", LONG).await.unwrap_err();
    assert_eq!(error, QmpError::Refused { command: "frobnicate".into(), reason: "no".into() });

    // the script is over: the end is noticed by who waits and by who comes
    drop(fake.task.await.unwrap());
    assert_eq!(qmp.closed().await, QmpError::Closed);
    assert_eq!(qmp.execute("quit", LONG).await.unwrap_err(), QmpError::Closed);
}

#[tokio::test]
async fn a_line_in_pieces_is_one_line() {
    let fake = Fake::new(&GREETING[..10], &[]);
    let socket = fake.dir.path().join("s");
    let connected = tokio::spawn(async move { Qmp::connect(&socket, LONG).await.map(|(qmp, _)| qmp) });
    let mut stream = fake.task.await.unwrap();
    stream.write_all(&GREETING.as_bytes()[10..]).await.unwrap();
    let mut line = String::new();
    BufReader::new(&mut stream).read_line(&mut line).await.unwrap();
    for piece in [&b"{\"return\": "[..], b"{}, \"id\"", b": 1}", b"\n"] {
        stream.write_all(piece).await.unwrap();
        stream.flush().await.unwrap();
        tokio::task::yield_now().await;
    }
    assert!(connected.await.unwrap().is_ok());
}

#[tokio::test]
async fn what_is_not_qmp_is_named() {
    for greeting in ["SSH-2.0-OpenSSH\r\n", "{\"hello\": 1}\n", "\n", "[]\n"] {
        let error = Fake::new(greeting, &[]).connect(LONG).await.err().unwrap();
        assert!(matches!(error, QmpError::Garbage(_)), "{greeting:?}: {error}");
    }
    for answer in ["garbage\n", "{\"return\": 1}\n", "{\"error\": {\"desc\": \"JSON parse error\"}}\n"] {
        let error = Fake::new(GREETING, &[answer]).connect(LONG).await.err().unwrap();
        assert!(matches!(error, QmpError::Garbage(_)), "{answer:?}: {error}");
    }
}

#[tokio::test]
async fn a_line_without_end_is_not_read_for_ever() {
    let long = format!("{{\"x\": \"{}", "y".repeat(MAX_LINE as usize));
    let error = Fake::new(GREETING, &[&long]).connect(LONG).await.err().unwrap();
    assert_eq!(error, QmpError::Garbage("a line that does not end".into()));
}

#[tokio::test]
async fn a_half_line_before_the_end_is_the_end() {
    let fake = Fake::new(GREETING, &[OK, "{\"return\""]);
    let (qmp, _events) = fake.connect(LONG).await.unwrap();
    let (answer, ()) = tokio::join!(qmp.execute("query-status", LONG), async {
        drop(fake.task.await.unwrap());
    });
    assert_eq!(answer.unwrap_err(), QmpError::Closed);
}

#[tokio::test]
async fn silence_has_a_deadline_everywhere() {
    let dir = tempfile::tempdir().unwrap();
    let nothing = Qmp::connect(&dir.path().join("s"), SHORT).await.err().unwrap();
    assert!(matches!(nothing, QmpError::Connect(_)));

    let mute = Fake::new("", &[]);
    assert_eq!(mute.connect(SHORT).await.err().unwrap(), QmpError::Timeout("the greeting".into()));

    let no_reply = Fake::new(GREETING, &[OK]);
    let (qmp, _events) = no_reply.connect(LONG).await.unwrap();
    let error = qmp.execute("query-status", SHORT).await.unwrap_err();
    assert_eq!(error, QmpError::Timeout("query-status".into()));
    assert!(qmp.shared.waiting().is_empty());
}

#[tokio::test]
async fn an_answer_that_comes_too_late_is_dropped() {
    let late = Fake::new(GREETING, &[OK, "", "{\"return\": 1, \"id\": 2}\n{\"return\": 2, \"id\": ID}\n"]);
    let (qmp, _events) = late.connect(LONG).await.unwrap();
    qmp.execute("one", SHORT).await.unwrap_err();
    assert_eq!(qmp.execute("two", LONG).await.unwrap(), 2);
}
