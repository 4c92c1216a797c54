//! Where Igloo keeps its files.

use igloo_protocol::{BuilderId, Code, Problem};
use std::{
    ffi::OsString,
    fs, io,
    os::unix::fs::{DirBuilderExt, PermissionsExt},
    path::{Path, PathBuf},
};

/// The longest path that a Unix socket may have on every host, in bytes: macOS's `sun_path` holds
/// 104 with the final NUL.
pub const SOCKET_PATH_MAX: usize = 103;

/// Which of the two customs the host follows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Layout {
    /// The XDG base directories.
    Xdg,
    /// macOS's `~/Library`.
    Library,
}

/// Where Igloo keeps its files. `IGLOO_HOME` puts all four below one folder, which makes a second,
/// independent Igloo.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Paths {
    /// The user's choices.
    pub config_dir: PathBuf,
    /// Disks, keys and logs: what must outlive a restart.
    pub state_dir: PathBuf,
    /// What can be made again.
    pub cache_dir: PathBuf,
    /// Sockets and the records of what runs.
    pub runtime_dir: PathBuf,
}

impl Paths {
    /// The paths of this process' user, by the environment and the host's custom.
    ///
    /// # Errors
    /// [`Code::Internal`] where neither `IGLOO_HOME` nor `HOME` is set.
    pub fn from_env() -> Result<Paths, Problem> {
        Self::resolve(super::LAYOUT, |name| std::env::var_os(name))
    }

    /// The paths below one folder.
    pub fn below(home: &Path) -> Paths {
        Paths {
            config_dir: home.join("config"),
            state_dir: home.join("state"),
            cache_dir: home.join("cache"),
            runtime_dir: home.join("run"),
        }
    }

    /// The paths by this custom and these variables.
    ///
    /// # Errors
    /// As [`Paths::from_env`].
    pub fn resolve(layout: Layout, env: impl Fn(&str) -> Option<OsString>) -> Result<Paths, Problem> {
        let dir = |name: &str| env(name).map(PathBuf::from).filter(|p| p.is_absolute());
        if let Some(home) = dir("IGLOO_HOME") {
            return Ok(Self::below(&home));
        }
        let home = dir("HOME").ok_or_else(|| {
            Problem::new(
                Code::Internal,
                "the home folder is not known: HOME is not set",
                "set HOME, or IGLOO_HOME to a folder for Igloo's files",
            )
        })?;
        Ok(match layout {
            Layout::Library => {
                let support = home.join("Library/Application Support/Igloo");
                Paths {
                    config_dir: support.clone(),
                    cache_dir: home.join("Library/Caches/Igloo"),
                    runtime_dir: support.join("run"),
                    state_dir: support,
                }
            }
            Layout::Xdg => {
                let state = dir("XDG_STATE_HOME").unwrap_or_else(|| home.join(".local/state")).join("igloo");
                Paths {
                    config_dir: dir("XDG_CONFIG_HOME").unwrap_or_else(|| home.join(".config")).join("igloo"),
                    cache_dir: dir("XDG_CACHE_HOME").unwrap_or_else(|| home.join(".cache")).join("igloo"),
                    runtime_dir: dir("XDG_RUNTIME_DIR")
                        .map_or_else(|| state.join("run"), |d| d.join("igloo")),
                    state_dir: state,
                }
            }
        })
    }

    /// The socket of the API.
    pub fn socket(&self) -> PathBuf {
        self.runtime_dir.join("api.sock")
    }

    /// The user's choices.
    pub fn settings_file(&self) -> PathBuf {
        self.config_dir.join("settings.toml")
    }

    /// What is kept of one builder: disks, shares, console log.
    pub fn builder_dir(&self, id: BuilderId) -> PathBuf {
        self.state_dir.join("builders").join(id.as_str())
    }

    /// The sockets and the record of one builder's machine.
    pub fn run_dir(&self, id: BuilderId) -> PathBuf {
        self.runtime_dir.join(id.as_str())
    }

    /// Held by the one engine that works on this state.
    pub fn engine_lock(&self) -> PathBuf {
        self.state_dir.join("engine.lock")
    }

    /// The log of an engine that was started in the background.
    pub fn engine_log(&self) -> PathBuf {
        self.state_dir.join("engine.log")
    }

    /// Makes the folders that are missing, for this user alone, and closes to others those of state
    /// and run time.
    ///
    /// # Errors
    /// A folder that can't be made, or a run-time folder too long for a socket.
    pub fn create(&self) -> Result<(), Problem> {
        for dir in [&self.config_dir, &self.cache_dir] {
            private_dir(dir)?;
        }
        for dir in [&self.state_dir, &self.runtime_dir] {
            private_dir(dir)?;
            let closed = fs::Permissions::from_mode(0o700);
            fs::set_permissions(dir, closed).map_err(|e| cannot("close to others", dir, &e))?;
        }
        check_socket_length(&self.runtime_dir.join("aarch64/agent.sock"))
    }
}

