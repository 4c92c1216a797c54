//! The part of `/etc` that a demo goes near, to see that it is left as it was.

use anyhow::{Context, Result, bail};
use sha2::{Digest, Sha256};
use std::{
    collections::BTreeMap,
    fs,
    io::ErrorKind,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
};

const WATCHED: [&str; 5] = ["/etc/nix", "/etc/ssh", "/etc/passwd", "/etc/group", "/nix/store"];
/// Entries of these are looked at by name alone.
const BY_NAME: &str = "/nix/store";

/// Paths, with a text that changes when they do.
#[derive(Debug, PartialEq, Eq)]
pub struct Footprint(BTreeMap<PathBuf, String>);

impl Footprint {
    /// As it is now.
    pub fn take() -> Result<Footprint> {
        let mut found = BTreeMap::new();
        for path in WATCHED {
            look(Path::new(path), &mut found)?;
        }
        Ok(Footprint(found))
    }

    /// # Errors
    /// Names what is not as it was.
    pub fn expect(&self, now: &Footprint) -> Result<()> {
        let paths = self.0.keys().chain(now.0.keys());
        let mut changed: Vec<_> = paths.filter(|path| self.0.get(*path) != now.0.get(*path)).collect();
        changed.dedup();
        if changed.is_empty() {
            return Ok(());
        }
        bail!(
            "not as it was: {}",
            changed.iter().map(|path| path.display().to_string()).collect::<Vec<_>>().join(", ")
        )
    }
}

fn look(path: &Path, found: &mut BTreeMap<PathBuf, String>) -> Result<()> {
    let about = match fs::symlink_metadata(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
        about => about.with_context(|| format!("looking at {}", path.display()))?,
    };
    let mut text = format!("{:o} {}:{}", about.mode(), about.uid(), about.gid());
    if about.is_symlink() {
        text += &format!(" {}", fs::read_link(path)?.display());
    } else if about.is_file() {
        let hash = Sha256::digest(fs::read(path)?);
        text += &hash.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    }
    found.insert(path.to_owned(), text);
    if about.is_dir() {
        for entry in fs::read_dir(path)? {
            let entry = entry?.path();
            if path == Path::new(BY_NAME) {
                found.insert(entry, String::new());
            } else {
                look(&entry, found)?;
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    fn footprint(dir: &Path) -> Footprint {
        let mut found = BTreeMap::new();
        look(dir, &mut found).unwrap();
        Footprint(found)
    }

    #[test]
    fn every_kind_of_change_is_seen() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("machines");
        fs::write(&file, "one").unwrap();
        let before = footprint(dir.path());
        before.expect(&footprint(dir.path())).unwrap();

        fs::write(&file, "two").unwrap();
        assert!(before.expect(&footprint(dir.path())).unwrap_err().to_string().contains("machines"));
        fs::write(&file, "one").unwrap();
        fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
        assert!(before.expect(&footprint(dir.path())).is_err());
        fs::set_permissions(&file, fs::Permissions::from_mode(0o644)).unwrap();
        fs::write(dir.path().join("more"), "").unwrap();
        assert!(before.expect(&footprint(dir.path())).unwrap_err().to_string().contains("more"));
    }
}
