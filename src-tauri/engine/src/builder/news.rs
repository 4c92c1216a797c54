//! What the supervisor is told: by faces, and by the tasks that it started.

use crate::{
    guest::{Daemon, Guest, GuestNix, Observation},
    image::Image,
    settings::BuilderSettings,
    vm::{Exit, MachineSpec, Vm},
};
use igloo_protocol::{PrepareStep, Problem, Rung};
use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};
use tokio::sync::{mpsc, oneshot};
use uuid::Uuid;

use super::{layout::Keys, lifecycle::Event};

/// How the supervisor answers a face.
pub type Reply = oneshot::Sender<Result<(), Problem>>;

/// What the supervisor is told.
pub enum Message {
    /// A face asks for something.
    Ask(Event, Reply),
    /// A face asks for a clean disk at the next start.
    Reset(Reply),
    /// A face hands over the Nix daemon's public key, or takes it back.
    DaemonKey(Option<String>, Reply),
    /// The user's choices changed.
    Settings(Box<BuilderSettings>, Reply),
    /// Another program's service has taken a port, or left one.
    Ports,
    /// A task tells how it goes.
    News(News),
}

/// What a task tells.
pub enum News {
    /// The start came to this step.
    Step(Term, PrepareStep),
    /// A machine runs. Told even when the start was given up meanwhile, so that it can be ended.
    Launched(Box<Launched>),
    /// The ladder's next rung was reached.
    Climbed(Term, Rung),
    /// Every rung was reached.
    Ready(Term, Box<Up>),
    /// The start, or the climb, came to an end without a builder.
    Failed(Term, Problem),
    /// What a look into the guest showed.
    Observed(Term, Box<Observation>),
    /// What is wrong with the guest's clock, if anything is.
    Clock(Term, Option<Problem>),
    /// The guest does not answer any more.
    Lost(Term, Problem),
    /// The machine with this id ended.
    Exited(Uuid, Box<Exit>),
    /// The guest stands still for good while the machine lives on.
    Stuck(Uuid, Problem),
}

/// A guest on which Nix can build.
pub struct Up {
    /// The session with it.
    pub guest: Guest,
    /// Its `nix-daemon`.
    pub daemon: Daemon,
    /// What its Nix builds.
    pub nix: GuestNix,
}

/// A machine that runs, with what was laid out for it.
pub struct Launched {
    /// The machine.
    pub vm: Arc<Vm>,
    /// What it booted.
    pub image: Image,
    /// How to log in.
    pub keys: Keys,
    /// What the user should know about its disk.
    pub warning: Option<Problem>,
    /// What it was started with; `None` after an adoption.
    pub started: Option<(MachineSpec, BuilderSettings)>,
}

/// The start, climb or session that a task belongs to. What a task of an earlier term tells is old news.
#[derive(Clone, Debug)]
pub struct Term {
    own: u64,
    current: Arc<AtomicU64>,
}

impl Term {
    /// The first term.
    pub fn first() -> Term {
        Term { own: 0, current: Arc::default() }
    }

    /// Ends this term and begins the next.
    pub fn next(&self) -> Term {
        Term { own: self.current.fetch_add(1, Ordering::SeqCst) + 1, current: self.current.clone() }
    }

    /// Whether no other term has begun since.
    pub fn is_current(&self) -> bool {
        self.current.load(Ordering::SeqCst) == self.own
    }
}

/// Tells the supervisor. A supervisor that is gone needs no news.
#[derive(Clone)]
pub struct Teller(pub mpsc::UnboundedSender<Message>);

impl Teller {
    /// Tells it.
    pub fn tell(&self, news: News) {
        let _ = self.0.send(Message::News(news));
    }
}
