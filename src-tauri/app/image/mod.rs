//! Making an image for a builder: what the command line and the window do alike.

#[cfg(feature = "tray")]
pub mod turn;

use crate::{setup::program, toml_text};
use igloo_engine::{
    api::Client,
    host::Paths,
    image::{
        Image, Library,
        build::{self, Nix, Nixpkgs, Request},
    },
};
use igloo_protocol::{BuilderId, Code, Command, ImageStep, Problem, SettingView, SettingsPatch};
use serde::Serialize;
use std::path::{Path, PathBuf};

/// The setting that names nixpkgs.
const NIXPKGS: &str = "nixpkgs";

/// What is wished for.
#[derive(Clone, Debug)]
pub struct Wish {
    /// Whose image it is to be.
    pub builder: BuilderId,
    /// The nixpkgs to take; the setting's unless named.
    pub nixpkgs: Option<String>,
    /// A NixOS module to build into the guest.
    pub config: Option<PathBuf>,
}

/// What was made.
#[derive(Clone, Debug, Serialize)]
pub struct Built {
    /// Whose image it is from the next start on.
    pub builder: BuilderId,
    /// The image's folder.
    pub image: PathBuf,
    /// What the image is called.
    pub name: String,
    /// Its store image, where it has one.
    pub store: Option<PathBuf>,
}

/// Builds an image with the host's Nix, makes its store image, and chooses it. `on_step` is told how far it is.
/// Ends what it runs when it is dropped.
///
/// # Errors
/// Without an engine; as [`build::build`], and as the store image's maker.
pub async fn make(
    client: &Client,
    paths: &Paths,
    wish: &Wish,
    on_step: &(dyn Fn(&ImageStep) + Send + Sync),
) -> Result<Built, Problem> {
    // asked for first, since the image is to be chosen in the end
    let request = request(wish, &client.settings().await?)?;
    let nix = Nix { build: program("nix-build"), store: program("nix-store") };
    let library = Library::new(paths);
    let folder =
        build::build(&nix, &request, &library, &|view| on_step(&ImageStep::Nix(view.clone()))).await?;
    let image = Image::open(&folder)?;
    on_step(&ImageStep::Store);
    let store = library.stores().ensure(&image).await?;
    choose(client, wish.builder, &folder).await?;
    Ok(Built { builder: wish.builder, image: folder, name: image.manifest.name, store })
}

/// Lets a builder use the image in a folder.
///
/// # Errors
/// A name that is not UTF-8; as [`Client::command`].
pub async fn choose(client: &Client, id: BuilderId, folder: &Path) -> Result<(), Problem> {
    let text = folder.to_str().ok_or_else(|| {
        Problem::new(Code::Usage, "the folder's name is not UTF-8", "give the folder another name")
    })?;
    let patch = SettingsPatch { set: vec![(key(id), Some(toml_text::string(text)))] };
    client.command(&Command::Settings { patch }).await
}

/// The setting that names a builder's image.
pub fn key(id: BuilderId) -> String {
    format!("builders.{id}.image")
}

fn request(wish: &Wish, settings: &[SettingView]) -> Result<Request, Problem> {
    let chosen = settings.iter().find(|s| s.key == NIXPKGS).and_then(|s| s.value.as_deref());
    let text = wish.nixpkgs.clone().or_else(|| chosen.map(toml_text::plain)).unwrap_or_default();
    let config = wish.config.as_ref().map(|file| {
        file.canonicalize().map_err(|e| {
            let message = format!("there is no NixOS module at {}: {e}", file.display());
            Problem::new(Code::Usage, message, "name a file with one")
        })
    });
    Ok(Request { nixpkgs: Nixpkgs::read(&text)?, config: config.transpose()?, guest: wish.builder.system() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use igloo_protocol::{Applies, System};

    fn settings(nixpkgs: Option<&str>) -> Vec<SettingView> {
        vec![SettingView {
            key: NIXPKGS.into(),
            value: nixpkgs.map(Into::into),
            default: None,
            set: false,
            effect: String::new(),
            applies: Applies::Now,
        }]
    }

    fn wish(nixpkgs: Option<&str>, config: Option<PathBuf>) -> Wish {
        Wish { builder: BuilderId::Aarch64, nixpkgs: nixpkgs.map(Into::into), config }
    }

    #[test]
    fn nixpkgs_is_the_settings_unless_it_is_named() {
        let set = settings(Some("\"flake:chosen\""));
        let request = |named| super::request(&wish(named, None), &set).unwrap();
        assert_eq!(request(None).nixpkgs, Nixpkgs::Flake("flake:chosen".into()));
        assert_eq!(request(None).guest, System::Aarch64Linux);
        assert_eq!(request(Some("<nixpkgs>")).nixpkgs, Nixpkgs::Channel("nixpkgs".into()));
        let nowhere = super::request(&wish(None, None), &settings(None));
        assert_eq!(nowhere.unwrap_err().code, Code::Usage);
    }

    #[test]
    fn a_module_is_there_and_named_by_its_whole_path() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("c.nix");
        let request =
            || request(&wish(None, Some(dir.path().join("./c.nix"))), &settings(Some("\"nixpkgs\"")));
        assert!(request().unwrap_err().message.starts_with("there is no NixOS module at "));
        std::fs::write(&file, "{ }").unwrap();
        assert_eq!(request().unwrap().config, Some(file.canonicalize().unwrap()));
    }
}
