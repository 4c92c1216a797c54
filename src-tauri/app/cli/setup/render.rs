//! A plan and a report for a person.

use super::proof::Proof;
use crate::cli::{format, print::Style};
use crate::setup::Proposal;
use igloo_protocol::plan::{Outcome, Plan, Report, StepReport, StepState};
use igloo_protocol::{BuilderId, Problem};

/// What would be changed: in words, what to know before, and the diff.
pub fn plan(plan: &Plan, proposal: &Proposal, style: Style) -> String {
    if proposal.diff.is_empty() {
        return "Nix is set up already; nothing would be changed".into();
    }
    let mut lines: Vec<_> = igloo_admin::describe(plan).iter().map(|step| format!("• {step}")).collect();
    lines.extend(proposal.warnings.iter().map(|w| format!("{} {w}", style.yellow("warning:"))));
    lines.push(String::new());
    lines.extend(proposal.diff.lines().map(|line| coloured(line, style)));
    lines.join("\n")
}

/// The whole of a proposal, for those who only look.
pub fn shown(proposal: &Proposal, style: Style) -> String {
    if let (Some(owner), Some(snippet)) = (&proposal.owner, &proposal.snippet) {
        return owned(owner, snippet);
    }
    let Some(plan) = &proposal.plan else { return String::new() };
    let text = self::plan(plan, proposal, style);
    match &proposal.command {
        Some(command) if !proposal.diff.is_empty() => format!("{text}\n\n{}", by_hand(command)),
        _ => text,
    }
}

/// Where another program owns the place.
fn owned(owner: &Problem, snippet: &str) -> String {
    format!(
        "{}.\nIgloo changes nothing there. These lines do what it would have done:\n\n{}\n\
         The key that they name is made, and let into the builder, by `igloo setup --key`; once the lines are in force, \
         the same command proves that they work.",
        owner.message,
        indented(snippet)
    )
}

/// The key is there, and the lines are not.
pub fn to_activate(proposal: &Proposal, builder: BuilderId) -> String {
    format!(
        "The key is there and let in. Nix' list has no line for {} yet; put these where they belong, then run \
         `igloo setup --key` again to prove them:\n\n{}",
        builder.alias(),
        indented(proposal.snippet.as_deref().unwrap_or_default())
    )
}

fn indented(text: &str) -> String {
    let line = |l: &str| if l.is_empty() { "\n".to_owned() } else { format!("    {l}\n") };
    text.lines().map(line).collect()
}

/// How to do it oneself.
fn by_hand(command: &str) -> String {
    format!("To run it yourself: {command}\nThen `igloo setup` lets the key in and proves that it works.")
}

/// What an undo would take back.
pub fn undo(files: &[String], command: &str) -> String {
    if files.is_empty() {
        return "Nothing of Igloo's is there to be taken back".into();
    }
    let mut lines = vec!["These would be as they were before Igloo:".to_owned()];
    lines.extend(files.iter().map(|file| format!("• {file}")));
    lines.push(format!("\nTo run it yourself: {command}"));
    lines.join("\n")
}

/// What became of a build that was to prove the setup.
pub fn proof(proof: &Proof, builder: BuilderId, style: Style) -> String {
    let system = proof.system.as_str();
    if proof.problem.is_some() {
        let said = proof.last.iter().map(|line| format!("\n    {line}"));
        return format!(
            "{} {system} was not built; Nix said last:{}",
            style.red("✗"),
            said.collect::<String>()
        );
    }
    let took = format::step(proof.took_ms);
    match proof.machine.as_deref() {
        Some(machine) if machine == igloo_admin::machines::uri(builder) => {
            format!("{} {system} was built by `{}` in {took}", style.green("✓"), builder.alias())
        }
        other => format!(
            "{} {system} was built by {} in {took}, so this proves nothing of `{}`",
            style.yellow("!"),
            other.unwrap_or("this machine itself"),
            builder.alias()
        ),
    }
}

fn coloured(line: &str, style: Style) -> String {
    match line.as_bytes().first() {
        _ if line.starts_with("+++") || line.starts_with("---") => style.bold(line),
        Some(b'+') => style.green(line),
        Some(b'-') => style.red(line),
        _ => line.to_owned(),
    }
}

