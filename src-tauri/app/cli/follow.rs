//! Following a builder until it is where it was asked to go.

use super::{Outcome, builder, context::Context, print, progress::Story};
use futures_util::StreamExt;
use igloo_protocol::{BuilderId, BuilderView, Code, Command, Phase, Problem};
use std::{pin::pin, time::Duration};

/// How often times are brought up to date on a terminal.
const TICK: Duration = Duration::from_millis(200);

/// Where a builder was asked to go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Goal {
    /// From stopped to ready.
    Ready,
    /// To ready, through stopped.
    ReadyAgain,
    /// To stopped.
    Stopped,
}

/// What a look at the builder says.
#[derive(Debug, PartialEq)]
enum Verdict {
    /// It shows the state from before still.
    NotYet,
    Going,
    Reached,
    Lost(Problem),
}

/// Tells whether the builder has arrived, or no longer will.
struct Watch {
    goal: Goal,
    before: (u64, &'static str),
    turned: bool,
}

impl Watch {
    /// `before`: the builder when the command was given. Until it shows something else, it has not
    /// begun to do what it was asked for.
    fn new(goal: Goal, before: &BuilderView) -> Watch {
        // one that was on its way there already is followed as it is
        let turned = goal == Goal::Ready && before.phase.is_up();
        Watch { goal, before: (before.since_ms, before.phase.word()), turned }
    }

