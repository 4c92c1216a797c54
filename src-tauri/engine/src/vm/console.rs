//! The guest's console: a log that QEMU appends to, kept small.

use std::{
    fs, io,
    io::{Read, Seek, SeekFrom},
    path::{Path, PathBuf},
};

/// How many older logs are kept: `console.log.1` is the newest of them.
const KEPT: usize = 3;

/// The size, in bytes, at which a log is rotated while the guest runs.
pub const MAX_BYTES: u64 = 4 << 20;

/// How much of a log's end is read for its last lines, in bytes.
const TAIL_BYTES: u64 = 256 << 10;

/// A log and the older ones beside it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Console {
    path: PathBuf,
}

impl Console {
    /// The log at `path`.
    pub fn new(path: impl Into<PathBuf>) -> Console {
        Console { path: path.into() }
    }

    /// The newest log.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The older logs that are there, newest first.
    pub fn older(&self) -> Vec<PathBuf> {
        (1..=KEPT).map(|n| self.numbered(n)).filter(|p| p.exists()).collect()
    }

    /// Puts the log aside, before a start. One that is empty or not there is left.
    ///
    /// # Errors
    /// When a log can't be renamed.
    pub fn rotate(&self) -> io::Result<()> {
        if self.len() == 0 {
            return Ok(());
        }
        self.shift()?;
        fs::rename(&self.path, self.numbered(1))
    }

    /// Puts the log aside if it is larger than `max_bytes`, while QEMU has it open: by a copy and a
    /// truncation, which is safe because QEMU appends (a line written in between is lost). Says
    /// whether it did.
    ///
    /// # Errors
    /// When a log can't be renamed, copied or truncated.
    pub fn rotate_if_needed(&self, max_bytes: u64) -> io::Result<bool> {
        if self.len() <= max_bytes {
            return Ok(false);
        }
        self.shift()?;
        fs::copy(&self.path, self.numbered(1))?;
        fs::File::options().write(true).open(&self.path)?.set_len(0)?;
        Ok(true)
    }

    /// The last `lines` lines, at most 256 KiB. Empty where there is no log. What is not UTF-8 is replaced.
    ///
    /// # Errors
    /// When a log that is there can't be read.
    pub fn tail(&self, lines: usize) -> io::Result<String> {
        let mut file = match fs::File::open(&self.path) {
            Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(String::new()),
            other => other?,
        };
        let start = file.metadata()?.len().saturating_sub(TAIL_BYTES);
        file.seek(SeekFrom::Start(start))?;
        let mut bytes = Vec::new();
        file.take(TAIL_BYTES).read_to_end(&mut bytes)?;
        let text = String::from_utf8_lossy(&bytes);
        let at = text.trim_end_matches('\n').rmatch_indices('\n').nth(lines.saturating_sub(1));
        Ok(text[at.map_or(0, |(at, _)| at + 1)..].to_owned())
    }

    fn len(&self) -> u64 {
        fs::metadata(&self.path).map_or(0, |m| m.len())
    }

    fn numbered(&self, n: usize) -> PathBuf {
        let mut name = self.path.clone().into_os_string();
        name.push(format!(".{n}"));
        name.into()
    }

    /// Makes room for a new `.1`.
    fn shift(&self) -> io::Result<()> {
        for n in (1..KEPT).rev() {
            match fs::rename(self.numbered(n), self.numbered(n + 1)) {
                Err(e) if e.kind() != io::ErrorKind::NotFound => return Err(e),
                _ => {}
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    fn console() -> (tempfile::TempDir, Console) {
        let dir = tempfile::tempdir().unwrap();
        let console = Console::new(dir.path().join("console.log"));
        (dir, console)
    }

    #[test]
    fn starts_put_logs_aside_and_keep_three() {
        let (_dir, console) = console();
        for boot in ["one", "two", "three", "four", "five"] {
            console.rotate().unwrap();
            fs::write(console.path(), boot).unwrap();
        }
        let older: Vec<_> = console.older().iter().map(|p| fs::read_to_string(p).unwrap()).collect();
        assert_eq!(older, ["four", "three", "two"]);
        assert_eq!(console.tail(10).unwrap(), "five");
    }

    #[test]
    fn a_log_that_grows_is_put_aside_while_it_is_written() {
        let (_dir, console) = console();
        let mut qemu = fs::File::options().create(true).append(true).open(console.path()).unwrap();
        qemu.write_all(b"0123456789").unwrap();
        assert!(!console.rotate_if_needed(10).unwrap());
        qemu.write_all(b"x").unwrap();
        assert!(console.rotate_if_needed(10).unwrap());
        qemu.write_all(b"after").unwrap();
        assert_eq!(fs::read(console.path()).unwrap(), b"after");
        assert_eq!(fs::read(&console.older()[0]).unwrap(), b"0123456789x");
    }

    #[test]
    fn the_tail_is_the_last_lines() {
        let (_dir, console) = console();
        assert_eq!(console.tail(3).unwrap(), "");
        fs::write(console.path(), b"a\nb\n\xff\nd\n").unwrap();
        assert_eq!(console.tail(2).unwrap(), "\u{fffd}\nd\n");
        assert_eq!(console.tail(99).unwrap(), "a\nb\n\u{fffd}\nd\n");
        fs::write(console.path(), "e\nf").unwrap();
        assert_eq!(console.tail(1).unwrap(), "f");
    }
}
