//! `igloo queue`

use super::{
    Outcome,
    context::Context,
    format::{clock, count},
    print::{self, Style},
};
use igloo_protocol::{Build, BuildEnd, BuildState, BuilderId, BuilderQueue, FinishedBuild};

/// How many of the builds that ended are shown; `--json` has all that are known.
const FINISHED: usize = 10;

/// Show the builds that run, that wait and that ended
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Which builder; all of them unless named
    #[arg(value_parser = super::builder::Name)]
    builder: Option<String>,
}

/// Shows the builds.
pub async fn run(args: Args, context: &Context) -> Outcome {
    let named = args.builder.as_deref().map(super::builder::named).transpose()?;
    let mut queue = context.client.queue().await?;
    queue.retain(|q| named.is_none_or(|n| n == q.builder));
    if context.json {
        return print::json(&queue);
    }
    // a builder that does not run has no builds to tell of, unless it was asked for
    let snapshot = context.client.snapshot().await?;
    let runs = |id| snapshot.builder(id).is_some_and(|b| b.running.is_some());
    let shown: Vec<_> = queue.into_iter().filter(|q| runs(q.builder) || named.is_some()).collect();
    print::out(&render(&shown, Style::stdout()))
}

fn render(queue: &[BuilderQueue], style: Style) -> String {
    if queue.is_empty() {
        return "No builder runs".into();
    }
    let blocks: Vec<_> = queue.iter().map(|q| builder(q, style)).collect();
    blocks.join("\n")
}

fn builder(queue: &BuilderQueue, style: Style) -> String {
    let running = match queue.builds.as_deref() {
        None => "builds: unknown".into(),
        Some([]) => "No builds".into(),
        Some(builds) => count(builds.len(), "build"),
    };
    let waiting = queue.waiting.map_or("unknown".into(), |n| n.to_string());
    let mut lines = vec![format!("{}{running}, waiting: {waiting}", name(queue.builder, style))];
    lines.extend(queue.builds.iter().flatten().map(|b| format!("{:9}{}", "", build(b))));
    lines.extend(queue.finished.iter().take(FINISHED).map(|b| format!("{:9}{}", "", ended(b))));
    lines.join("\n")
}

fn name(id: BuilderId, style: Style) -> String {
    style.bold(&format!("{:<9}", id.as_str()))
}

fn build(build: &Build) -> String {
    let name = build.name().unwrap_or("(name unknown)");
    let elapsed = build.elapsed_s.map_or("-".into(), clock);
    match build.state {
        BuildState::Running => format!("{name:<40} {elapsed:>8}"),
        BuildState::Session => format!("{name:<40} {elapsed:>8}  copying or waiting"),
    }
}

fn ended(build: &FinishedBuild) -> String {
    let name = build.name().unwrap_or("(name unknown)");
    let elapsed = build.elapsed_s.map_or("-".into(), clock);
    let end = match build.end {
        BuildEnd::Built => "built",
        BuildEnd::NotBuilt => "not built: it failed, or was interrupted",
        BuildEnd::BuilderEnded => "not built: the builder ended",
        BuildEnd::Unknown => "ended",
    };
    format!("{name:<40} {elapsed:>8}  {end}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::tests::build;

    #[test]
    fn builds_with_their_times_and_what_is_not_known() {
        let mut session = build(None);
        (session.state, session.elapsed_s) = (BuildState::Session, None);
        let ended = |end| FinishedBuild {
            derivation: Some("tool-1.0".into()),
            end,
            elapsed_s: Some(64.0),
            ended_ms: 0,
        };
        let queue = [
            BuilderQueue {
                builder: BuilderId::Aarch64,
                builds: Some(vec![]),
                finished: vec![ended(BuildEnd::NotBuilt), ended(BuildEnd::Built)],
                waiting: None,
            },
            BuilderQueue {
                builder: BuilderId::X86_64,
                builds: Some(vec![build(Some("hello-2.12.1")), session]),
                finished: Vec::new(),
                waiting: Some(3),
            },
        ];
        let expected = "\
aarch64  No builds, waiting: unknown
         tool-1.0                                     1:04  not built: it failed, or was interrupted
         tool-1.0                                     1:04  built
x86_64   2 builds, waiting: 3
         hello-2.12.1                                 1:32
         (name unknown)                                  -  copying or waiting";
        assert_eq!(render(&queue, Style::PLAIN), expected);
        assert_eq!(render(&[], Style::PLAIN), "No builder runs");
        let unknown =
            [BuilderQueue { builder: BuilderId::X86_64, builds: None, finished: Vec::new(), waiting: None }];
        assert_eq!(render(&unknown, Style::PLAIN), "x86_64   builds: unknown, waiting: unknown");
    }
}
