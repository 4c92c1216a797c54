//! `igloo service`: the builders of other programs, and nix-darwin's own started, stopped and wiped.

use super::{
    Outcome,
    context::Context,
    format::bytes,
    print::{self, Style},
    setup::{ask, render},
};
use crate::setup::{Proposal, helper, propose_service};
use igloo_admin::{
    Root,
    elevate::{Verb, shell_line},
};
use igloo_engine::services;
use igloo_protocol::{
    Code, Problem, ServiceKind, ServiceState, ServiceView,
    plan::{self, Report, ServiceAction},
};
use serde::Serialize;
use std::{fs::File, os::unix::process::CommandExt, process::Command};

/// The key with which root logs in to nix-darwin's builder.
const KEY: &str = "/etc/nix/builder_ed25519";

/// Show the builders of other programs; stop, start or wipe nix-darwin's own (macOS)
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, clap::Subcommand)]
enum What {
    /// Show them: state, port, disk, and what is wrong
    List,
    /// Start nix-darwin's Linux builder
    Start(How),
    /// Power its guest off and stop it, until the next start of the Mac
    Stop(How),
    /// Delete its disk, for which it is stopped and started again if it runs
    Wipe(How),
    /// Open a shell in it, as its user `builder`
    Ssh,
}

#[derive(Clone, Copy, Debug, clap::Args)]
struct How {
    /// Only show what would be done
    #[arg(long)]
    plan: bool,
    /// Don't ask
    #[arg(long, short)]
    yes: bool,
}

/// Does what is asked for.
pub async fn run(args: Args, context: &Context) -> Outcome {
    let seen = seen(context).await?;
    match args.what {
        What::List => list(&seen, context),
        What::Start(how) => go(ServiceAction::Start, how, &seen, context),
        What::Stop(how) => go(ServiceAction::Stop, how, &seen, context),
        What::Wipe(how) => go(ServiceAction::Wipe, how, &seen, context),
        What::Ssh => Err(shell(&seen)),
    }
}

/// The services as the engine knows them; where none runs, as they are.
async fn seen(context: &Context) -> Result<Vec<ServiceView>, Problem> {
    match context.client.snapshot().await {
        Ok(snapshot) => Ok(snapshot.services),
        Err(p) if p.code == Code::NoEngine => {
            Ok(services::launchd().map(|launchd| services::look(&*launchd)).unwrap_or_default())
        }
        Err(problem) => Err(problem),
    }
}

fn list(seen: &[ServiceView], context: &Context) -> Outcome {
    if context.json {
        return print::json(&seen);
    }
    if seen.is_empty() {
        return print::out("No other program builds for Linux here");
    }
    let blocks: Vec<_> = seen.iter().map(|s| service(s, Style::stdout())).collect();
    print::out(&blocks.join("\n"))
}

/// What a run has to tell, as `--json` prints it.
#[derive(Serialize)]
struct Told {
    /// What is done, a sentence each.
    steps: Vec<String>,
    /// The line that does it in a terminal.
    command: Option<String>,
    /// What `igloo-admin` did; `None`: it was not asked.
    report: Option<Report>,
}

fn go(wish: ServiceAction, how: How, seen: &[ServiceView], context: &Context) -> Outcome {
    let proposal = propose_service(&Root::system(), seen, wish)?;
    let report = if how.plan { None } else { Some(change(&proposal, how, context)?) };
    if context.json {
        let Proposal { steps, command, .. } = proposal;
        print::json(&Told { steps, command, report: report.clone() })?;
    } else {
        let style = Style::stdout();
        print::out(&report.as_ref().map_or_else(|| shown(&proposal), |report| told(report, style)))?;
    }
    report.and_then(|report| report.problem).map_or(Ok(()), Err)
}

fn change(proposal: &Proposal, how: How, context: &Context) -> Result<Report, Problem> {
    let plan = proposal.plan.as_ref().ok_or_else(|| {
        Problem::new(Code::Internal, "there is no plan for the service", "report this as a bug")
    })?;
    if !how.yes {
        print::note(&steps(proposal));
        ask("Do this, as root?")?;
    } else if !context.json {
        print::note(&steps(proposal));
    }
    helper::run(Verb::Apply(plan))
}

fn steps(proposal: &Proposal) -> String {
    proposal.steps.iter().map(|step| format!("• {step}")).collect::<Vec<_>>().join("\n")
}

fn shown(proposal: &Proposal) -> String {
    let by_hand = proposal.command.as_ref().map_or(String::new(), |c| format!("\n\nTo run it yourself: {c}"));
    format!("{}{by_hand}", steps(proposal))
}

/// What was done, a step a line, and the whole in a word.
fn told(report: &Report, style: Style) -> String {
    let mut lines: Vec<_> = report.steps.iter().map(|step| render::step(step, style)).collect();
    lines.extend(match report.outcome {
        plan::Outcome::Applied => Some("Done".to_owned()),
        plan::Outcome::Unchanged => Some("It was so already".to_owned()),
        // the problem says it
        _ => None,
    });
    lines.join("\n")
}

