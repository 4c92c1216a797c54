//! The story of a start or a stop: in place on a terminal, plain lines elsewhere.

use super::{
    Outcome,
    format::step,
    print::{self, InPlace, Style},
    status::phase,
};
use igloo_engine::clock::now_ms;
use igloo_protocol::{BuilderId, BuilderView, Phase, Rung};

/// Tells how a builder gets where it was asked to go.
pub struct Story {
    plot: Plot,
    face: Face,
}

enum Face {
    /// Nothing is told: JSON is wanted.
    Silent,
    /// One line for each thing that happened.
    Plain { told: Vec<String> },
    /// A picture that changes.
    Terminal { place: InPlace, style: Style },
}

impl Story {
    /// The story of a builder, for the reader that there is.
    pub fn new(id: BuilderId, json: bool) -> Story {
        let face = if json {
            Face::Silent
        } else if print::on_terminal() {
            Face::Terminal { place: InPlace::default(), style: Style::stdout() }
        } else {
            Face::Plain { told: Vec::new() }
        };
        Story { plot: Plot::new(id), face }
    }

    /// Tells what is new.
    pub fn tell(&mut self, view: &BuilderView) -> Outcome {
        self.plot.see(view);
        if let Face::Plain { told } = &mut self.face {
            // a time that becomes known later is no news
            let event = |line: &str| line.split(" (").next().map(str::to_owned);
            let is_told = |line: &String| told.iter().any(|t| event(t) == event(line));
            let fresh: Vec<_> = self.plot.news().into_iter().filter(|l| !is_told(l)).collect();
            for line in fresh {
                print::out(&line)?;
                told.push(line);
            }
        }
        self.tick()
    }

    /// Brings the times up to date.
    pub fn tick(&mut self) -> Outcome {
        match &mut self.face {
            Face::Terminal { place, style } => place.draw(&self.plot.picture(now_ms(), *style)),
            _ => Ok(()),
        }
    }
}

/// How a step is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mark {
    Done,
    Active,
    Ahead,
    Broken,
}

/// A step of a start.
#[derive(Clone, Debug, PartialEq)]
struct Step {
    mark: Mark,
    label: &'static str,
    /// Milliseconds that it took, where that is known.
    took: Option<u64>,
    /// When it began, while it is active.
    since: Option<u64>,
}

/// What is known of the way so far. Pure: it is shown what the engine says, and the time.
struct Plot {
    id: BuilderId,
    view: Option<BuilderView>,
    steps: Vec<Step>,
}

impl Plot {
    fn new(id: BuilderId) -> Plot {
        Plot { id, view: None, steps: Vec::new() }
    }

    fn see(&mut self, view: &BuilderView) {
        match &view.phase {
            Phase::Preparing { .. } | Phase::Booting { .. } | Phase::Ready => self.steps = steps(view),
            Phase::Failed { .. } | Phase::Stopped => {
                for step in self.steps.iter_mut().filter(|s| s.mark == Mark::Active) {
                    (step.mark, step.since) = (Mark::Broken, None);
                }
            }
            _ => {}
        }
        self.view = Some(view.clone());
    }

    /// Everything that happened, a line each.
    fn news(&self) -> Vec<String> {
        let Some(view) = &self.view else { return Vec::new() };
        let mut lines: Vec<_> = self
            .steps
            .iter()
            .filter(|s| s.mark == Mark::Done)
            .map(|s| {
                format!(
                    "{}: {}{}",
                    self.id,
                    s.label,
                    s.took.map_or(String::new(), |t| format!(" ({})", step(t)))
                )
            })
            .collect();
        if let Phase::Draining { .. } | Phase::Stopping = view.phase {
            lines.push(format!("{}: {}", self.id, leaving(view)));
        }
        lines
    }

    fn picture(&self, now: u64, style: Style) -> Vec<String> {
        let Some(view) = &self.view else { return Vec::new() };
        match view.phase {
            Phase::Draining { .. } | Phase::Stopping => vec![format!("{}: {}", self.id, leaving(view))],
            _ => self.steps.iter().map(|s| s.line(now, style)).collect(),
        }
    }
}

impl Step {
    fn line(&self, now: u64, style: Style) -> String {
        let took = self.took.or_else(|| Some(now.saturating_sub(self.since?)));
        let time = took.map_or(String::new(), step);
        let text = format!("{:<36}{time:>8}", self.label);
        let text = text.trim_end();
        match self.mark {
            Mark::Done => format!("{} {text}", style.green("✓")),
            Mark::Active => format!("{} {text}", style.yellow("…")),
            Mark::Ahead => style.dim(&format!("· {text}")),
            Mark::Broken => format!("{} {text}", style.red("✗")),
        }
    }
}