    fn see(&mut self, view: &BuilderView) -> Verdict {
        if !self.turned && self.before == (view.since_ms, view.phase.word()) {
            return Verdict::NotYet;
        }
        match (&view.phase, self.goal) {
            (Phase::Failed { problem }, _) => Verdict::Lost(problem.clone()),
            (Phase::Ready, Goal::Ready | Goal::ReadyAgain) => Verdict::Reached,
            (Phase::Stopped, Goal::Stopped) => Verdict::Reached,
            (Phase::Stopped, Goal::ReadyAgain) if !self.turned => Verdict::Going,
            (Phase::Stopped, _) => Verdict::Lost(cancelled(view.id, "stopped before it was ready", "start")),
            (Phase::Draining { .. } | Phase::Stopping, Goal::Stopped) => {
                self.turned = true;
                Verdict::Going
            }
            (Phase::Draining { .. } | Phase::Stopping, _) => Verdict::Going,
            (Phase::Preparing { .. } | Phase::Booting { .. }, Goal::Ready | Goal::ReadyAgain) => {
                self.turned = true;
                Verdict::Going
            }
            (_, Goal::Stopped) if self.turned => {
                Verdict::Lost(cancelled(view.id, "started again before it had stopped", "stop"))
            }
            (_, Goal::Stopped) => Verdict::Going,
        }
    }
}

fn cancelled(id: BuilderId, what: &str, verb: &str) -> Problem {
    let message = format!("{id} was {what}, by another face of Igloo or its settings");
    Problem::new(Code::Cancelled, message, format!("run `igloo {verb} {id}` again"))
}

/// How the command line follows.
#[derive(Clone, Copy, Debug)]
pub struct Patience {
    /// Whether to return as soon as it is under way.
    pub no_wait: bool,
    /// After how long to give up following.
    pub timeout: Option<Duration>,
}

/// Gives the command, then follows the builder until it is there, and tells the story meanwhile.
/// Returns the builder as it is in the end.
///
/// # Errors
/// The builder's problem; [`Code::Cancelled`] where the user stops following or another stops the
/// builder; [`Code::BootTimeout`] where it takes longer than the user would wait.
pub async fn until(
    goal: Goal,
    command: Option<Command>,
    before: &BuilderView,
    patience: Patience,
    story: Story,
    context: &Context,
) -> Result<BuilderView, Problem> {
    if let Some(command) = command {
        context.client.command(&command).await?;
    }
    if patience.no_wait {
        let now = context.client.snapshot().await?;
        return builder::view(before.id, &now).cloned();
    }
    let timeout = async {
        match patience.timeout {
            Some(time) => tokio::time::sleep(time).await,
            None => std::future::pending().await,
        }
    };
    tokio::select! {
        end = follow(Watch::new(goal, before), before.id, story, context) => end,
        () = timeout => Err(gave_up(before.id, patience)),
        _ = tokio::signal::ctrl_c() => Err(detached(before.id, goal)),
    }
}

async fn follow(
    mut watch: Watch,
    id: BuilderId,
    mut story: Story,
    context: &Context,
) -> Result<BuilderView, Problem> {
    let mut events = pin!(context.client.events().await?);
    let mut tick = tokio::time::interval(TICK);
    loop {
        let snapshot = tokio::select! {
            event = events.next() => event.ok_or_else(engine_ended)??,
            _ = tick.tick() => {
                story.tick()?;
                continue;
            }
        };
        let view = builder::view(id, &snapshot)?;
        let verdict = watch.see(view);
        if verdict != Verdict::NotYet {
            story.tell(view)?;
        }
        match verdict {
            Verdict::NotYet | Verdict::Going => {}
            Verdict::Reached => return Ok(view.clone()),
            Verdict::Lost(problem) => return Err(problem),
        }
    }
}

fn engine_ended() -> Problem {
    Problem::new(
        Code::EngineFailed,
        "the engine ended meanwhile; a builder that runs goes on running",
        "run `igloo serve` or open Igloo: it takes the builder over",
    )
}

fn gave_up(id: BuilderId, patience: Patience) -> Problem {
    let waited = patience.timeout.unwrap_or_default().as_secs();
    Problem::new(
        Code::BootTimeout,
        format!("{id} did not get there within {waited} s; it is still on its way"),
        format!("look at it with `igloo status` and `igloo log {id}`"),
    )
}

fn detached(id: BuilderId, goal: Goal) -> Problem {
    let (what, other) = match goal {
        Goal::Ready | Goal::ReadyAgain => ("start", format!("cancel it with `igloo stop {id} --now`")),
        Goal::Stopped => ("stop", format!("don't wait for builds with `igloo stop {id} --now`")),
    };
    Problem::new(
        Code::Cancelled,
        format!("no longer following {id}; the {what} goes on"),
        format!("look at it with `igloo status`, or {other}"),
    )
}

/// Says how it ended.
pub fn report(view: &BuilderView, text: &str, context: &Context) -> Outcome {
    if context.json { print::json(view) } else { print::out(text) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::tests::snapshot;
    use igloo_protocol::{PrepareStep, Rung};

    fn at(phase: Phase, since_ms: u64) -> BuilderView {
        let mut view = snapshot().builders.remove(1);
        (view.phase, view.since_ms) = (phase, since_ms);
        view
    }

    fn failed(message: &str) -> Phase {
        Phase::Failed { problem: Problem::new(Code::VmFailed, message, "do") }
    }

    fn end(goal: Goal, before: BuilderView, then: Vec<BuilderView>) -> Verdict {
        let mut watch = Watch::new(goal, &before);
        then.iter()
            .map(|v| watch.see(v))
            .find(|v| !matches!(v, Verdict::NotYet | Verdict::Going))
            .unwrap_or(Verdict::Going)
    }

    #[test]
    fn the_state_from_before_is_no_answer() {
        let before = at(failed("old"), 5);
        let preparing = at(Phase::Preparing { step: PrepareStep::Image }, 6);
        let way = vec![before.clone(), preparing.clone(), at(Phase::Ready, 7)];
        assert_eq!(end(Goal::Ready, before.clone(), way), Verdict::Reached);
        let Verdict::Lost(p) = end(Goal::Ready, before.clone(), vec![before, at(failed("new"), 6)]) else {
            panic!("the new failure is one")
        };
        assert_eq!(p.message, "new");
    }

    #[test]
    fn a_start_that_is_stopped_by_others_is_told() {
        let booting = at(Phase::Booting { rung: Some(Rung::Qmp) }, 2);
        let way = vec![booting, at(Phase::Stopping, 3), at(Phase::Stopped, 4)];
        let Verdict::Lost(p) = end(Goal::Ready, at(Phase::Stopped, 1), way) else { panic!() };
        assert_eq!(p.code, Code::Cancelled);
    }

    #[test]
    fn a_restart_goes_through_stopped() {
        let (old, new) = (at(Phase::Ready, 1), at(Phase::Ready, 9));
        let way = vec![
            old.clone(),
            at(Phase::Draining { builds: 1 }, 2),
            at(Phase::Stopped, 3),
            at(Phase::Booting { rung: None }, 4),
        ];
        assert_eq!(end(Goal::ReadyAgain, old.clone(), way.clone()), Verdict::Going);
        assert_eq!(end(Goal::ReadyAgain, old, [way, vec![new]].concat()), Verdict::Reached);
    }

    #[test]
    fn a_stop_ends_stopped_or_is_undone() {
        let (ready, stopping) = (at(Phase::Ready, 1), at(Phase::Stopping, 2));
        let stopped = vec![ready.clone(), stopping.clone(), at(Phase::Stopped, 3)];
        assert_eq!(end(Goal::Stopped, ready.clone(), stopped), Verdict::Reached);
        let undone = vec![stopping, at(Phase::Booting { rung: None }, 3)];
        assert!(matches!(end(Goal::Stopped, ready, undone), Verdict::Lost(p) if p.code == Code::Cancelled));
    }
}
