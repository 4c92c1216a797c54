//! File work that can't be led astray: every folder is opened from the root down without following
//! a symlink, and everything on the way must belong to root and be writable by root alone.

mod change;

use crate::helper::MAX_HELPER;
use crate::problem::{io_failed, symlinked, unsafe_place};
use crate::root::{Root, Watch, place};
use igloo_protocol::Problem;
use igloo_protocol::plan::ManagedFile;
use rustix::fs::{AtFlags, Dir, FileType, Mode, OFlags};
use rustix::io::Errno;
use std::fs::{File, Metadata};
use std::io::{self, Read};
use std::os::fd::OwnedFd;
use std::os::unix::fs::MetadataExt;

/// The largest file that is read, in bytes. Real ones have a few hundred.
const MAX_FILE: u64 = 1 << 20;

/// An open folder whose every ancestor was checked.
pub(crate) struct Folder {
    fd: OwnedFd,
    path: String,
    owner: (u32, u32),
    watch: Watch,
}

/// A file as it was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Found {
    /// Its bytes.
    pub bytes: Vec<u8>,
    /// Its metadata.
    pub meta: Meta,
}

/// A file's owner, permission bits and time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Meta {
    /// Permission bits.
    pub mode: u32,
    /// Owner.
    pub uid: u32,
    /// Group.
    pub gid: u32,
    /// When it was last written, in seconds since 1970; `None` for now.
    pub mtime: Option<i64>,
}

