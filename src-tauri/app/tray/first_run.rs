//! Whether the window opens by itself: once, for who has neither an image nor a Nix that is set up.

use igloo_engine::host::{
    Paths,
    paths::{cannot, private_dir},
};
use igloo_protocol::{Problem, SettingView, Setup, Snapshot};
use std::{fs, path::PathBuf};

/// The file that says that the first run is over. What is in it does not matter.
fn mark(paths: &Paths) -> PathBuf {
    paths.config_dir.join("first-run-done")
}

/// Whether the first run is over, gone through or skipped.
pub fn is_done(paths: &Paths) -> bool {
    mark(paths).exists()
}

/// Says that the first run is over.
///
/// # Errors
/// A folder that can't be written to.
pub fn done(paths: &Paths) -> Result<(), Problem> {
    private_dir(&paths.config_dir)?;
    let mark = mark(paths);
    fs::write(&mark, "").map_err(|e| cannot("write", &mark, &e))
}

/// Whether the first run is wanted. `None`: it can't be told yet, since Nix' files were not looked at.
pub fn wanted(snapshot: &Snapshot, settings: &[SettingView]) -> Option<bool> {
    if snapshot.builders.iter().any(|b| b.setup == Setup::Unknown) {
        return None;
    }
    let set_up = snapshot.builders.iter().any(|b| b.setup != Setup::Absent);
    let image = settings.iter().any(|s| s.key.ends_with(".image") && s.value.is_some());
    Some(!set_up && !image)
}

#[cfg(test)]
mod tests {
    use super::super::sample::{builder, snapshot};
    use super::*;
    use igloo_protocol::{Applies, BuilderId, BuilderView, Phase};

    fn looked_at(setup: Setup) -> Snapshot {
        snapshot(BuilderId::ALL.map(|id| BuilderView { setup: setup.clone(), ..builder(id, Phase::Stopped) }))
    }

    fn image(value: Option<&str>) -> Vec<SettingView> {
        vec![SettingView {
            key: "builders.x86_64.image".into(),
            value: value.map(Into::into),
            default: None,
            set: value.is_some(),
            effect: String::new(),
            applies: Applies::NextStart,
        }]
    }

    #[test]
    fn only_who_has_neither_is_led() {
        let (absent, there) = (looked_at(Setup::Absent), looked_at(Setup::InPlace));
        assert_eq!(wanted(&absent, &image(None)), Some(true));
        assert_eq!(wanted(&absent, &image(Some("\"/i\""))), Some(false));
        assert_eq!(wanted(&there, &image(None)), Some(false));
        assert_eq!(wanted(&looked_at(Setup::Drifted { files: vec![] }), &image(None)), Some(false));
        assert_eq!(wanted(&looked_at(Setup::Unknown), &image(None)), None);
    }

    #[test]
    fn it_is_over_once_it_was_said_so() {
        let dir = tempfile::tempdir().unwrap();
        let paths = Paths::below(dir.path());
        assert!(!is_done(&paths));
        done(&paths).unwrap();
        done(&paths).unwrap();
        assert!(is_done(&paths));
    }
}
