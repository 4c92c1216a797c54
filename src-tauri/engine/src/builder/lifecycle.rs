//! The life of a builder as a pure state machine: what happened and what was asked for, in; the
//! next phase and what to do, out. It has no clock and does nothing itself.

use super::breaker::Breaker;
use igloo_protocol::{Code, Phase, PrepareStep, Problem, Rung, StopMode};

/// What happened, or was asked for.
#[derive(Clone, Debug, PartialEq)]
pub enum Event {
    /// The user (or a connection) wants the builder.
    StartAsked,
    /// The user wants it stopped.
    StopAsked(StopMode),
    /// The user wants it stopped and started again.
    RestartAsked(StopMode),
    /// A machine from an earlier engine still runs.
    Adopted,
    /// The start came to this step.
    Step(PrepareStep),
    /// The machine's process is there; from now on it can end by itself.
    Launched,
    /// The ladder's next rung was reached.
    Climbed(Rung),
    /// Every rung was reached.
    Ready,
    /// The start came to an end without a builder.
    StartFailed(Problem),
    /// The machine ended: how, as a problem, in case nobody asked it to.
    Exited(Problem),
    /// The guest stands still for good, and the machine lives on.
    Stuck(Problem),
    /// So many builds run in the guest.
    Builds(usize),
    /// The guest does not answer any more.
    Lost,
}

/// What is to be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Prepare, launch, and climb the ladder.
    Start,
    /// Climb the ladder of a machine that runs.
    Climb,
    /// Give up the start or the climb that is under way.
    Abandon,
    /// Power the guest off; kill the machine if that takes too long.
    PowerOff,
    /// End the machine at once: its guest is not up yet.
    Quit,
    /// Forget the machine that ended, and what it leaves behind.
    CleanUp,
}

/// Where a builder is, and what must be remembered to go on from there.
#[derive(Clone, Debug, PartialEq)]
pub struct Lifecycle {
    phase: Phase,
    /// A machine's process is there.
    machine: bool,
    /// That machine has been ready.
    was_ready: bool,
    /// Start again once it has stopped.
    again: bool,
    builds: usize,
    breaker: Breaker,
}

impl Default for Lifecycle {
    fn default() -> Self {
        Lifecycle {
            phase: Phase::Stopped,
            machine: false,
            was_ready: false,
            again: false,
            builds: 0,
            breaker: Breaker::default(),
        }
    }
}

impl Lifecycle {
    /// Where the builder is.
    pub fn phase(&self) -> &Phase {
        &self.phase
    }

    /// The next state, and what to do. `now_ms` is any clock that counts milliseconds.
    ///
    /// # Errors
    /// [`Code::WrongPhase`] where what was asked for can't be done now; the state stays as it is.
    pub fn handle(&mut self, event: Event, now_ms: u64) -> Result<Vec<Effect>, Problem> {
        match event {
            Event::StartAsked => self.start_asked(),
            Event::StopAsked(mode) => Ok(self.stop_asked(mode)),
            Event::RestartAsked(mode) => self.restart_asked(mode),
            Event::Adopted => Ok(self.adopted()),
            Event::Step(step) => Ok(self.stepped(step)),
            Event::Launched => Ok(self.launched()),
            Event::Climbed(rung) => Ok(self.climbed(rung)),
            Event::Ready => Ok(self.became_ready()),
            Event::StartFailed(problem) => Ok(self.start_failed(problem, now_ms)),
            Event::Exited(problem) => Ok(self.exited(problem, now_ms)),
            Event::Stuck(problem) => Ok(self.stuck(problem, now_ms)),
            Event::Builds(n) => Ok(self.counted(n)),
            Event::Lost => Ok(self.lost()),
        }
    }

    fn start_asked(&mut self) -> Result<Vec<Effect>, Problem> {
        match &self.phase {
            Phase::Stopped => Ok(self.begin()),
            Phase::Failed { .. } => {
                self.breaker.reset();
                Ok(if self.machine { self.climb_again() } else { self.begin() })
            }
            Phase::Draining { .. } => {
                self.phase = Phase::Ready;
                Ok(vec![])
            }
            Phase::Stopping => Err(Problem::new(
                Code::WrongPhase,
                "the builder is stopping, so it can't be started now",
                "wait until it has stopped and start it again, or use `igloo restart`",
            )),
            Phase::Preparing { .. } | Phase::Booting { .. } | Phase::Ready => Ok(vec![]),
        }
    }

    fn stop_asked(&mut self, mode: StopMode) -> Vec<Effect> {
        self.again = false;
        self.stop(mode)
    }

    fn restart_asked(&mut self, mode: StopMode) -> Result<Vec<Effect>, Problem> {
        if self.phase == Phase::Stopping {
            self.again = true;
            return Ok(vec![]);
        }
        if !self.machine && !self.phase.is_up() {
            return self.start_asked();
        }
        self.again = true;
        Ok(self.stop(mode))
    }

    fn stop(&mut self, mode: StopMode) -> Vec<Effect> {
        match &self.phase {
            Phase::Stopped | Phase::Stopping => vec![],
            Phase::Failed { .. } if !self.machine => {
                self.phase = Phase::Stopped;
                vec![]
            }
            Phase::Preparing { .. } if !self.machine => {
                self.phase = Phase::Stopped;
                let mut effects = vec![Effect::Abandon, Effect::CleanUp];
                effects.extend(self.again_if_asked());
                effects
            }
            Phase::Preparing { .. } | Phase::Booting { .. } => {
                self.phase = Phase::Stopping;
                vec![Effect::Abandon, Effect::Quit]
            }
            Phase::Ready | Phase::Draining { .. } if mode == StopMode::Wait && self.builds > 0 => {
                self.phase = Phase::Draining { builds: self.builds };
                vec![]
            }
            Phase::Ready | Phase::Draining { .. } | Phase::Failed { .. } => {
                self.phase = Phase::Stopping;
                vec![Effect::PowerOff]
            }
        }
    }

