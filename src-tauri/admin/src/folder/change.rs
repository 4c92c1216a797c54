//! What changes a folder. Before each effect the watch is told, so that a test can be there: it kills
//! the program at every one of them in turn.

use super::{Folder, Meta};
use crate::problem::{changed, io_failed};
use igloo_protocol::Problem;
use rustix::fs::{AtFlags, FileType, Gid, Mode, OFlags, Uid};
use rustix::io::Errno;
use std::fs::File;
use std::io::{self, Read, Write};
use std::time::{Duration, UNIX_EPOCH};

/// The start of a temporary file's name; 16 hexadecimal digits follow.
const TEMP: &str = ".igloo-";

impl Folder {
    /// Makes a folder in this one, and opens it. It has its permission bits from the start (but for
    /// those that the umask takes), so that none is ever there half-made.
    pub fn make(&self, name: &str, mode: u32) -> Result<Folder, Problem> {
        let path = self.full(name);
        let failed = |e: io::Error| io_failed("make the folder", &path, &e);
        (self.watch)("make a folder");
        rustix::fs::mkdirat(&self.fd, name, bits(mode)).map_err(|e| failed(e.into()))?;
        let made = self.open_at(name, OFlags::RDONLY | OFlags::DIRECTORY, Mode::empty());
        let made = Folder { fd: made.map_err(|e| failed(e.into()))?, path: path.clone(), ..*self };
        made.own(&made.fd, self.owner, mode).map_err(failed)?;
        made.check()?;
        self.sync()?;
        Ok(made)
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
            (self.watch)("rename");
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
        (self.watch)("remove a file");
        rustix::fs::unlinkat(&self.fd, name, AtFlags::empty())
            .map_err(|e| io_failed("remove", &self.full(name), &e.into()))?;
        self.sync()
    }

    /// Removes a folder if it is empty. Says whether it is gone.
    pub fn remove_empty(&self, name: &str) -> Result<bool, Problem> {
        (self.watch)("remove a folder");
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

    fn write_temp(&self, temp: &str, bytes: &[u8], meta: Meta) -> io::Result<()> {
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL;
        (self.watch)("make a temporary file");
        let mut file = File::from(self.open_at(temp, flags, Mode::from_raw_mode(0o600))?);
        let (head, tail) = bytes.split_at(bytes.len() / 2);
        for half in [head, tail] {
            (self.watch)("write half of a file");
            file.write_all(half)?;
        }
        self.own(&file, (meta.uid, meta.gid), meta.mode)?;
        if let Some(seconds) = meta.mtime.and_then(|s| u64::try_from(s).ok()) {
            (self.watch)("set a file's time");
            file.set_modified(UNIX_EPOCH + Duration::from_secs(seconds))?;
        }
        (self.watch)("flush a file");
        file.sync_all()
    }

    fn own(&self, fd: impl std::os::fd::AsFd, (uid, gid): (u32, u32), mode: u32) -> io::Result<()> {
        (self.watch)("give to the owner");
        rustix::fs::fchown(&fd, Some(Uid::from_raw(uid)), Some(Gid::from_raw(gid)))?;
        (self.watch)("set the permissions");
        // after the change of owner, which clears some bits
        rustix::fs::fchmod(&fd, bits(mode))?;
        Ok(())
    }

    fn sync(&self) -> Result<(), Problem> {
        (self.watch)("flush a folder");
        rustix::fs::fsync(&self.fd).map_err(|e| io_failed("flush", &self.path, &e.into()))
    }
}

fn bits(mode: u32) -> Mode {
    Mode::from_bits_truncate(mode as rustix::fs::RawMode)
}

fn temp_name() -> io::Result<String> {
    let mut random = [0; 8];
    File::open("/dev/urandom")?.read_exact(&mut random)?;
    Ok(format!("{TEMP}{:016x}", u64::from_le_bytes(random)))
}

fn is_temp(name: &str) -> bool {
    name.strip_prefix(TEMP).is_some_and(|r| r.len() == 16 && r.bytes().all(|b| b.is_ascii_hexdigit()))
}
