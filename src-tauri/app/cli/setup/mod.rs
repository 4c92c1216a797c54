//! `igloo setup`: plan without privilege, show, ask, and only then have `igloo-admin` do it.

mod proof;
pub(super) mod render;
mod undo;

use super::{
    Outcome, builder,
    context::Context,
    print::{self, Style},
};
use crate::setup::{Choice, Proposal, helper, let_in, propose};
use igloo_admin::{Root, elevate::Verb, machines, machines::KEY_PATH};
use igloo_protocol::{
    BuilderId, BuilderView, Code, Problem,
    plan::{self, Plan, Report},
};
use proof::Proof;
use serde::Serialize;

/// Set the host's Nix up to build on a builder, or take that back
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Which builder; the one that is enabled unless named. `--undo` takes back the setup of all
    #[arg(value_parser = builder::Name)]
    builder: Option<String>,
    /// Only show what would be changed
    #[arg(long)]
    plan: bool,
    /// Take back all that Igloo changed
    #[arg(long)]
    undo: bool,
    /// Where nix-darwin, NixOS or another program owns Nix' files: make the key that the lines for your own
    /// configuration name, let it in, and prove the setup once those lines are in force
    #[arg(long, conflicts_with = "undo")]
    key: bool,
    /// Let builds share one ssh connection: small builds take half the time, but a build fails that
    /// begins in the moment in which the shared connection ends (NixOS/nix#14132)
    #[arg(long, conflicts_with = "undo")]
    share_connection: bool,
    /// Let builders fetch from substituters themselves what they can
    #[arg(long, conflicts_with = "undo")]
    substitutes: bool,
    /// Make a user one of Nix' trusted users. Such a user can become root without a password, and so can every
    /// program that they run; Igloo's builders do not need it
    #[arg(long, value_name = "USER", conflicts_with = "undo")]
    trust_user_as_root: Vec<String>,
    /// Set up also where Nix has `external-builders`, as Determinate's native Linux builder: Igloo's goes first then
    #[arg(long, conflicts_with = "undo")]
    beside_external: bool,
    /// Don't build anything to prove that it works
    #[arg(long, conflicts_with = "undo")]
    no_proof: bool,
    /// Don't ask
    #[arg(long, short)]
    yes: bool,
}

impl Args {
    fn choice(&self) -> Choice {
        Choice {
            share_connection: self.share_connection,
            substitutes: self.substitutes,
            trusted: self.trust_user_as_root.clone(),
            beside_external: self.beside_external,
        }
    }
}

/// All that a setup has to tell, as `--json` prints it.
#[derive(Serialize)]
struct Told {
    #[serde(flatten)]
    proposal: Proposal,
    /// What `igloo-admin` did; `None`: it was not asked.
    report: Option<Report>,
    /// The builds by which the setup was proven.
    proof: Vec<Proof>,
}

/// Sets Nix up, or takes that back.
pub async fn run(args: Args, context: &Context) -> Outcome {
    if args.undo {
        return undo::run(&args, context).await;
    }
    let snapshot = context.client.snapshot().await?;
    let id = builder::pick(args.builder.as_deref(), &snapshot)?;
    let view = builder::view(id, &snapshot)?;
    let access = context.client.ssh(id).await?;
    let proposal = propose(&Root::system(), view, &access, &args.choice(), &snapshot.services).await?;
    let mut told = Told { proposal, report: None, proof: Vec::new() };
    let result =
        if args.plan { show(&told.proposal, context) } else { go(&args, view, &mut told, context).await };
    if context.json {
        print::json(&told)?;
    }
    result
}

fn show(proposal: &Proposal, context: &Context) -> Outcome {
    if context.json { Ok(()) } else { print::out(&render::shown(proposal, Style::stdout())) }
}

/// Changes what may be changed, and goes on as far as it gets; what was done stands in `told`.
async fn go(args: &Args, view: &BuilderView, told: &mut Told, context: &Context) -> Outcome {
    if let Some(owner) = &told.proposal.owner
        && !args.key
    {
        show(&told.proposal, context)?;
        return Err(owner.clone());
    }
    let report = change(args, &told.proposal, context)?;
    if !context.json {
        print::out(&render::report(&report, Style::stdout()))?;
    }
    told.report = Some(report.clone());
    done(&report)?;
    let key = report.public_key.ok_or_else(|| {
        Problem::new(Code::AdminFailed, "igloo-admin told no public key", "run `igloo setup` again")
    })?;
    let_in(&context.client, &[view.id], Some(&key)).await?;
    if told.proposal.owner.is_some() && !is_known(view.id) {
        return say(&render::to_activate(&told.proposal, view.id), context);
    }
    if args.no_proof {
        return say(&format!("Nix can build on {}", view.id), context);
    }
    told.proof = prove(view, context).await;
    told.proof.iter().find_map(|proof| proof.problem.clone()).map_or(Ok(()), Err)
}

/// Whether Nix' list has the builder, whoever wrote it.
fn is_known(builder: BuilderId) -> bool {
    let list = std::fs::read_to_string("/etc/nix/machines").unwrap_or_default();
    machines::get(&list, builder).is_some()
}

fn say(text: &str, context: &Context) -> Outcome {
    if context.json { Ok(()) } else { print::out(text) }
}

async fn prove(view: &BuilderView, context: &Context) -> Vec<Proof> {
    let mut proofs = Vec::new();
    for system in &view.systems {
        if !context.json {
            print::note(&format!("building something tiny for {} to prove it", system.as_str()));
        }
        let proof = proof::prove(view.id, *system).await;
        if !context.json {
            print::note(&render::proof(&proof, view.id, Style::of(&std::io::stderr())));
        }
        proofs.push(proof);
    }
    proofs
}

/// Has the plan done, unless it is done.
fn change(args: &Args, proposal: &Proposal, context: &Context) -> Result<Report, Problem> {
    let Some(plan) = &proposal.plan else {
        return Err(proposal.owner.clone().unwrap_or_else(|| {
            Problem::new(
                Code::NotManaged,
                "there is nothing that Igloo may change",
                "look at `igloo setup --plan`",
            )
        }));
    };
    if proposal.diff.is_empty()
        && let Some(key) = present_key()
    {
        return Ok(Report { public_key: Some(key), ..Report::new(plan::Outcome::Unchanged) });
    }
    confirmed(args, plan, proposal, context)?;
    helper::run(Verb::Apply(plan))
}

fn confirmed(args: &Args, plan: &Plan, proposal: &Proposal, context: &Context) -> Outcome {
    let style = Style::of(&std::io::stderr());
    if !args.yes {
        print::note(&render::plan(plan, proposal, style));
        return ask("Change this, as root?");
    }
    say(&render::plan(plan, proposal, Style::stdout()), context)
}

/// The key from an earlier setup: all may read its public half.
fn present_key() -> Option<String> {
    let text = std::fs::read_to_string(format!("{KEY_PATH}.pub")).ok()?;
    Some(text.trim().to_owned()).filter(|key| !key.is_empty())
}

/// Asks whether to go on.
///
/// # Errors
/// [`Code::NotConfirmed`]
pub(super) fn ask(question: &str) -> Outcome {
    if print::confirm(question)? {
        return Ok(());
    }
    Err(Problem::new(Code::NotConfirmed, "nothing was changed", "answer y to go on"))
}

fn tell(report: &Report, context: &Context) -> Outcome {
    if context.json { print::json(report) } else { print::out(&render::report(report, Style::stdout())) }
}

fn done(report: &Report) -> Outcome {
    report.problem.clone().map_or(Ok(()), Err)
}