    fn adopted(&mut self) -> Vec<Effect> {
        self.machine = true;
        self.climb_again()
    }

    fn stepped(&mut self, step: PrepareStep) -> Vec<Effect> {
        if let Phase::Preparing { step: now } = &mut self.phase {
            *now = step;
        }
        vec![]
    }

    fn launched(&mut self) -> Vec<Effect> {
        self.machine = true;
        self.was_ready = false;
        match self.phase {
            Phase::Preparing { .. } | Phase::Booting { .. } => {
                self.phase = Phase::Booting { rung: Some(Rung::Process) };
                vec![]
            }
            // it was stopped while it was being launched
            _ => {
                self.phase = Phase::Stopping;
                vec![Effect::Abandon, Effect::Quit]
            }
        }
    }

    fn climbed(&mut self, reached: Rung) -> Vec<Effect> {
        if let Phase::Booting { rung } = &mut self.phase {
            *rung = Some(rung.map_or(reached, |r| r.max(reached)));
        }
        vec![]
    }

    fn became_ready(&mut self) -> Vec<Effect> {
        if matches!(self.phase, Phase::Booting { .. }) {
            self.phase = Phase::Ready;
            self.was_ready = true;
            self.breaker.reset();
        }
        vec![]
    }

    fn start_failed(&mut self, problem: Problem, now_ms: u64) -> Vec<Effect> {
        if !matches!(self.phase, Phase::Preparing { .. } | Phase::Booting { .. }) {
            return vec![];
        }
        if self.machine && problem.code == Code::GuestUnreachable {
            self.phase = Phase::Failed { problem };
            return vec![];
        }
        // what the launch itself can mend by another try, it has tried
        if !self.machine && problem.code == Code::VmFailed {
            self.fail(problem);
            return vec![Effect::Abandon, Effect::CleanUp];
        }
        self.retry_or_fail(problem, now_ms)
    }

    fn exited(&mut self, problem: Problem, now_ms: u64) -> Vec<Effect> {
        self.machine = false;
        self.builds = 0;
        match self.phase {
            Phase::Stopping => {
                self.phase = Phase::Stopped;
                let mut effects = vec![Effect::CleanUp];
                effects.extend(self.again_if_asked());
                effects
            }
            // its silence may be noticed before its end: a guest that was ready and is looked for again is not young
            Phase::Preparing { .. } | Phase::Booting { .. } if !self.was_ready => {
                self.retry_or_fail(problem, now_ms)
            }
            // what went wrong before is the cause of this end
            Phase::Failed { .. } => vec![Effect::CleanUp],
            _ => {
                self.fail(problem);
                vec![Effect::Abandon, Effect::CleanUp]
            }
        }
    }

    fn stuck(&mut self, problem: Problem, now_ms: u64) -> Vec<Effect> {
        match self.phase {
            Phase::Preparing { .. } | Phase::Booting { .. } => self.retry_or_fail(problem, now_ms),
            Phase::Ready | Phase::Draining { .. } => {
                self.fail(problem);
                vec![Effect::Abandon, Effect::Quit]
            }
            _ => vec![],
        }
    }

    fn counted(&mut self, builds: usize) -> Vec<Effect> {
        self.builds = builds;
        match &mut self.phase {
            Phase::Draining { .. } if builds == 0 => {
                self.phase = Phase::Stopping;
                vec![Effect::PowerOff]
            }
            Phase::Draining { builds: shown } => {
                *shown = builds;
                vec![]
            }
            _ => vec![],
        }
    }

    fn lost(&mut self) -> Vec<Effect> {
        match self.phase {
            Phase::Ready => self.climb_again(),
            // nobody can tell any more whether builds run
            Phase::Draining { .. } => {
                self.phase = Phase::Stopping;
                vec![Effect::PowerOff]
            }
            _ => vec![],
        }
    }

    fn begin(&mut self) -> Vec<Effect> {
        self.builds = 0;
        self.phase = Phase::Preparing { step: PrepareStep::Image };
        vec![Effect::Start]
    }

    fn climb_again(&mut self) -> Vec<Effect> {
        self.phase = Phase::Booting { rung: Some(Rung::Qmp) };
        vec![Effect::Climb]
    }

    fn again_if_asked(&mut self) -> Vec<Effect> {
        if std::mem::take(&mut self.again) { self.begin() } else { vec![] }
    }

    /// A machine that dies young is tried again, but never without end.
    fn retry_or_fail(&mut self, problem: Problem, now_ms: u64) -> Vec<Effect> {
        let mut effects = vec![Effect::Abandon];
        effects.extend(if self.machine { Some(Effect::Quit) } else { Some(Effect::CleanUp) });
        if !worth_a_retry(problem.code) {
            self.fail(problem);
        } else if self.breaker.failed(now_ms) {
            self.fail(Problem::new(
                Code::TooManyRestarts,
                format!(
                    "the builder failed three times within five minutes; the last time: {}",
                    problem.message
                ),
                problem.remedy,
            ));
        } else if self.machine {
            self.phase = Phase::Stopping;
            self.again = true;
        } else {
            effects.extend(self.begin());
        }
        effects
    }

    fn fail(&mut self, problem: Problem) {
        self.phase = Phase::Failed { problem };
    }
}

/// Whether the same start may go well the next time: QEMU and young guests do die by chance (under
/// TCG about one boot in fifty with QEMU 7.2), a missing image stays missing.
fn worth_a_retry(code: Code) -> bool {
    matches!(code, Code::VmFailed | Code::VmCrashed | Code::BootTimeout)
}
