//! `igloo setup`: plan without privilege, show, ask, and only then have `igloo-admin` do it.

pub(crate) mod helper;
pub(crate) mod operations;
mod proof;
mod render;
pub(crate) mod sharing;

use super::{
    Outcome, builder,
    context::Context,
    print::{self, Style},
};
use igloo_admin::{Root, elevate::Verb, machines::KEY_PATH};
use igloo_protocol::{
    BuilderId, BuilderView, Code, Command, Problem,
    plan::{self, Plan, Report},
};
use operations::operations;
use proof::Proof;

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
    /// Let builds share one ssh connection: small builds take half the time, but a build fails that
    /// begins in the moment in which the shared connection ends (NixOS/nix#14132)
    #[arg(long, conflicts_with = "undo")]
    share_connection: bool,
    /// Don't build anything to prove that it works
    #[arg(long, conflicts_with = "undo")]
    no_proof: bool,
    /// Don't ask
    #[arg(long, short)]
    yes: bool,
}

/// Sets Nix up, or takes that back.
pub async fn run(args: Args, context: &Context) -> Outcome {
    if args.undo { undo(&args, context).await } else { apply(&args, context).await }
}

async fn apply(args: &Args, context: &Context) -> Outcome {
    let snapshot = context.client.snapshot().await?;
    let id = builder::pick(args.builder.as_deref(), &snapshot)?;
    let access = context.client.ssh(id).await?;
    if args.share_connection && !sharing::possible() {
        return Err(sharing::impossible());
    }
    let root = Root::system();
    let plan = igloo_admin::plan(
        &root,
        &operations(builder::view(id, &snapshot)?, &access, args.share_connection)?,
    )?;
    let diff = igloo_admin::diff(&root, &plan)?;
    if args.plan {
        return show(&plan, &diff, context);
    }
    let key = match diff.as_str() {
        "" => present_key(),
        _ => None,
    };
    let report = match key {
        Some(key) => Report { public_key: Some(key), ..Report::new(plan::Outcome::Unchanged) },
        None => change(args, &plan, &diff, context)?,
    };
    if !context.json {
        print::out(&render::report(&report, Style::stdout()))?;
    }
    let view = builder::view(id, &snapshot)?;
    let (proofs, result) = finish(args, view, &report, context).await;
    if context.json {
        print::json(&serde_json::json!({ "plan": plan, "report": report, "proof": proofs }))?;
    }
    result
}

/// Lets the key in and proves the setup; what was proven is told whatever becomes of it.
async fn finish(
    args: &Args,
    view: &BuilderView,
    report: &Report,
    context: &Context,
) -> (Vec<Proof>, Outcome) {
    let let_in = async {
        done(report.clone())?;
        let_in(view.id, report.public_key.clone(), context).await
    };
    if let Err(problem) = let_in.await {
        return (Vec::new(), Err(problem));
    }
    if args.no_proof {
        let said = if context.json { Ok(()) } else { print::out(&format!("Nix can build on {}", view.id)) };
        return (Vec::new(), said);
    }
    let proofs = prove(view, context).await;
    let problem = proofs.iter().find_map(|proof| proof.problem.clone());
    (proofs, problem.map_or(Ok(()), Err))
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

/// The key from an earlier setup: all may read its public half.
fn present_key() -> Option<String> {
    let text = std::fs::read_to_string(format!("{KEY_PATH}.pub")).ok()?;
    Some(text.trim().to_owned()).filter(|key| !key.is_empty())
}

fn change(args: &Args, plan: &Plan, diff: &str, context: &Context) -> Result<Report, Problem> {
    if !args.yes {
        print::note(&render::plan(plan, diff, Style::of(&std::io::stderr())));
        ask("Change this, as root?")?;
    } else if !context.json {
        print::out(&render::plan(plan, diff, Style::stdout()))?;
    }
    helper::run(Verb::Apply(plan))
}

async fn let_in(builder: BuilderId, public_key: Option<String>, context: &Context) -> Outcome {
    let public_key = public_key.ok_or_else(|| {
        Problem::new(Code::AdminFailed, "igloo-admin told no public key", "run `igloo setup` again")
    })?;
    context.client.command(&Command::DaemonKey { builder, public_key: Some(public_key) }).await
}

async fn undo(args: &Args, context: &Context) -> Outcome {
    if args.plan {
        return show_undo(context);
    }
    if !args.yes {
        ask("Take back all that Igloo changed below /etc, as root?")?;
    }
    let report = helper::run(Verb::Undo)?;
    let told = tell(&report, context);
    done(report)?;
    told?;
    for builder in BuilderId::ALL {
        match context.client.command(&Command::DaemonKey { builder, public_key: None }).await {
            // the key's private half is gone; that a guest still knows the other does no harm
            Err(p) if p.code == Code::NoEngine => break,
            other => other?,
        }
    }
    Ok(())
}

fn show_undo(context: &Context) -> Outcome {
    let files: Vec<_> = igloo_admin::present(&Root::system())?.into_iter().map(|(_, path)| path).collect();
    let command = helper::line(Verb::Undo)?;
    if context.json {
        return print::json(&serde_json::json!({ "files": files, "command": command }));
    }
    print::out(&render::undo(&files, &command))
}

fn ask(question: &str) -> Outcome {
    if print::confirm(question)? {
        return Ok(());
    }
    Err(Problem::new(Code::NotConfirmed, "nothing was changed", "answer y to go on"))
}

fn show(plan: &Plan, diff: &str, context: &Context) -> Outcome {
    let command = helper::line(Verb::Apply(plan))?;
    if !context.json {
        let text = render::plan(plan, diff, Style::stdout());
        return print::out(&if diff.is_empty() {
            text
        } else {
            format!("{text}\n\n{}", render::by_hand(&command))
        });
    }
    let steps = igloo_admin::describe(plan);
    print::json(&serde_json::json!({ "plan": plan, "steps": steps, "diff": diff, "command": command }))
}

fn tell(report: &Report, context: &Context) -> Outcome {
    if context.json { print::json(report) } else { print::out(&render::report(report, Style::stdout())) }
}

fn done(report: Report) -> Outcome {
    report.problem.map_or(Ok(()), Err)
}