/// The steps of a start as they are.
fn steps(view: &BuilderView) -> Vec<Step> {
    let (reached, preparing) = match &view.phase {
        Phase::Preparing { step } => (None, Some(step.describe())),
        Phase::Booting { rung } => (*rung, None),
        _ => (Rung::ALL.last().copied(), None),
    };
    let mut steps = vec![Step {
        mark: if preparing.is_some() { Mark::Active } else { Mark::Done },
        label: preparing.unwrap_or("disk and keys are prepared"),
        took: None,
        since: preparing.map(|_| view.since_ms),
    }];
    let next = if preparing.is_some() { None } else { reached.map_or(Some(Rung::Process), Rung::next) };
    let climbed = view.running.as_ref().map_or(&[][..], |g| &g.climbed);
    let began = view
        .running
        .as_ref()
        .map_or(view.since_ms, |g| g.started_ms + climbed.last().map_or(0, |(_, ms)| *ms));
    steps.extend(Rung::ALL.map(|rung| {
        let mark = match rung {
            r if reached.is_some_and(|reached| r <= reached) => Mark::Done,
            r if Some(r) == next => Mark::Active,
            _ => Mark::Ahead,
        };
        Step {
            mark,
            label: rung.describe(),
            took: if mark == Mark::Done { took(rung, climbed) } else { None },
            since: (mark == Mark::Active).then_some(began),
        }
    }));
    steps
}

/// How long it took from the rung before to this one.
fn took(rung: Rung, climbed: &[(Rung, u64)]) -> Option<u64> {
    let at = climbed.iter().position(|(r, _)| *r == rung)?;
    let before = if at == 0 { 0 } else { climbed[at - 1].1 };
    Some(climbed[at].1.saturating_sub(before))
}

/// What a stop waits for.
fn leaving(view: &BuilderView) -> String {
    let names: Vec<_> = view.builds.iter().flatten().filter_map(|b| b.name()).collect();
    match view.phase {
        Phase::Draining { .. } if !names.is_empty() => {
            format!("{}: {}", phase(&view.phase), names.join(", "))
        }
        _ => phase(&view.phase),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::tests::{build, ready, snapshot};
    use igloo_protocol::{Code, PrepareStep, Problem};

    fn plot(views: impl IntoIterator<Item = BuilderView>) -> Plot {
        let mut plot = Plot::new(BuilderId::X86_64);
        views.into_iter().for_each(|v| plot.see(&v));
        plot
    }

    fn at(phase: Phase, climbed: &[(Rung, u64)]) -> BuilderView {
        let mut view = snapshot().builders.remove(1);
        if !climbed.is_empty() || phase == Phase::Ready {
            ready(&mut view);
        }
        if let Some(guest) = &mut view.running {
            (guest.started_ms, guest.climbed) = (10_000, climbed.to_vec());
        }
        (view.phase, view.since_ms) = (phase, 9_000);
        view
    }

    fn booting() -> BuilderView {
        at(Phase::Booting { rung: Some(Rung::Qmp) }, &[(Rung::Process, 100), (Rung::Qmp, 400)])
    }

    #[test]
    fn a_boot_shows_what_was_reached_and_how_long_the_next_takes() {
        let expected = [
            "✓ disk and keys are prepared",
            "✓ virtual machine started                0.1 s",
            "✓ guest is running                       0.3 s",
            "… port is open                           2.1 s",
            "· SSH answers",
            "· host key is the expected one",
            "· logged in",
            "· nix-daemon answers",
            "· builds the promised systems",
        ];
        assert_eq!(plot([booting()]).picture(12_500, Style::PLAIN), expected);
    }

    #[test]
    fn plain_lines_say_what_happened() {
        let preparing = at(Phase::Preparing { step: PrepareStep::Image }, &[]);
        assert!(plot([preparing.clone()]).news().is_empty());
        let expected = [
            "x86_64: disk and keys are prepared",
            "x86_64: virtual machine started (0.1 s)",
            "x86_64: guest is running (0.3 s)",
        ];
        assert_eq!(plot([preparing, booting()]).news(), expected);
    }

    #[test]
    fn a_failure_marks_the_step_at_which_it_came() {
        let problem = Problem::new(Code::BootTimeout, "too slow", "wait");
        let picture = plot([booting(), at(Phase::Failed { problem }, &[])]).picture(99_000, Style::PLAIN);
        assert_eq!(picture[2..4], ["✓ guest is running                       0.3 s", "✗ port is open"]);
    }

    #[test]
    fn a_ready_builder_has_every_step_behind_it() {
        let picture = plot([booting(), at(Phase::Ready, &[])]).picture(99_000, Style::PLAIN);
        assert!(picture.len() == 9 && picture.iter().all(|l| l.starts_with('✓')), "{picture:?}");
    }

    #[test]
    fn a_stop_says_which_builds_it_waits_for() {
        let mut view = at(Phase::Draining { builds: 1 }, &[(Rung::Process, 1)]);
        view.builds = Some(vec![build(Some("hello-2.12.1"))]);
        let expected = ["x86_64: stopping once 1 build has ended: hello-2.12.1"];
        assert_eq!(plot([view.clone()]).news(), expected);
        assert_eq!(plot([view]).picture(0, Style::PLAIN), expected);
    }
}
