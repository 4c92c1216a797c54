//! `igloo-admin` itself: where it may lie, whether it is installed, and which bytes it is made of.
//!
//! What root runs must not be another's to change. A program can't prove that of itself: one that was swapped
//! would not ask. So these checks keep Igloo and its user from building on an unsafe place; they do
//! not stop an attacker who got there first. `docs/security.md` says what does.

use crate::layout;
use crate::problem::{io_failed, unsafe_place};
use crate::root::{Root, file_path};
use crate::wire::sha256;
use igloo_protocol::plan::{ManagedFile, Sha256};
use igloo_protocol::{Code, Problem};
use rustix::fs::{AtFlags, CWD, FileType, Mode, OFlags, RawMode, Stat};
use std::fs::File;
use std::io::{self, Read};
use std::os::fd::OwnedFd;
use std::path::{Component, Path, PathBuf};

/// The first argument of an `igloo-admin` that was started by hand: it may lie anywhere.
pub const BY_HAND: &str = "--by-hand";

/// The largest `igloo-admin` that is read, in bytes.
pub(crate) const MAX_HELPER: u64 = 64 << 20;

/// The first elevation from a folder that its user may write to, as a shell script: `sh -c SCRIPT
/// igloo-install <igloo-admin> <its hash> [<verb> …]`. Root takes a copy to where nobody else can
/// change it, and only then looks whether it is the one that the app means, has it install itself, and
/// has it do what was asked. Between the check and the run there is nothing left to swap.
pub const INSTALL_SCRIPT: &str = r#"set -eu
umask 077
dir=$(/usr/bin/mktemp -d /tmp/igloo.XXXXXXXX)
trap '/bin/rm -rf "$dir"' EXIT
helper=$dir/igloo-admin
/bin/cp -- "$1" "$helper"
hash=$(/usr/bin/env -i /usr/bin/shasum -a 256 < "$helper")
if [ "${hash%% *}" != "$2" ]; then
  echo "igloo-admin was changed since Igloo looked at it" >&2
  exit 52
fi
/bin/chmod 700 "$helper"
"$helper" install "$2" > "$dir/report" || { code=$?; /bin/cat "$dir/report"; exit "$code"; }
[ $# -gt 2 ] || { /bin/cat "$dir/report"; exit 0; }
shift 2
"$helper" "$@""#;

/// Where the installed `igloo-admin` is, if it is there, safe, and the one with this hash.
pub fn installed(root: &Root, wanted: &Sha256) -> Option<PathBuf> {
    let found = layout::read(root, ManagedFile::Helper).ok()??;
    let path = file_path(root.platform(), ManagedFile::Helper);
    (found.meta.mode & 0o111 == 0o111 && sha256(&found.bytes) == *wanted).then(|| root.join(&path))
}

/// The hash of a program, for [`installed`] and for `igloo-admin install`.
///
/// # Errors
/// It can't be read, or is larger than any `igloo-admin`.
pub fn hash(path: &Path) -> Result<Sha256, Problem> {
    read(path).map(|bytes| sha256(&bytes))
}

/// The bytes of this very program. On Linux those that run, whatever its path leads to by now.
///
/// # Errors
/// As [`hash`].
pub fn own_bytes() -> Result<Vec<u8>, Problem> {
    if cfg!(target_os = "linux") { read(Path::new("/proc/self/exe")) } else { read(&own_path()?) }
}

/// Refuses if others than root could change this program, or swap it.
///
/// # Errors
/// `AdminFailed` naming the first place on the way that is not safe.
pub fn check_own_place() -> Result<(), Problem> {
    check_place(&own_path()?)
}

/// As [`check_own_place`], for another program.
///
/// # Errors
/// As there.
pub fn check_place(path: &Path) -> Result<(), Problem> {
    check(&links(path).map_err(|e| io_failed("look at", &path.display().to_string(), &e))?)
}

/// A folder on the way to a program, or the program itself.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Link {
    path: String,
    uid: u32,
    /// Kind and permission bits, as in `st_mode`.
    mode: RawMode,
}

/// Decides over the way to a program: from the root down, the program last.
fn check(links: &[Link]) -> Result<(), Problem> {
    for (at, link) in links.iter().enumerate() {
        let others_write = link.mode & 0o022 != 0;
        // where the sticky bit is set (/tmp, /nix/store) only its owner may rename an entry away, and the next
        // one has to be root's too
        let sticky = link.mode & 0o1000 != 0;
        let last = at + 1 == links.len();
        let wanted = if last { FileType::RegularFile } else { FileType::Directory };
        let why = match FileType::from_raw_mode(link.mode) {
            FileType::Symlink => "is a symbolic link",
            kind if kind != wanted => "is not what it should be",
            _ if link.uid != 0 => "does not belong to root",
            _ if others_write && (last || !sticky) => "is writable by others than root",
            _ => continue,
        };
        return Err(Problem::new(
            Code::AdminFailed,
            format!("{} {why}, so others could change what root runs", link.path),
            "install Igloo where only root writes, or run igloo-admin by hand in a terminal, with sudo and `--by-hand`",
        ));
    }
    Ok(())
}