/// Makes a folder, and those above it that are missing, with mode 0700.
pub fn private_dir(dir: &Path) -> Result<(), Problem> {
    fs::DirBuilder::new().recursive(true).mode(0o700).create(dir).map_err(|e| cannot("make", dir, &e))
}

/// What to tell when something can't be done to a file. A full disk is said to be one.
pub fn cannot(what: &str, path: &Path, e: &io::Error) -> Problem {
    if matches!(e.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded) {
        return Problem::new(
            Code::DiskFull,
            format!("can't {what} {}: the disk is full", path.display()),
            "make room on the disk, then try again",
        );
    }
    Problem::new(
        Code::Internal,
        format!("can't {what} {}: {e}", path.display()),
        "look at the folder's owner and mode, then try again",
    )
}

/// Whether a socket can have this path.
///
/// # Errors
/// [`Code::Usage`] where it is longer than [`SOCKET_PATH_MAX`].
pub fn check_socket_length(longest: &Path) -> Result<(), Problem> {
    if longest.as_os_str().len() <= SOCKET_PATH_MAX {
        return Ok(());
    }
    Err(Problem::new(
        Code::Usage,
        format!("{} is too long for a socket: at most {SOCKET_PATH_MAX} bytes", longest.display()),
        "set IGLOO_HOME (or XDG_RUNTIME_DIR) to a folder with a shorter path",
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashMap;

    fn resolve(layout: Layout, env: &[(&str, &str)]) -> Result<Paths, Problem> {
        let env: HashMap<_, _> = env.iter().copied().collect();
        Paths::resolve(layout, |n| env.get(n).map(OsString::from))
    }

    #[test]
    fn linux_follows_xdg() {
        let p = resolve(Layout::Xdg, &[("HOME", "/h"), ("XDG_RUNTIME_DIR", "/run/user/1")]).unwrap();
        assert_eq!(p.settings_file(), Path::new("/h/.config/igloo/settings.toml"));
        assert_eq!(p.socket(), Path::new("/run/user/1/igloo/api.sock"));
        assert_eq!(p.builder_dir(BuilderId::X86_64), Path::new("/h/.local/state/igloo/builders/x86_64"));
        let p = resolve(Layout::Xdg, &[("HOME", "/h"), ("XDG_STATE_HOME", "/s")]).unwrap();
        assert_eq!(p.runtime_dir, Path::new("/s/igloo/run"));
    }

    #[test]
    fn xdg_folders_that_are_not_absolute_are_ignored() {
        let p = resolve(Layout::Xdg, &[("HOME", "/h"), ("XDG_CONFIG_HOME", "here")]).unwrap();
        assert_eq!(p.config_dir, Path::new("/h/.config/igloo"));
    }

    #[test]
    fn macos_keeps_to_the_library() {
        let p = resolve(Layout::Library, &[("HOME", "/Users/a")]).unwrap();
        assert_eq!(p.socket(), Path::new("/Users/a/Library/Application Support/Igloo/run/api.sock"));
        assert_eq!(p.cache_dir, Path::new("/Users/a/Library/Caches/Igloo"));
    }

    #[test]
    fn igloo_home_holds_everything() {
        for layout in [Layout::Xdg, Layout::Library] {
            let p = resolve(layout, &[("HOME", "/h"), ("IGLOO_HOME", "/i")]).unwrap();
            assert_eq!(p, Paths::below(Path::new("/i")));
        }
        assert_eq!(resolve(Layout::Xdg, &[]).unwrap_err().code, Code::Internal);
    }

    #[test]
    fn folders_are_the_users_alone() {
        let t = tempfile::tempdir().unwrap();
        let p = Paths::below(&t.path().join("deep/home"));
        p.create().unwrap();
        for dir in [&p.state_dir, &p.runtime_dir] {
            assert_eq!(fs::metadata(dir).unwrap().permissions().mode() & 0o777, 0o700);
        }
        fs::set_permissions(&p.runtime_dir, fs::Permissions::from_mode(0o755)).unwrap();
        p.create().unwrap();
        assert_eq!(fs::metadata(&p.runtime_dir).unwrap().permissions().mode() & 0o777, 0o700);
    }

    #[test]
    fn a_path_too_long_for_a_socket_is_said() {
        let p = Paths::below(&tempfile::tempdir().unwrap().path().join("x".repeat(100)));
        assert_eq!(p.create().unwrap_err().code, Code::Usage);
    }
}