/// What was done, a step a line, and the whole in a sentence.
pub fn report(report: &Report, style: Style) -> String {
    let mut lines: Vec<_> = report.steps.iter().map(|s| step(s, style)).collect();
    lines.push(whole(report.outcome).into());
    lines.join("\n")
}

/// What became of a step.
pub fn step(step: &StepReport, style: Style) -> String {
    let (mark, note) = match step.state {
        StepState::Done | StepState::Undone | StepState::InPlace => (style.green("✓"), ""),
        StepState::Unchanged => (style.green("✓"), " (was so already)"),
        StepState::Failed => (style.red("✗"), " (failed)"),
        StepState::NotReached => ("·".into(), " (not tried)"),
        StepState::RolledBack => (style.yellow("↶"), " (taken back)"),
        StepState::LeftAlone => (style.yellow("!"), " (left as it is)"),
        StepState::Edited => (style.yellow("!"), " (changed by others since)"),
        StepState::Gone => (style.yellow("!"), " (no longer there)"),
        _ => ("·".into(), ""),
    };
    let why = step.problem.as_ref().map_or(String::new(), |p| format!("\n    {}", p.message));
    format!("{mark} {}{note}{why}", step.what)
}

fn whole(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Applied => "Nix is set up",
        Outcome::Unchanged => "Nix was set up already",
        Outcome::Failed => "Nothing is changed",
        Outcome::Undone => "All is as it was before Igloo",
        Outcome::PartlyUndone => {
            "What others changed since is left as it is; the rest is as it was before Igloo"
        }
        Outcome::NothingToUndo => "There was nothing to take back",
        _ => "",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use igloo_protocol::Code;

    fn proposal(diff: &str, owner: Option<Problem>) -> Proposal {
        let json = br#"{"version":1,"ops":["builder_key"],"files":[]}"#;
        Proposal {
            plan: Plan::from_json(json).ok(),
            steps: Vec::new(),
            diff: diff.into(),
            warnings: vec!["mind".into()],
            command: Some("sudo -- x".into()),
            snippet: owner.is_some().then(|| "a = {\n\n};\n".into()),
            owner,
        }
    }

    #[test]
    fn a_plan_is_told_in_words_and_as_a_diff() {
        let text = shown(&proposal("--- a\n+++ b\n+new\n", None), Style::PLAIN);
        assert!(text.starts_with("• Make the key pair"), "{text}");
        assert!(
            text.contains("\nwarning: mind\n\n--- a\n+++ b\n+new\n\nTo run it yourself: sudo -- x\n"),
            "{text}"
        );
        assert_eq!(
            shown(&proposal("", None), Style::PLAIN),
            "Nix is set up already; nothing would be changed"
        );
    }

    #[test]
    fn where_others_own_the_place_there_are_lines_to_copy() {
        let owner = Problem::new(Code::NotManaged, "nix-darwin manages Nix", "look");
        let text = shown(&proposal("+x\n", Some(owner)), Style::PLAIN);
        assert!(text.starts_with("nix-darwin manages Nix.\nIgloo changes nothing there."), "{text}");
        assert!(text.contains(":\n\n    a = {\n\n    };\n\nThe key"), "{text}");
        assert!(!text.contains("sudo"), "{text}");
    }

    #[test]
    fn a_report_says_what_became_of_each_step() {
        let step = |what: &str, state, problem| StepReport { what: what.into(), state, problem };
        let changed = Problem::new(Code::FileChanged, "it was edited", "look");
        let mut r = Report::new(Outcome::PartlyUndone);
        r.steps = vec![
            step("/etc/nix/machines", StepState::LeftAlone, Some(changed)),
            step("/etc/a", StepState::Undone, None),
        ];
        let expected = "\
! /etc/nix/machines (left as it is)
    it was edited
✓ /etc/a
What others changed since is left as it is; the rest is as it was before Igloo";
        assert_eq!(report(&r, Style::PLAIN), expected);
    }
}
