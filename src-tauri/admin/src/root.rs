//! Where files are looked up, and where each managed file is.

use igloo_protocol::plan::{ManagedFile, ManagedFolder};
use std::path::{Path, PathBuf};

/// Which platform's paths and services are meant. A value and not a `cfg`, so that both are tested anywhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Platform {
    /// Linux.
    Linux,
    /// macOS.
    MacOs,
}

impl Platform {
    /// The platform that this program was built for.
    pub const fn current() -> Platform {
        if cfg!(target_os = "macos") { Platform::MacOs } else { Platform::Linux }
    }
}

/// Is told of every effect just before it happens, in a few words. For tests, which act or kill the
/// program there.
pub type Watch = fn(&'static str);

/// The folder under which `/etc` and the rest are looked up, and who must own what is found there.
///
/// `igloo-admin` only ever uses [`Root::system`]; another root is for tests.
#[derive(Clone, Debug)]
pub struct Root {
    path: PathBuf,
    platform: Platform,
    uid: u32,
    gid: u32,
    watch: Watch,
}

impl Root {
    /// The running system: `/`, owned by root.
    pub fn system() -> Root {
        Root { path: PathBuf::from("/"), platform: Platform::current(), uid: 0, gid: 0, watch: |_| {} }
    }

    /// Another folder, for tests: everything in it is expected to belong to `uid`, and what is
    /// made in it is given to `uid` and `gid`.
    pub fn for_tests(path: impl Into<PathBuf>, platform: Platform, uid: u32, gid: u32) -> Root {
        Root { path: path.into(), platform, uid, gid, watch: |_| {} }
    }

    /// The same root with a watch, for tests. The one of [`Root::system`] is empty and nothing that
    /// `igloo-admin` reads can change it.
    pub fn watched(self, watch: Watch) -> Root {
        Root { watch, ..self }
    }

    /// Whose paths are meant.
    pub fn platform(&self) -> Platform {
        self.platform
    }

    /// The folder that stands for `/`.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Who is told of every effect.
    pub(crate) fn watch(&self) -> Watch {
        self.watch
    }

    /// The user and the group that own everything.
    pub(crate) fn owner(&self) -> (u32, u32) {
        (self.uid, self.gid)
    }

    /// Where an absolute path of the system is really found under this root.
    pub(crate) fn join(&self, absolute: &str) -> PathBuf {
        self.path.join(real(self.platform, absolute).trim_start_matches('/'))
    }
}

/// The path without the symlinks that macOS itself has at the top (`/etc`, `/var` and `/tmp` lead
/// into `/private`), so that no symlink needs to be followed.
pub(crate) fn real(platform: Platform, absolute: &str) -> String {
    let first = absolute.trim_start_matches('/').split('/').next().unwrap_or_default();
    match (platform, first) {
        (Platform::MacOs, "etc" | "var" | "tmp") => format!("/private{absolute}"),
        _ => absolute.to_owned(),
    }
}

/// The folder and the name of a managed file.
pub(crate) fn place(file: ManagedFile) -> (ManagedFolder, String) {
    match file {
        ManagedFile::BuilderKey => (ManagedFolder::Nix, "igloo_builder_ed25519".into()),
        ManagedFile::BuilderKeyPub => (ManagedFolder::Nix, "igloo_builder_ed25519.pub".into()),
        ManagedFile::Machines => (ManagedFolder::Nix, "machines".into()),
        ManagedFile::NixConf => (ManagedFolder::Nix, "nix.conf".into()),
        ManagedFile::NixCustomConf => (ManagedFolder::Nix, "nix.custom.conf".into()),
        ManagedFile::Helper => (ManagedFolder::HelperTools, "igloo-admin".into()),
        ManagedFile::LinuxBuilderJob => {
            (ManagedFolder::LaunchDaemons, "org.nixos.linux-builder.plist".into())
        }
        ManagedFile::SshHost(builder) => (ManagedFolder::SshConfig, format!("100-igloo-{builder}.conf")),
    }
}

/// The usual path of a managed file, as users and other programs name it.
pub(crate) fn file_path(platform: Platform, file: ManagedFile) -> String {
    let (folder, name) = place(file);
    format!("{}/{name}", folder_path(platform, folder))
}

/// The usual path of a managed folder. Igloo's own is where the platform keeps such things; it
/// outlives a restart, which `/run` does not.
pub(crate) fn folder_path(platform: Platform, folder: ManagedFolder) -> &'static str {
    match (folder, platform) {
        (ManagedFolder::Nix, _) => "/etc/nix",
        (ManagedFolder::SshConfig, _) => "/etc/ssh/ssh_config.d",
        (ManagedFolder::LaunchDaemons, _) => "/Library/LaunchDaemons",
        (ManagedFolder::HelperTools, Platform::Linux) => "/usr/local/libexec",
        (ManagedFolder::HelperTools, Platform::MacOs) => "/Library/PrivilegedHelperTools",
        (ManagedFolder::State, Platform::Linux) => "/var/lib/igloo",
        (ManagedFolder::State, Platform::MacOs) => "/var/db/igloo",
        (ManagedFolder::SshControl, Platform::Linux) => "/var/lib/igloo/ssh",
        (ManagedFolder::SshControl, Platform::MacOs) => "/var/db/igloo/ssh",
    }
}

/// The permission bits of a folder that Igloo makes.
pub(crate) fn folder_mode(folder: ManagedFolder) -> u32 {
    match folder {
        ManagedFolder::Nix
        | ManagedFolder::SshConfig
        | ManagedFolder::HelperTools
        | ManagedFolder::LaunchDaemons => 0o755,
        ManagedFolder::State | ManagedFolder::SshControl => 0o700,
    }
}

/// The permission bits of a file that Igloo makes; one that exists keeps its own.
pub(crate) fn file_mode(file: ManagedFile) -> u32 {
    match file {
        ManagedFile::BuilderKey => 0o600,
        ManagedFile::Helper => 0o755,
        _ => 0o644,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use igloo_protocol::BuilderId;

    #[test]
    fn macos_symlinks_at_the_top_are_known() {
        assert_eq!(real(Platform::MacOs, "/etc/nix/machines"), "/private/etc/nix/machines");
        assert_eq!(real(Platform::MacOs, "/var/db/igloo"), "/private/var/db/igloo");
        assert_eq!(real(Platform::MacOs, "/nix/var"), "/nix/var");
        assert_eq!(real(Platform::MacOs, "/etcetera"), "/etcetera");
        assert_eq!(real(Platform::Linux, "/etc/nix"), "/etc/nix");
    }

    #[test]
    fn every_file_has_its_place() {
        let ssh = ManagedFile::SshHost(BuilderId::X86_64);
        assert_eq!(file_path(Platform::Linux, ssh), "/etc/ssh/ssh_config.d/100-igloo-x86_64.conf");
        assert_eq!(file_path(Platform::MacOs, ManagedFile::BuilderKey), "/etc/nix/igloo_builder_ed25519");
        let root = Root::for_tests("/tmp/r", Platform::MacOs, 1, 1);
        assert_eq!(root.join("/etc/nix"), Path::new("/tmp/r/private/etc/nix"));
    }
}
