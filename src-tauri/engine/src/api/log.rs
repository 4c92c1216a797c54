//! The end of a log that grows and is rotated.

use axum::body::Bytes;
use futures_util::{Stream, stream};
use std::{
    io::{self, SeekFrom},
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
    time::Duration,
};
use tokio::{
    fs::File,
    io::{AsyncReadExt, AsyncSeekExt},
};

/// The most that is read from the end of a log at first, in bytes.
const TAIL_MAX: u64 = 4 * 1024 * 1024;

/// The most that is sent at once, in bytes.
const CHUNK: usize = 64 * 1024;

/// How often a followed log is looked at.
const POLL: Duration = Duration::from_millis(200);

/// The last `lines` lines of a log, at most 4 MiB. A log that is not there is empty.
pub async fn tail(path: &Path, lines: usize) -> io::Result<Vec<u8>> {
    let mut follower = Follower::new(path.to_owned());
    follower.tail(lines).await
}

/// The last `lines` lines of a log, then whatever is added to it.
pub async fn follow(path: PathBuf, lines: usize) -> io::Result<impl Stream<Item = io::Result<Bytes>>> {
    let mut follower = Follower::new(path);
    let first = follower.tail(lines).await?;
    Ok(stream::unfold((Some(first), follower), async |(first, mut follower)| {
        let chunk = match first {
            Some(bytes) => Ok(bytes),
            None => follower.grown().await,
        };
        Some((chunk.map(Bytes::from), (None, follower)))
    }))
}

/// A place in a file that may be replaced under its name.
struct Follower {
    path: PathBuf,
    open: Option<(File, u64)>,
}

impl Follower {
    fn new(path: PathBuf) -> Follower {
        Follower { path, open: None }
    }

    async fn tail(&mut self, lines: usize) -> io::Result<Vec<u8>> {
        if !self.reopen().await? {
            return Ok(Vec::new());
        }
        let Some((file, at)) = &mut self.open else { return Ok(Vec::new()) };
        let len = file.metadata().await?.len();
        let from = len.saturating_sub(TAIL_MAX);
        file.seek(SeekFrom::Start(from)).await?;
        let mut text = Vec::new();
        file.take(len - from).read_to_end(&mut text).await?;
        *at = from + text.len() as u64;
        Ok(text.split_off(start_of_last(&text, lines)))
    }

    /// What was added since; waits until there is something.
    async fn grown(&mut self) -> io::Result<Vec<u8>> {
        loop {
            let chunk = self.read().await?;
            if !chunk.is_empty() {
                return Ok(chunk);
            }
            // an old file is read to its end before its successor is opened
            if !self.is_current().await {
                self.reopen().await?;
            }
            tokio::time::sleep(POLL).await;
        }
    }

    async fn read(&mut self) -> io::Result<Vec<u8>> {
        let Some((file, at)) = &mut self.open else { return Ok(Vec::new()) };
        let mut chunk = vec![0; CHUNK];
        let n = file.read(&mut chunk).await?;
        *at += n as u64;
        chunk.truncate(n);
        Ok(chunk)
    }

    /// Whether the file under the name is the one that is open, and not cut shorter than what was read.
    async fn is_current(&self) -> bool {
        let Some((file, at)) = &self.open else { return false };
        match (file.metadata().await, tokio::fs::metadata(&self.path).await) {
            (Ok(open), Ok(named)) => {
                (open.dev(), open.ino()) == (named.dev(), named.ino()) && named.len() >= *at
            }
            // between a rotation's two renames there is none: the old one may still grow
            _ => true,
        }
    }

    /// Opens what is under the name now, at its beginning. False if there is nothing.
    async fn reopen(&mut self) -> io::Result<bool> {
        match File::open(&self.path).await {
            Ok(file) => self.open = Some((file, 0)),
            Err(e) if e.kind() == io::ErrorKind::NotFound => self.open = None,
            Err(e) => return Err(e),
        }
        Ok(self.open.is_some())
    }
}

/// Where the last `lines` lines of a text begin.
fn start_of_last(text: &[u8], lines: usize) -> usize {
    if lines == 0 {
        return text.len();
    }
    let body = text.strip_suffix(b"\n").unwrap_or(text);
    let newlines = body.iter().enumerate().rev().filter(|(_, b)| **b == b'\n');
    newlines.map(|(i, _)| i + 1).nth(lines - 1).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::StreamExt;
    use std::{fs, io::Write};

    #[test]
    fn the_last_lines_begin_where_they_begin() {
        let last = |text: &'static str, n| &text[start_of_last(text.as_bytes(), n)..];
        assert_eq!(last("a\nb\nc\n", 2), "b\nc\n");
        assert_eq!(last("a\nb\nc", 2), "b\nc");
        assert_eq!(last("a\nb\n", 9), "a\nb\n");
        assert_eq!(last("a\n\n\n", 2), "\n\n");
        assert_eq!(last("a\nb\n", 0), "");
        assert_eq!(last("", 3), "");
    }

    #[tokio::test]
    async fn a_log_that_is_not_there_is_empty() {
        let t = tempfile::tempdir().unwrap();
        assert_eq!(tail(&t.path().join("none"), 5).await.unwrap(), b"");
    }

    #[tokio::test]
    async fn a_follower_sees_growth_rotation_and_truncation() {
        let t = tempfile::tempdir().unwrap();
        let path = t.path().join("console.log");
        let append = |text: &str| {
            let mut f = fs::OpenOptions::new().create(true).append(true).open(&path).unwrap();
            f.write_all(text.as_bytes()).unwrap();
        };
        append("one\ntwo\n");
        let mut log = Box::pin(follow(path.clone(), 1).await.unwrap());
        let mut next = async || {
            let chunk = tokio::time::timeout(Duration::from_secs(10), log.next()).await.unwrap();
            String::from_utf8(chunk.unwrap().unwrap().to_vec()).unwrap()
        };
        assert_eq!(next().await, "two\n");
        append("three\n");
        assert_eq!(next().await, "three\n");
        fs::rename(&path, t.path().join("console.log.1")).unwrap();
        append("new\n");
        assert_eq!(next().await, "new\n");
        fs::write(&path, "s\n").unwrap();
        assert_eq!(next().await, "s\n");
    }
}
