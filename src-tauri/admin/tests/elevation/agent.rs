//! polkit's agent: what a desktop shows the dialog with. This one has its answer ready, and notes what it
//! was asked. Protocol: `org.freedesktop.PolicyKit1.AuthenticationAgent`.

use crate::machine::{BUS, UID};
use std::collections::HashMap;
use std::fs;
use std::sync::{Arc, Mutex};
use zbus::wire::{OwnedVariant, Type, Variant};
use zbus::{Connection, DBusError, Message, block_on, interface};

const PATH: &str = "/dev/igloo/test/Agent";

/// A subject or an identity: its kind, and what describes it.
type Described = (String, HashMap<String, OwnedVariant>);

/// What the user at the dialog does.
#[derive(Clone, Copy)]
pub enum Answer {
    /// Gives the password of the first administrator.
    Allow,
    /// Gives the password of this user.
    AllowAs(u32),
    /// Gives a wrong password until the dialog goes away.
    Refuse,
    /// Closes the dialog.
    Close,
    /// Is gone, as a desktop that ended.
    Vanish,
}

/// What the dialog shows.
#[derive(Clone, Debug)]
pub struct Question {
    pub action: String,
    pub message: String,
    /// Those whose password it may be.
    pub uids: Vec<u32>,
}

/// An agent, as long as the value lives.
pub struct Agent {
    connection: Connection,
    questions: Arc<Mutex<Vec<Question>>>,
}

impl Agent {
    /// An agent on the system bus, for nobody yet.
    pub fn start(answer: Answer) -> Agent {
        let questions = Arc::default();
        let connection = block_on(zbus::connection::Builder::address(BUS).build()).unwrap();
        let dialog = Dialog { connection: connection.clone(), answer, questions: Arc::clone(&questions) };
        assert!(block_on(connection.object_server().at(PATH, dialog)).unwrap().is_none());
        Agent { connection, questions }
    }

    /// Answers for what this process of the user asks.
    pub fn stand_by(&self, pid: u32) {
        let about = [
            ("pid", Variant::from(pid)),
            ("start-time", Variant::from(start_time(pid))),
            ("uid", Variant::from(i32::try_from(UID).unwrap())),
        ];
        let subject = ("unix-process", HashMap::from(about));
        block_on(call(&self.connection, "RegisterAuthenticationAgent", &(subject, "C", PATH))).unwrap();
    }

    /// What it was asked until now.
    pub fn questions(&self) -> Vec<Question> {
        self.questions.lock().unwrap().clone()
    }
}

/// The dialog.
struct Dialog {
    connection: Connection,
    answer: Answer,
    questions: Arc<Mutex<Vec<Question>>>,
}

/// How a dialog may end without an answer.
#[derive(Debug, DBusError)]
#[zbus(prefix = "org.freedesktop.PolicyKit1.Error")]
enum Ended {
    #[zbus(error)]
    Bus(zbus::Error),
    Cancelled,
}

#[interface(name = "org.freedesktop.PolicyKit1.AuthenticationAgent")]
impl Dialog {
    async fn begin_authentication(
        &self,
        action: String,
        message: String,
        _icon: String,
        _details: HashMap<String, String>,
        cookie: String,
        identities: Vec<Described>,
    ) -> Result<(), Ended> {
        let uids: Vec<u32> = identities.iter().filter_map(uid).collect();
        let first = uids.first().copied();
        self.questions.lock().unwrap().push(Question { action, message, uids });
        let who = match self.answer {
            Answer::Allow => first.unwrap(),
            Answer::AllowAs(uid) => uid,
            Answer::Refuse => return Ok(()),
            Answer::Close => return Err(Ended::Cancelled),
            Answer::Vanish => return Ok(self.connection.clone().close().await?),
        };
        // as the real one's helper does, which has checked the password as root
        let identity = ("unix-user", HashMap::from([("uid", Variant::from(who))]));
        call(&self.connection, "AuthenticationAgentResponse2", &(0u32, cookie, identity)).await?;
        Ok(())
    }

    fn cancel_authentication(&self, _cookie: String) {}
}

fn uid((kind, about): &Described) -> Option<u32> {
    let uid = about.get("uid").filter(|_| kind == "unix-user")?;
    u32::try_from(uid.clone()).ok()
}

async fn call<B: serde::Serialize + Type>(
    connection: &Connection,
    method: &str,
    body: &B,
) -> zbus::Result<Message> {
    let (name, path) = ("org.freedesktop.PolicyKit1", "/org/freedesktop/PolicyKit1/Authority");
    let interface = "org.freedesktop.PolicyKit1.Authority";
    connection.call_method(Some(name), path, Some(interface), method, body).await
}

/// When a process started: with its id, this names it for good.
fn start_time(pid: u32) -> u64 {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
    // the name before may have spaces and brackets in it
    let (_, rest) = stat.rsplit_once(") ").unwrap();
    rest.split(' ').nth(19).unwrap().parse().unwrap()
}
