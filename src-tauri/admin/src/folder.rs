//! File work that can't be led astray: every folder is opened from the root down without following
//! a symlink, and everything on the way must belong to root and be writable by root alone.

use crate::problem::{changed, io_failed, symlinked, unsafe_place};
use crate::root::Root;
use igloo_protocol::Problem;
use rustix::fs::{AtFlags, Dir, FileType, Gid, Mode, OFlags, Uid};
use rustix::io::Errno;
use std::fs::{File, Metadata};
use std::io::{self, Read, Write};
use std::os::fd::OwnedFd;
use std::os::unix::fs::MetadataExt;
use std::time::{Duration, UNIX_EPOCH};

/// The largest file that is read, in bytes. Real ones have a few hundred.
const MAX_FILE: u64 = 1 << 20;

/// The start of a temporary file's name; 16 hexadecimal digits follow.
const TEMP: &str = ".igloo-";

/// An open folder whose every ancestor was checked.
pub(crate) struct Folder {
    fd: OwnedFd,
    path: String,
    owner: (u32, u32),
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
        let mut at = Folder { fd, path: String::new(), owner: root.owner() };
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
                let child = Folder { fd, path, owner: self.owner };
                child.check()?;
                Ok(Some(child))
            }
            Err(Errno::NOENT) => Ok(None),
            Err(_) if self.is_symlink(name) => Err(symlinked(&path)),
            Err(e) => Err(io_failed("open the folder", &path, &e.into())),
        }
    }

    /// Makes a folder in this one, and opens it.
    pub fn make(&self, name: &str, mode: u32) -> Result<Folder, Problem> {
        let path = self.full(name);
        let failed = |e: io::Error| io_failed("make the folder", &path, &e);
        rustix::fs::mkdirat(&self.fd, name, Mode::from_raw_mode(0o700)).map_err(|e| failed(e.into()))?;
        let made = self.open_at(name, OFlags::RDONLY | OFlags::DIRECTORY, Mode::empty());
        let made = Folder { fd: made.map_err(|e| failed(e.into()))?, path: path.clone(), owner: self.owner };
        own(&made.fd, self.owner, mode).map_err(failed)?;
        made.check()?;
        self.sync()?;
        Ok(made)
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
        self.check_file(&path, &meta)?;
        let mut bytes = Vec::new();
        file.take(MAX_FILE).read_to_end(&mut bytes).map_err(failed)?;
        let meta =
            Meta { mode: meta.mode() & 0o7777, uid: meta.uid(), gid: meta.gid(), mtime: Some(meta.mtime()) };
        Ok(Some(Found { bytes, meta }))
    }

    /// Whether something has this name, readable or not.
    pub fn has(&self, name: &str) -> bool {
        rustix::fs::statat(&self.fd, name, AtFlags::SYMLINK_NOFOLLOW).is_ok()
    }

    /// Puts a whole new file in the place of `before`, or leaves everything as it is. Refuses when
    /// what is there is not `before` any more. On return the bytes are on the disk.
    pub fn replace(
        &self,
        name: &str,
        before: Option<&[u8]>,
        bytes: &[u8],
        meta: Meta,
    ) -> Result<(), Problem> {
        let path = self.full(name);
        let temp = temp_name().map_err(|e| io_failed("write", &path, &e))?;
        let written = self.write_temp(&temp, bytes, meta).map_err(|e| io_failed("write", &path, &e));
        let renamed = written.and_then(|()| {
            let now = self.read(name)?;
            if now.as_ref().map(|f| f.bytes.as_slice()) != before {
                return Err(changed(&path));
            }
            rustix::fs::renameat(&self.fd, &*temp, &self.fd, name)
                .map_err(|e| io_failed("replace", &path, &e.into()))
        });
        if let Err(problem) = renamed {
            // best effort: a left-over is swept by the next run
            let _ = rustix::fs::unlinkat(&self.fd, &*temp, AtFlags::empty());
            return Err(problem);
        }
        self.sync()?;
        match self.read(name)? {
            Some(found) if found.bytes == bytes && found.meta.mode == meta.mode => Ok(()),
            _ => Err(changed(&path)),
        }
    }

    /// Removes a file.
    pub fn remove(&self, name: &str) -> Result<(), Problem> {
        rustix::fs::unlinkat(&self.fd, name, AtFlags::empty())
            .map_err(|e| io_failed("remove", &self.full(name), &e.into()))?;
        self.sync()
    }

    /// Removes a folder if it is empty. Says whether it is gone.
    pub fn remove_empty(&self, name: &str) -> Result<bool, Problem> {
        match rustix::fs::unlinkat(&self.fd, name, AtFlags::REMOVEDIR) {
            Ok(()) => self.sync().map(|()| true),
            Err(Errno::NOENT) => Ok(true),
            Err(Errno::NOTEMPTY | Errno::EXIST) => Ok(false),
            Err(e) => Err(io_failed("remove", &self.full(name), &e.into())),
        }
    }

    /// Makes a folder that only root can enter, with a name that nobody can foresee. The next
    /// [`Folder::sweep`] removes it if nobody else does.
    pub fn make_scratch(&self) -> Result<(String, Folder), Problem> {
        let name = temp_name().map_err(|e| io_failed("make a folder in", &self.path, &e))?;
        self.make(&name, 0o700).map(|made| (name, made))
    }

    /// Removes what a run that was killed left behind. Only to be called under the lock.
    pub fn sweep(&self) -> Result<(), Problem> {
        for (name, _) in self.list()?.into_iter().filter(|(name, _)| is_temp(name)) {
            if let Ok(Some(folder)) = self.child(&name) {
                folder.empty(|_| true)?;
                self.remove_empty(&name)?;
            } else {
                self.remove(&name)?;
            }
        }
        Ok(())
    }

    /// Removes every entry of a kind that `which` chooses.
    pub fn empty(&self, which: fn(FileType) -> bool) -> Result<(), Problem> {
        for (name, kind) in self.list()? {
            if which(kind) {
                self.remove(&name)?;
            }
        }
        Ok(())
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

    fn write_temp(&self, temp: &str, bytes: &[u8], meta: Meta) -> io::Result<()> {
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL;
        let mut file = File::from(self.open_at(temp, flags, Mode::from_raw_mode(0o600))?);
        file.write_all(bytes)?;
        own(&file, (meta.uid, meta.gid), meta.mode)?;
        if let Some(seconds) = meta.mtime.and_then(|s| u64::try_from(s).ok()) {
            file.set_modified(UNIX_EPOCH + Duration::from_secs(seconds))?;
        }
        file.sync_all()
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

    fn check_file(&self, path: &str, meta: &Metadata) -> Result<(), Problem> {
        if !meta.is_file() {
            return Err(unsafe_place(path, "is not a regular file"));
        }
        if meta.nlink() != 1 {
            return Err(unsafe_place(path, "has a second name (a hard link)"));
        }
        if meta.len() >= MAX_FILE {
            return Err(unsafe_place(path, "is larger than 1 MiB"));
        }
        check_owner(path, meta.uid(), meta.mode() & 0o022 != 0, self.owner.0)
    }

    fn sync(&self) -> Result<(), Problem> {
        rustix::fs::fsync(&self.fd).map_err(|e| io_failed("flush", &self.path, &e.into()))
    }

    fn full(&self, name: &str) -> String {
        format!("{}/{name}", self.path)
    }
}

fn check_owner(path: &str, uid: u32, others_write: bool, expected: u32) -> Result<(), Problem> {
    if uid != expected {
        return Err(unsafe_place(path, "does not belong to root"));
    }
    if others_write { Err(unsafe_place(path, "is writable by others than root")) } else { Ok(()) }
}

fn own(fd: impl std::os::fd::AsFd, (uid, gid): (u32, u32), mode: u32) -> io::Result<()> {
    rustix::fs::fchown(&fd, Some(Uid::from_raw(uid)), Some(Gid::from_raw(gid)))?;
    // after the change of owner, which clears some bits
    rustix::fs::fchmod(&fd, Mode::from_bits_truncate(mode as rustix::fs::RawMode))?;
    Ok(())
}

fn temp_name() -> io::Result<String> {
    let mut random = [0; 8];
    File::open("/dev/urandom")?.read_exact(&mut random)?;
    Ok(format!("{TEMP}{:016x}", u64::from_le_bytes(random)))
}

fn is_temp(name: &str) -> bool {
    name.strip_prefix(TEMP).is_some_and(|r| r.len() == 16 && r.bytes().all(|b| b.is_ascii_hexdigit()))
}
