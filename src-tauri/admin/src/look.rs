//! Reads of files that Igloo does not write, to know whose machine this is. Links are followed here, for they
//! tell who made a file, but by hand: none leads out of the root, and nothing that could block or be endless is
//! opened.

use crate::root::{Root, real};
use std::collections::VecDeque;
use std::fs::{self, OpenOptions};
use std::io::Read;
use std::os::unix::fs::OpenOptionsExt;
use std::path::PathBuf;

/// How many links are followed on the way to one file. Linux follows 40.
const MAX_LINKS: usize = 16;

/// The most of a file that is read, in bytes.
const MAX_BYTES: u64 = 1 << 20;

/// Whether something has this name, if only a link that leads nowhere.
pub(crate) fn there(root: &Root, path: &str) -> bool {
    kind(root, path).is_some()
}

/// Whether the name itself is a link.
pub(crate) fn is_link(root: &Root, path: &str) -> bool {
    kind(root, path).is_some_and(|kind| kind.is_symlink())
}

/// What has this name: the folder's links are followed, its own is not.
fn kind(root: &Root, path: &str) -> Option<fs::FileType> {
    let (folder, name) = path.rsplit_once('/')?;
    let real = root.path().join(resolve(root, folder)?).join(name);
    fs::symlink_metadata(real).ok().map(|meta| meta.file_type())
}

/// Where a name leads in the end, as the system calls it; `None` if that is nowhere.
pub(crate) fn target(root: &Root, path: &str) -> Option<String> {
    resolve(root, path).map(|path| format!("/{}", path.display()))
}

/// The target of the link that has this name, as it is written in it.
pub(crate) fn link(root: &Root, path: &str) -> Option<String> {
    let (folder, name) = path.rsplit_once('/')?;
    let real = root.path().join(resolve(root, folder)?).join(name);
    fs::read_link(real).ok()?.into_os_string().into_string().ok()
}

/// A regular file's text, links followed; `None` if it is not there, can't be read, is larger than 1 MiB or not UTF-8.
pub(crate) fn text(root: &Root, path: &str) -> Option<String> {
    let real = root.path().join(resolve(root, path)?);
    // a pipe that somebody put there must not be waited for
    let nonblock = rustix::fs::OFlags::NONBLOCK | rustix::fs::OFlags::NOFOLLOW;
    let flags = i32::try_from(nonblock.bits()).ok()?;
    let file = OpenOptions::new().read(true).custom_flags(flags).open(real).ok()?;
    let meta = file.metadata().ok()?;
    if !meta.is_file() || meta.len() > MAX_BYTES {
        return None;
    }
    let mut text = String::new();
    file.take(MAX_BYTES).read_to_string(&mut text).ok()?;
    Some(text)
}

/// The names in a folder, links followed, in order; none if it can't be read.
pub(crate) fn names(root: &Root, path: &str) -> Vec<String> {
    let Some(real) = resolve(root, path).map(|p| root.path().join(p)) else { return vec![] };
    let entries = fs::read_dir(real).into_iter().flatten().flatten();
    let mut names: Vec<String> = entries.filter_map(|e| e.file_name().into_string().ok()).collect();
    names.sort();
    names
}

/// A path below the root without a link in it; `None` if there is nothing.
fn resolve(root: &Root, path: &str) -> Option<PathBuf> {
    let words = |path: &str| path.split('/').map(str::to_owned).collect::<Vec<_>>();
    let mut left: VecDeque<String> = words(&real(root.platform(), path)).into();
    let mut at = PathBuf::new();
    let mut links = 0;
    while let Some(name) = left.pop_front() {
        match name.as_str() {
            "" | "." => continue,
            ".." => {
                at.pop();
                continue;
            }
            _ => {}
        }
        let next = at.join(&name);
        let full = root.path().join(&next);
        if !fs::symlink_metadata(&full).ok()?.is_symlink() {
            at = next;
            continue;
        }
        links += 1;
        let target = fs::read_link(&full).ok()?.into_os_string().into_string().ok()?;
        if links > MAX_LINKS {
            return None;
        }
        let mut onward = words(&target);
        if target.starts_with('/') {
            at = PathBuf::new();
            onward = words(&real(root.platform(), &target));
        }
        for word in onward.into_iter().rev() {
            left.push_front(word);
        }
    }
    Some(at)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::root::Platform;
    use std::os::unix::fs::symlink;

    fn root(platform: Platform) -> (tempfile::TempDir, Root) {
        let dir = tempfile::tempdir().unwrap();
        let root = Root::for_tests(dir.path(), platform, 0, 0);
        (dir, root)
    }

    #[test]
    fn links_are_followed_below_the_root_only() {
        let (dir, root) = root(Platform::MacOs);
        let at = |path: &str| dir.path().join(path);
        fs::create_dir_all(at("private/etc/nix")).unwrap();
        fs::create_dir_all(at("nix/store/x-etc")).unwrap();
        fs::write(at("nix/store/x-etc/nix.conf"), "cores = 1\n").unwrap();
        symlink("/nix/store/x-etc", at("private/etc/static")).unwrap();
        symlink("/etc/static/nix.conf", at("private/etc/nix/nix.conf")).unwrap();
        symlink("../../../../../../../../etc/static/nix.conf", at("private/etc/nix/up")).unwrap();
        symlink("/etc/passwd", at("private/etc/nix/out")).unwrap();
        symlink("loop", at("private/etc/nix/loop")).unwrap();
        assert_eq!(text(&root, "/etc/nix/nix.conf").as_deref(), Some("cores = 1\n"));
        assert_eq!(target(&root, "/etc/nix/nix.conf").as_deref(), Some("/nix/store/x-etc/nix.conf"));
        // as the kernel has it, `..` of the root is the root; macOS' own link at `/etc` is not in this tree
        assert_eq!(text(&root, "/etc/nix/up"), None);
        for nothing in ["/etc/nix/out", "/etc/nix/loop", "/etc/nix/none", "/etc/nix"] {
            assert_eq!(text(&root, nothing), None, "{nothing}");
        }
        assert!(there(&root, "/etc/nix/out") && is_link(&root, "/etc/nix/loop"));
        assert!(!there(&root, "/etc/nix/none"));
        assert_eq!(link(&root, "/etc/nix/nix.conf").as_deref(), Some("/etc/static/nix.conf"));
        assert_eq!(names(&root, "/etc/nix"), ["loop", "nix.conf", "out", "up"]);
    }

    #[test]
    fn what_is_no_text_of_a_fair_size_is_not_read() {
        let (dir, root) = root(Platform::Linux);
        fs::write(dir.path().join("big"), vec![b'a'; 1 << 21]).unwrap();
        fs::write(dir.path().join("bytes"), [0xff, 0xfe]).unwrap();
        let pipe = dir.path().join("pipe");
        assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
        for path in ["/big", "/bytes", "/pipe"] {
            assert_eq!(text(&root, path), None, "{path}");
            assert!(there(&root, path), "{path}");
        }
    }
}
