//! `igloo image`

mod build;
mod library;

use super::{Outcome, builder, context::Context, print};
use crate::{image, toml_text};
use clap::Subcommand;
use igloo_protocol::{BuilderId, Code, Problem, SettingView};
use std::{
    fs,
    path::{Path, PathBuf},
};

/// Make, choose or show the image that a builder starts from
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Build nixpkgs' own Linux builder with this machine's Nix, and use it from the next start on
    Build(build::Args),
    /// Use the image in a folder, from the next start on
    Use {
        /// The folder that holds manifest.json
        folder: PathBuf,
        /// For which builder; the one of the image's system unless named
        #[arg(long, value_parser = builder::Name)]
        builder: Option<String>,
    },
    /// Show which image each builder uses
    Show,
    /// Show every image that was built, its size, and which builders use it
    List,
    /// Remove the images, and the store images, that no builder uses
    Gc,
}

/// Chooses or shows an image.
pub async fn run(args: Args, context: &Context) -> Outcome {
    match args.verb {
        Verb::Use { folder, builder } => choose(&folder, builder.as_deref(), context).await,
        Verb::Show => show(context).await,
        Verb::Build(args) => build::run(args, context).await,
        Verb::List => library::list(context),
        Verb::Gc => library::collect(context).await,
    }
}

async fn choose(folder: &Path, name: Option<&str>, context: &Context) -> Outcome {
    let (folder, system) = look_at(folder)?;
    let id = builder::named(name.unwrap_or(&system))?;
    image::choose(&context.client, id, &folder).await?;
    if context.json {
        return show(context).await;
    }
    print::out(&format!("{id} uses {} from the next start on", folder.display()))
}

async fn show(context: &Context) -> Outcome {
    let settings = context.client.settings().await?;
    let of = |id: BuilderId| settings.iter().find(|s| s.key == image::key(id)).cloned();
    let images: Vec<_> = BuilderId::ALL.into_iter().filter_map(|id| Some((id, of(id)?))).collect();
    if context.json {
        let views: Vec<_> = images.iter().map(|(_, view)| view).collect();
        return print::json(&views);
    }
    let lines: Vec<_> = images.iter().map(|(id, view)| line(*id, view)).collect();
    print::out(&lines.join("\n"))
}

fn line(id: BuilderId, view: &SettingView) -> String {
    let image = view.value.as_deref().map(toml_text::plain).filter(|v| !v.is_empty());
    format!("{:<9}{}", id.as_str(), image.unwrap_or_else(|| "none".into()))
}

/// The folder's whole path, and the system that its manifest names. The engine looks at the rest.
fn look_at(folder: &Path) -> Result<(PathBuf, String), Problem> {
    let no_image = |e: std::io::Error| {
        let message = format!("there is no image in {}: {e}", folder.display());
        Problem::new(Code::NoImage, message, "name a folder that holds a manifest.json")
    };
    let folder = folder.canonicalize().map_err(no_image)?;
    let manifest = folder.join("manifest.json");
    let text = fs::read(&manifest).map_err(no_image)?;
    let bad = |why: String| {
        let message = format!("{}: {why}", manifest.display());
        Problem::new(Code::BadManifest, message, "make the image again")
    };
    let json: serde_json::Value = serde_json::from_slice(&text).map_err(|e| bad(e.to_string()))?;
    let system = json["system"].as_str().ok_or_else(|| bad("it names no system".into()))?;
    Ok((folder, system.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_image_is_a_folder_with_a_manifest_that_names_a_system() {
        let t = tempfile::tempdir().unwrap();
        let code = || look_at(t.path()).unwrap_err().code;
        assert_eq!(look_at(&t.path().join("none")).unwrap_err().code, Code::NoImage);
        assert_eq!(code(), Code::NoImage);
        for bad in ["", "{", "[]", "{\"system\":1}"] {
            fs::write(t.path().join("manifest.json"), bad).unwrap();
            assert_eq!(code(), Code::BadManifest, "{bad:?}");
        }
        fs::write(t.path().join("manifest.json"), r#"{"system":"x86_64-linux"}"#).unwrap();
        let (folder, system) = look_at(&t.path().join(".")).unwrap();
        assert_eq!((folder, system.as_str()), (t.path().canonicalize().unwrap(), "x86_64-linux"));
    }
}