/// Becomes ssh, where this user may read the key; that is never so unless somebody changed it.
fn shell(seen: &[ServiceView]) -> Problem {
    let Some(builder) = seen.iter().find(|s| s.kind == ServiceKind::LinuxBuilder) else {
        return Problem::new(
            Code::MissingTool,
            "nix-darwin's Linux builder is not installed here",
            "`igloo ssh` opens a shell in Igloo's own builders",
        );
    };
    let words = ssh(builder.port.unwrap_or(31022));
    if File::open(KEY).is_err() {
        return Problem::new(
            Code::NotAllowed,
            format!("only root may read {KEY}, the key to nix-darwin's builder"),
            format!("run `sudo {}`", shell_line(&words.map(Into::into))),
        );
    }
    let error = Command::new(&words[0]).args(&words[1..]).exec();
    Problem::new(Code::MissingTool, format!("can't run ssh: {error}"), "install OpenSSH's client")
}

/// A shell in the guest, without anything of an ssh configuration. Its host key is public, so it is not checked.
fn ssh(port: u16) -> [String; 14] {
    let port = port.to_string();
    [
        "ssh",
        "-F",
        "/dev/null",
        "-i",
        KEY,
        "-l",
        "builder",
        "-p",
        &port,
        "-o",
        "StrictHostKeyChecking=no",
        "-o",
        "UserKnownHostsFile=/dev/null",
        "127.0.0.1",
    ]
    .map(str::to_owned)
}

/// A service, for a person.
pub fn service(view: &ServiceView, style: Style) -> String {
    let pid = view.pid.map_or(String::new(), |pid| format!(", process {pid}"));
    let word = view.state.word();
    let state = match view.state {
        ServiceState::Running => style.green(word),
        ServiceState::Failing => style.red(word),
        ServiceState::OnDemand | ServiceState::Unknown => style.yellow(word),
        ServiceState::Stopped | ServiceState::Disabled => style.dim(word),
    };
    let mut lines = vec![format!("{} ({}): {state}{pid}", view.name, view.label)];
    let mut more = |line: String| lines.push(format!("{:9}{line}", ""));
    let facts = facts(view);
    if !facts.is_empty() {
        more(facts);
    }
    if view.state == ServiceState::Running {
        more("builds: not known".into());
    }
    if let Some(problem) = &view.problem {
        more(format!("{} {}", style.yellow("warning:"), problem.message));
        more(format!("→ {}", problem.remedy));
    }
    lines.join("\n")
}

fn facts(view: &ServiceView) -> String {
    let disk = view.disk_used.map(|used| format!("disk {}", bytes(used)));
    let folder = view.working_directory.as_ref().map(|folder| format!("in {folder}"));
    let disk = [disk, folder].into_iter().flatten().collect::<Vec<_>>().join(" ");
    let ephemeral = view.ephemeral.and_then(|is| is.then(|| "ephemeral".to_owned()));
    let port = view.port.map(|port| format!("port {port}"));
    let parts = [port, Some(disk).filter(|d| !d.is_empty()), ephemeral];
    parts.into_iter().flatten().collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::tests::linux_builder;
    use igloo_protocol::plan::{Outcome, StepReport, StepState};

    #[test]
    fn a_service_is_told_with_all_that_is_known() {
        let expected = "\
nix-darwin's linux-builder (org.nixos.linux-builder): running, process 812
         port 31022, disk 7.0 GiB in /var/lib/linux-builder, ephemeral
         builds: not known";
        assert_eq!(service(&linux_builder(), Style::PLAIN), expected);
    }

    #[test]
    fn what_is_wrong_with_a_service_is_told_with_where_to_look() {
        let problem = Some(Problem::new(Code::VmFailed, "it ended", "look at the log"));
        let state = ServiceState::Failing;
        let view = ServiceView { state, problem, ..ServiceView::new(ServiceKind::DeterminateVm) };
        let expected = "\
Determinate's VM-based builder (org.nixos.nixos-vm-based-linux-builder): failing
         port 31022
         warning: it ended
         → look at the log";
        assert_eq!(service(&view, Style::PLAIN), expected);
    }

    #[test]
    fn a_key_of_roots_alone_is_said_with_the_line_that_works() {
        let problem = shell(&[]);
        assert_eq!(problem.code, Code::MissingTool);
        // nobody has that key here
        let problem = shell(&[ServiceView { port: Some(31050), ..linux_builder() }]);
        assert_eq!(problem.code, Code::NotAllowed);
        assert_eq!(
            problem.remedy,
            "run `sudo ssh -F /dev/null -i /etc/nix/builder_ed25519 -l builder -p 31050 -o StrictHostKeyChecking=no \
             -o UserKnownHostsFile=/dev/null 127.0.0.1`"
        );
    }

    #[test]
    fn what_was_done_is_told_a_step_a_line() {
        let mut report = Report::new(Outcome::Applied);
        let step = |what: &str, state| StepReport { what: what.into(), state, problem: None };
        report.steps = vec![step("Stop it", StepState::Done), step("Start it", StepState::Unchanged)];
        assert_eq!(told(&report, Style::PLAIN), "✓ Stop it\n✓ Start it (was so already)\nDone");
        report.outcome = Outcome::Failed;
        assert!(!told(&report, Style::PLAIN).contains("Done"));
    }
}
