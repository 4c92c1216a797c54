//! `igloo setup --undo`.

use super::{Args, ask, render, tell};
use crate::cli::{Outcome, context::Context, print};
use crate::setup::{helper, let_in};
use igloo_admin::{Root, elevate::Verb};
use igloo_protocol::{BuilderId, Code};

/// Takes back all that Igloo changed, or shows what that would be.
pub async fn run(args: &Args, context: &Context) -> Outcome {
    if args.plan {
        return show(context);
    }
    if !args.yes {
        ask("Take back all that Igloo changed below /etc, as root?")?;
    }
    let report = helper::run(Verb::Undo)?;
    tell(&report, context)?;
    report.problem.map_or(Ok(()), Err)?;
    match let_in(&context.client, &BuilderId::ALL, None).await {
        // the key's private half is gone; that a guest still knows the other does no harm
        Err(p) if p.code == Code::NoEngine => Ok(()),
        other => other,
    }
}

fn show(context: &Context) -> Outcome {
    let files: Vec<_> = igloo_admin::present(&Root::system())?.into_iter().map(|(_, path)| path).collect();
    let command = helper::line(Verb::Undo)?;
    if context.json {
        return print::json(&serde_json::json!({ "files": files, "command": command }));
    }
    print::out(&render::undo(&files, &command))
}
