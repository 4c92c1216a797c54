//! `igloo image build`

use crate::{
    cli::{
        Outcome, builder,
        context::Context,
        format,
        print::{self, InPlace},
        toml_text,
    },
    setup::program,
};
use igloo_engine::image::{
    Image, Library,
    build::{self, Count, Nix, Nixpkgs, Request, View},
};
use igloo_protocol::{BuilderId, Code, Problem};
use serde::Serialize;
use std::{path::PathBuf, sync::Mutex};

/// The setting that names nixpkgs.
const NIXPKGS: &str = "nixpkgs";

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

/// What was made.
#[derive(Debug, Serialize)]
struct Built {
    builder: BuilderId,
    image: PathBuf,
    name: String,
    store: Option<PathBuf>,
}

/// Builds an image with the host's Nix, makes its store image, and chooses it.
pub async fn run(args: Args, context: &Context) -> Outcome {
    let id = args.builder.as_deref().map_or(Ok(BuilderId::native()), builder::named)?;
    let request = request(&args, id, context).await?;
    let nix = Nix { build: program("nix-build"), store: program("nix-store") };
    let library = Library::new(&context.paths);
    let face = Face::new(context.json);
    let folder = build::build(&nix, &request, &library, &|view| face.show(&line(view))).await?;
    let image = Image::open(&folder)?;
    face.show("making the store image");
    let store = library.stores().ensure(&image).await?;
    super::set(id, &folder, context).await?;
    let name = image.manifest.name;
    if context.json {
        return print::json(&Built { builder: id, image: folder, name, store });
    }
    print::out(&format!("{id} uses {name} from the next start on: {}", folder.display()))
}

async fn request(args: &Args, id: BuilderId, context: &Context) -> Result<Request, Problem> {
    // asked for first, since the image is to be chosen in the end
    let settings = context.client.settings().await?;
    let chosen = settings.iter().find(|s| s.key == NIXPKGS).and_then(|s| s.value.as_deref());
    let text = args.nixpkgs.clone().or_else(|| chosen.map(toml_text::plain)).unwrap_or_default();
    let config = args.config.as_ref().map(|file| {
        file.canonicalize().map_err(|e| {
            let message = format!("there is no NixOS module at {}: {e}", file.display());
            Problem::new(Code::Usage, message, "name a file with one")
        })
    });
    Ok(Request { nixpkgs: Nixpkgs::read(&text)?, config: config.transpose()?, guest: id.system() })
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

/// What is done now, and how far it is, in counts and bytes.
fn line(view: &View) -> String {
    let idle = if *view == View::default() { "evaluating" } else { "working" };
    let now = view.now.clone().unwrap_or_else(|| idle.into());
    let some = |count: Count| (count.expected > 0).then_some(count);
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
        assert_eq!(line(&View::default()), "evaluating");
        let view = View {
            built: Count { done: 1, expected: 3 },
            downloaded: Count { done: 1 << 20, expected: 3 << 30 },
            now: Some("linux-6.12".into()),
            ..View::default()
        };
        insta::assert_snapshot!(line(&view), @"linux-6.12 · 1 of 3 built · 1 MiB of 3.0 GiB downloaded");
    }
}
