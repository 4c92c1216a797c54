//! What of Igloo's is there, as far as one can tell without being root.

use crate::root::{Root, file_path};
use crate::{layout, undo};
use igloo_protocol::plan::ManagedFile;
use igloo_protocol::{BuilderId, Problem};

/// The files that hold something of Igloo's: what an undo would take back. The receipt, which only root
/// can read, knows what each was before.
///
/// # Errors
/// `NotAllowed` where a file can't be read, `AdminFailed` where one is not safe for root to write to.
pub fn present(root: &Root) -> Result<Vec<(ManagedFile, String)>, Problem> {
    let mut found = Vec::new();
    for file in every_file() {
        if holds_ours(root, file)? {
            found.push((file, file_path(root.platform(), file)));
        }
    }
    Ok(found)
}

fn every_file() -> impl Iterator<Item = ManagedFile> {
    use ManagedFile::{BuilderKey, BuilderKeyPub, Machines, NixConf, NixCustomConf};
    let hosts = BuilderId::ALL.into_iter().map(ManagedFile::SshHost);
    [Machines, NixConf, NixCustomConf].into_iter().chain(hosts).chain([BuilderKey, BuilderKeyPub])
}

fn holds_ours(root: &Root, file: ManagedFile) -> Result<bool, Problem> {
    if matches!(file, ManagedFile::BuilderKey | ManagedFile::BuilderKeyPub) {
        return layout::exists(root, file);
    }
    Ok(read(root, file)?.is_some_and(|bytes| undo::has_ours(file, &bytes)))
}

/// A link is another program's file: nothing of Igloo's is in it.
fn read(root: &Root, file: ManagedFile) -> Result<Option<Vec<u8>>, Problem> {
    let path = root.join(&file_path(root.platform(), file));
    if path.symlink_metadata().is_ok_and(|meta| meta.is_symlink()) {
        return Ok(None);
    }
    Ok(layout::read(root, file)?.map(|found| found.bytes))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Platform, machines};
    use std::fs;
    use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};

    #[test]
    fn only_what_holds_something_of_igloos_is_named() {
        let dir = tempfile::tempdir().unwrap();
        let meta = dir.path().metadata().unwrap();
        let root = Root::for_tests(dir.path(), Platform::Linux, meta.uid(), meta.gid());
        assert_eq!(present(&root).unwrap(), []);
        for folder in ["etc", "etc/nix", "etc/ssh", "etc/ssh/ssh_config.d"] {
            fs::create_dir(dir.path().join(folder)).unwrap();
            fs::set_permissions(dir.path().join(folder), fs::Permissions::from_mode(0o755)).unwrap();
        }
        let write = |path: &str, text: &str| {
            fs::write(dir.path().join(path), text).unwrap();
            fs::set_permissions(dir.path().join(path), fs::Permissions::from_mode(0o644)).unwrap();
        };
        write("etc/nix/machines", "ssh://other x86_64-linux");
        symlink("/nix/store/nothing", dir.path().join("etc/nix/nix.conf")).unwrap();
        assert_eq!(present(&root).unwrap(), []);

        let line = format!("{} x86_64-linux {}", machines::uri(BuilderId::X86_64), machines::KEY_PATH);
        write("etc/nix/machines", &line);
        write("etc/nix/igloo_builder_ed25519", "secret");
        let host = serde_json::from_str(r##"{"builder":"x86_64","port":31023}"##).unwrap();
        let block = crate::ssh_conf::set("", &crate::ssh_conf::lines(Platform::Linux, &host));
        write("etc/ssh/ssh_config.d/100-igloo-x86_64.conf", &block);
        write("etc/ssh/ssh_config.d/100-igloo-aarch64.conf", "# mine\n");
        let paths: Vec<_> = present(&root).unwrap().into_iter().map(|(_, path)| path).collect();
        let expected = [
            "/etc/nix/machines",
            "/etc/ssh/ssh_config.d/100-igloo-x86_64.conf",
            "/etc/nix/igloo_builder_ed25519",
        ];
        assert_eq!(paths, expected);
    }
}