impl Folder {
    /// Opens the folder that the system calls `path`. `None` if it or an ancestor is not there.
    pub fn open(root: &Root, path: &str) -> Result<Option<Folder>, Problem> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let fd = rustix::fs::open(root.path(), flags, Mode::empty());
        let fd = fd.map_err(|e| io_failed("open", "/", &e.into()))?;
        let mut at = Folder { fd, path: String::new(), owner: root.owner(), watch: root.watch() };
        at.check()?;
        for name in crate::root::real(root.platform(), path).split('/').filter(|n| !n.is_empty()) {
            match at.child(name)? {
                Some(next) => at = next,
                None => return Ok(None),
            }
        }
        Ok(Some(at))
    }

    /// Opens a folder in this one. `None` if it is not there.
    pub fn child(&self, name: &str) -> Result<Option<Folder>, Problem> {
        let path = self.full(name);
        match self.open_at(name, OFlags::RDONLY | OFlags::DIRECTORY, Mode::empty()) {
            Ok(fd) => {
                let child = Folder { fd, path, ..*self };
                child.check()?;
                Ok(Some(child))
            }
            Err(Errno::NOENT) => Ok(None),
            Err(_) if self.is_symlink(name) => Err(symlinked(&path)),
            Err(e) => Err(io_failed("open the folder", &path, &e.into())),
        }
    }

    /// Reads a file. `None` if it is not there; a symlink, a hard link, or a file that others
    /// may write is a problem.
    pub fn read(&self, name: &str) -> Result<Option<Found>, Problem> {
        let path = self.full(name);
        let fd = match self.open_at(name, OFlags::RDONLY | OFlags::NONBLOCK, Mode::empty()) {
            Ok(fd) => fd,
            Err(Errno::NOENT) => return Ok(None),
            Err(_) if self.is_symlink(name) => return Err(symlinked(&path)),
            Err(e) => return Err(io_failed("read", &path, &e.into())),
        };
        let file = File::from(fd);
        let failed = |e: io::Error| io_failed("read", &path, &e);
        let meta = file.metadata().map_err(failed)?;
        let most = max_size(name);
        self.check_file(&path, &meta, most)?;
        let mut bytes = Vec::new();
        file.take(most).read_to_end(&mut bytes).map_err(failed)?;
        let meta =
            Meta { mode: meta.mode() & 0o7777, uid: meta.uid(), gid: meta.gid(), mtime: Some(meta.mtime()) };
        Ok(Some(Found { bytes, meta }))
    }

    /// Whether a regular file of root's alone, with this one name, is there. Anything else by that name is a problem: a
    /// symlink, a hard link, what others own or may write. Its size does not matter, and it is not opened.
    pub fn has_plain(&self, name: &str) -> Result<bool, Problem> {
        let path = self.full(name);
        let stat = match rustix::fs::statat(&self.fd, name, AtFlags::SYMLINK_NOFOLLOW) {
            Ok(stat) => stat,
            Err(Errno::NOENT) => return Ok(false),
            Err(e) => return Err(io_failed("look at", &path, &e.into())),
        };
        match FileType::from_raw_mode(stat.st_mode) {
            FileType::RegularFile => {}
            FileType::Symlink => return Err(symlinked(&path)),
            _ => return Err(unsafe_place(&path, "is not a regular file")),
        }
        if stat.st_nlink != 1 {
            return Err(unsafe_place(&path, "has a second name (a hard link)"));
        }
        let others = Mode::from_raw_mode(stat.st_mode).intersects(Mode::WGRP | Mode::WOTH);
        check_owner(&path, stat.st_uid, others, self.owner.0).map(|()| true)
    }

    /// Whether something has this name, readable or not.
    pub fn has(&self, name: &str) -> bool {
        rustix::fs::statat(&self.fd, name, AtFlags::SYMLINK_NOFOLLOW).is_ok()
    }

    /// When a name in it was last made, replaced or removed, or its own permissions changed, in
    /// microseconds since 1970. Nobody but the kernel can set this.
    pub fn changed_at(&self) -> Result<u64, Problem> {
        let failed = |e: io::Error| io_failed("look at", &self.path, &e);
        let meta = self.fd.try_clone().and_then(|fd| File::from(fd).metadata()).map_err(failed)?;
        let (seconds, nanos) = (meta.ctime(), meta.ctime_nsec());
        Ok(u64::try_from(seconds).unwrap_or_default() * 1_000_000
            + u64::try_from(nanos).unwrap_or_default() / 1_000)
    }

    /// The open folder, to lock it.
    pub fn fd(&self) -> &OwnedFd {
        &self.fd
    }

    /// Whether two open folders are one and the same.
    pub fn is(&self, other: &Folder) -> bool {
        let id = |f: &Folder| rustix::fs::fstat(&f.fd).map(|s| (s.st_dev, s.st_ino)).ok();
        id(self) == id(other) && id(self).is_some()
    }

    fn list(&self) -> Result<Vec<(String, FileType)>, Problem> {
        let failed = |e: Errno| io_failed("list", &self.path, &e.into());
        let mut names = Vec::new();
        for entry in Dir::read_from(&self.fd).map_err(failed)? {
            let name = entry.map_err(failed)?.file_name().to_string_lossy().into_owned();
            if name == "." || name == ".." {
                continue;
            }
            let stat = rustix::fs::statat(&self.fd, &*name, AtFlags::SYMLINK_NOFOLLOW).map_err(failed)?;
            names.push((name, FileType::from_raw_mode(stat.st_mode)));
        }
        Ok(names)
    }

    fn open_at(&self, name: &str, flags: OFlags, mode: Mode) -> Result<OwnedFd, Errno> {
        rustix::fs::openat(&self.fd, name, flags | OFlags::NOFOLLOW | OFlags::CLOEXEC, mode)
    }

    fn is_symlink(&self, name: &str) -> bool {
        rustix::fs::statat(&self.fd, name, AtFlags::SYMLINK_NOFOLLOW)
            .is_ok_and(|s| FileType::from_raw_mode(s.st_mode) == FileType::Symlink)
    }

    fn check(&self) -> Result<(), Problem> {
        let path = if self.path.is_empty() { "/" } else { &self.path };
        let stat = rustix::fs::fstat(&self.fd).map_err(|e| io_failed("look at", path, &e.into()))?;
        let others = Mode::from_raw_mode(stat.st_mode).intersects(Mode::WGRP | Mode::WOTH);
        check_owner(path, stat.st_uid, others, self.owner.0)
    }

    fn check_file(&self, path: &str, meta: &Metadata, most: u64) -> Result<(), Problem> {
        if !meta.is_file() {
            return Err(unsafe_place(path, "is not a regular file"));
        }
        if meta.nlink() != 1 {
            return Err(unsafe_place(path, "has a second name (a hard link)"));
        }
        if meta.len() >= most {
            return Err(unsafe_place(path, &format!("is larger than {} MiB", most >> 20)));
        }
        check_owner(path, meta.uid(), meta.mode() & 0o022 != 0, self.owner.0)
    }

    fn full(&self, name: &str) -> String {
        format!("{}/{name}", self.path)
    }
}

/// The most that is read of a file with this name, in bytes.
fn max_size(name: &str) -> u64 {
    if name == place(ManagedFile::Helper).1 { MAX_HELPER } else { MAX_FILE }
}

fn check_owner(path: &str, uid: u32, others_write: bool, expected: u32) -> Result<(), Problem> {
    if uid != expected {
        return Err(unsafe_place(path, "does not belong to root"));
    }
    if others_write { Err(unsafe_place(path, "is writable by others than root")) } else { Ok(()) }
}