/// What is on the way to a program. Every folder is opened in the one before it, and no symlink is followed.
fn links(path: &Path) -> io::Result<Vec<Link>> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let mut at = rustix::fs::openat(CWD, "/", flags, Mode::empty())?;
    let mut links = vec![link("/".into(), &rustix::fs::fstat(&at)?)];
    let names: Vec<_> = path.components().filter(|c| *c != Component::RootDir).collect();
    let mut so_far = PathBuf::from("/");
    for (nth, name) in names.iter().enumerate() {
        so_far.push(name);
        let stat = rustix::fs::statat(&at, name.as_os_str(), AtFlags::SYMLINK_NOFOLLOW)?;
        links.push(link(so_far.display().to_string(), &stat));
        // what is not a folder is for the decision to refuse
        if nth + 1 == names.len() || FileType::from_raw_mode(stat.st_mode) != FileType::Directory {
            break;
        }
        let next: OwnedFd = rustix::fs::openat(&at, name.as_os_str(), flags, Mode::empty())?;
        // the one that was looked at
        let opened = rustix::fs::fstat(&next)?;
        links.pop();
        links.push(link(so_far.display().to_string(), &opened));
        at = next;
    }
    Ok(links)
}

fn link(path: String, stat: &Stat) -> Link {
    Link { path, uid: stat.st_uid, mode: stat.st_mode }
}

/// Where this program lies, without symlinks: on macOS the path is as it was started by.
fn own_path() -> Result<PathBuf, Problem> {
    std::env::current_exe()
        .and_then(|path| path.canonicalize())
        .map_err(|e| io_failed("find", "igloo-admin's own file", &e))
}

fn read(path: &Path) -> Result<Vec<u8>, Problem> {
    let name = path.display().to_string();
    let failed = |e: io::Error| io_failed("read", &name, &e);
    let mut bytes = Vec::new();
    let file = File::open(path).map_err(failed)?;
    if !file.metadata().map_err(failed)?.is_file() {
        return Err(unsafe_place(&name, "is not a regular file"));
    }
    file.take(MAX_HELPER).read_to_end(&mut bytes).map_err(failed)?;
    if bytes.len() as u64 == MAX_HELPER {
        return Err(unsafe_place(&name, "is larger than 64 MiB"));
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};

    const DIR: RawMode = 0o040_000;
    const FILE: RawMode = 0o100_000;
    const LINK: RawMode = 0o120_000;

    fn decide(links: &[(u32, RawMode)]) -> Result<(), String> {
        let links: Vec<Link> =
            links.iter().map(|&(uid, mode)| Link { path: format!("/{mode:o}"), uid, mode }).collect();
        check(&links).map_err(|p| p.message)
    }

    #[test]
    fn who_may_write_on_the_way_decides() {
        let top = (0, DIR | 0o755);
        let program = (0, FILE | 0o755);
        for (way, refused) in [
            (vec![top, (0, DIR | 0o755), program], None),
            (vec![top, (0, DIR | 0o700), (0, FILE | 0o4755)], None),
            // the Nix store, /tmp
            (vec![top, (0, DIR | 0o1775), (0, DIR | 0o555), (0, FILE | 0o555)], None),
            (vec![top, (0, DIR | 0o1777), (501, DIR | 0o755), program], Some("belong to root")),
            (vec![top, (0, DIR | 0o777), program], Some("writable by others")),
            // /Applications
            (vec![top, (0, DIR | 0o775), (0, DIR | 0o755), program], Some("writable by others")),
            (vec![top, (501, DIR | 0o755), program], Some("belong to root")),
            (vec![top, (0, FILE | 0o1775)], Some("writable by others")),
            (vec![top, (0, FILE | 0o757)], Some("writable by others")),
            (vec![top, (501, FILE | 0o755)], Some("belong to root")),
            (vec![top, (0, LINK | 0o777), program], Some("symbolic link")),
            (vec![top, (0, LINK | 0o777)], Some("symbolic link")),
            (vec![top, (0, DIR | 0o755)], Some("not what it should be")),
            (vec![top, (0, FILE | 0o755), program], Some("not what it should be")),
        ] {
            match (decide(&way), refused) {
                (Ok(()), None) => {}
                (Err(why), Some(expected)) if why.contains(expected) => {}
                (decided, _) => panic!("{way:?}: {decided:?}"),
            }
        }
    }

    #[test]
    fn the_way_is_read_without_following_a_symlink() {
        let dir = tempfile::tempdir().unwrap();
        let top = dir.path().canonicalize().unwrap();
        fs::create_dir(top.join("real")).unwrap();
        fs::write(top.join("real/program"), "x").unwrap();
        fs::set_permissions(top.join("real/program"), fs::Permissions::from_mode(0o751)).unwrap();
        symlink("real", top.join("link")).unwrap();
        let found = links(&top.join("real/program")).unwrap();
        assert_eq!((found[0].path.as_str(), found.len()), ("/", top.components().count() + 2));
        let last = found.last().unwrap();
        assert_eq!((last.mode & 0o7777, last.uid), (0o751, top.metadata().unwrap().uid()));
        let through = links(&top.join("link/program")).unwrap();
        assert!(through.last().unwrap().path.ends_with("/link"), "{through:?}");
        assert!(links(&top.join("real/nothing")).is_err());
    }

    #[test]
    fn its_own_bytes_are_those_of_its_file() {
        let path = own_path().unwrap();
        assert_eq!(hash(&path).unwrap(), sha256(&own_bytes().unwrap()));
        assert!(hash(Path::new("/dev/zero")).is_err());
    }
}
