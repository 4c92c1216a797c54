//! `igloo image list` and `igloo image gc`: both work on the user's own files, and need no engine.

use crate::cli::{Outcome, context::Context, format, print};
use igloo_engine::{
    image::{
        Library,
        library::{Collected, Entry, Uses, uses},
    },
    settings::{HostSize, Store},
};
use igloo_protocol::Problem;

/// Shows every image that was built or is used.
pub fn list(context: &Context) -> Outcome {
    let entries = Library::new(&context.paths).list(&used(context)?);
    if context.json {
        return print::json(&entries);
    }
    let lines: Vec<_> = entries.iter().map(line).collect();
    let text = lines.join("\n");
    print::out(if lines.is_empty() { "no image was built yet" } else { &text })
}

/// Removes what no builder uses.
pub async fn collect(context: &Context) -> Outcome {
    let collected = Library::new(&context.paths).collect(&used(context)?).await?;
    if context.json { print::json(&collected) } else { print::out(&told(&collected)) }
}

fn used(context: &Context) -> Result<Uses, Problem> {
    let settings = Store::new(context.paths.settings_file(), HostSize::detect()).load()?;
    Ok(uses(&context.paths, &settings))
}

fn line(entry: &Entry) -> String {
    let name = entry.name.as_deref().unwrap_or("(can't be read)");
    let system = entry.system.map_or("?", |system| system.as_str());
    let size = entry.bytes.map_or_else(|| "not made yet".to_owned(), format::bytes);
    let users: Vec<_> = entry.used_by.iter().map(|id| id.as_str()).collect();
    let users = if users.is_empty() { "unused".to_owned() } else { format!("used by {}", users.join(", ")) };
    format!("{name}, {system}, {size}, {users}\n    {}", entry.folder.display())
}

fn told(collected: &Collected) -> String {
    if collected.images.is_empty() && collected.stores.is_empty() {
        return "nothing to remove: each image is used by a builder".into();
    }
    format!(
        "removed {} and {}, {}; what the Nix store has of them goes with `nix-collect-garbage`",
        format::count(collected.images.len(), "image"),
        format::count(collected.stores.len(), "store image"),
        format::bytes(collected.bytes)
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use igloo_protocol::{BuilderId, System};

    #[test]
    fn an_image_is_told_with_its_size_and_its_users() {
        let entry = Entry {
            folder: "/s/images/abc".into(),
            name: Some("nixpkgs 25.11".into()),
            system: Some(System::Aarch64Linux),
            bytes: Some(3 << 29),
            used_by: vec![BuilderId::Aarch64],
        };
        insta::assert_snapshot!(line(&entry), @r"
        nixpkgs 25.11, aarch64-linux, 1.5 GiB, used by aarch64
            /s/images/abc
        ");
        let lost = Entry { name: None, system: None, bytes: None, used_by: vec![], ..entry };
        insta::assert_snapshot!(line(&lost), @r"
        (can't be read), ?, not made yet, unused
            /s/images/abc
        ");
    }

    #[test]
    fn a_collection_tells_the_room_that_it_made() {
        assert!(told(&Collected::default()).starts_with("nothing"));
        let collected = Collected { images: vec!["/a".into()], stores: vec!["/s".into()], bytes: 1 << 30 };
        insta::assert_snapshot!(told(&collected), @"removed 1 image and 1 store image, 1.0 GiB; what the Nix store has of them goes with `nix-collect-garbage`");
    }
}
