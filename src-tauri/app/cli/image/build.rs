//! `igloo image build`

use crate::{
    cli::{
        Outcome, builder,
        context::Context,
        format,
        print::{self, InPlace},
    },
    image::{self, Built, Wish},
};
use igloo_protocol::{BuilderId, ImageStep, NixView, Tally};
use std::{path::PathBuf, sync::Mutex};

#[derive(Debug, clap::Args)]
pub struct Args {
    /// The nixpkgs to take: a flake, a folder, or a channel in <>; the setting `nixpkgs` unless named
    #[arg(long, value_name = "REF")]
    nixpkgs: Option<String>,
    /// A NixOS module to build into the guest, which needs a builder that runs already
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// For which builder; the one of this machine's own architecture unless named
    #[arg(long, value_parser = builder::Name)]
    builder: Option<String>,
}

/// Makes an image and chooses it.
pub async fn run(args: Args, context: &Context) -> Outcome {
    let builder = args.builder.as_deref().map_or(Ok(BuilderId::native()), builder::named)?;
    let wish = Wish { builder, nixpkgs: args.nixpkgs, config: args.config };
    let face = Face::new(context.json);
    let built =
        image::make(&context.client, &context.paths, &wish, &|step| face.show(&step_line(step))).await?;
    if context.json {
        return print::json(&built);
    }
    let Built { name, image, .. } = built;
    print::out(&format!("{builder} uses {name} from the next start on: {}", image.display()))
}

/// Where the progress goes: to a line in place, or to standard error when something new begins.
enum Face {
    Silent,
    Plain(Mutex<String>),
    Terminal(Mutex<InPlace>),
}

impl Face {
    fn new(json: bool) -> Face {
        match (json, print::on_terminal()) {
            (true, _) => Face::Silent,
            (false, true) => Face::Terminal(Mutex::default()),
            (false, false) => Face::Plain(Mutex::default()),
        }
    }

    fn show(&self, line: &str) {
        match self {
            Face::Silent => {}
            Face::Terminal(place) => {
                if let Ok(mut place) = place.lock() {
                    // nowhere to tell if this fails
                    let _ = place.draw(&[line.to_owned()]);
                }
            }
            Face::Plain(last) => {
                let begun = line.split(SEPARATOR).next().unwrap_or_default();
                if let Ok(mut last) = last.lock()
                    && *last != begun
                {
                    begun.clone_into(&mut last);
                    print::note(line);
                }
            }
        }
    }
}

const SEPARATOR: &str = " · ";

/// What is done now.
fn step_line(step: &ImageStep) -> String {
    match step {
        ImageStep::Nix(view) => line(view),
        ImageStep::Store => "making the store image".to_owned(),
    }
}

/// What is done now, and how far it is, in counts and bytes.
fn line(view: &NixView) -> String {
    let idle = if *view == NixView::default() { "evaluating" } else { "working" };
    let now = view.now.clone().unwrap_or_else(|| idle.into());
    let some = |count: Tally| (count.expected > 0).then_some(count);
    let counted = |count, what: &str| some(count).map(|c| format!("{} of {} {what}", c.done, c.expected));
    let weighed = |count, what: &str| {
        some(count).map(|c| format!("{} of {} {what}", format::bytes(c.done), format::bytes(c.expected)))
    };
    let parts = [
        Some(now),
        counted(view.built, "built"),
        counted(view.fetched, "fetched"),
        weighed(view.downloaded, "downloaded"),
        weighed(view.unpacked, "unpacked"),
    ];
    parts.into_iter().flatten().collect::<Vec<_>>().join(SEPARATOR)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_has_what_is_known() {
        assert_eq!(line(&NixView::default()), "evaluating");
        let view = NixView {
            built: Tally { done: 1, expected: 3 },
            downloaded: Tally { done: 1 << 20, expected: 3 << 30 },
            now: Some("linux-6.12".into()),
            ..NixView::default()
        };
        insta::assert_snapshot!(line(&view), @"linux-6.12 · 1 of 3 built · 1 MiB of 3.0 GiB downloaded");
    }
}
