//! The consoles of the guests, for the page.

use crate::tray::{face::Face, window::LABEL};
use futures_util::{Stream, StreamExt, TryStreamExt};
use igloo_protocol::{BuilderId, Problem};
use serde::Serialize;
use std::{
    collections::HashMap,
    pin::pin,
    sync::{Arc, Mutex, PoisonError},
};
use tauri::{AppHandle, Emitter, State};
use tokio::task::AbortHandle;

/// The payload of the event `log`.
#[derive(Clone, Serialize)]
struct Lines {
    builder: BuilderId,
    lines: Vec<String>,
}

/// The logs that the window follows: one task a builder.
#[derive(Debug, Default)]
pub struct Followers(Mutex<HashMap<BuilderId, AbortHandle>>);

impl Followers {
    fn start(&self, builder: BuilderId, task: AbortHandle) {
        let before = self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(builder, task);
        before.inspect(AbortHandle::abort);
    }

    fn stop(&self, builder: BuilderId) {
        let task = self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(&builder);
        task.inspect(AbortHandle::abort);
    }

    /// Follows nothing any more: nobody is there to see it.
    pub fn stop_all(&self) {
        let tasks = self.0.lock().unwrap_or_else(PoisonError::into_inner).drain().collect::<Vec<_>>();
        tasks.iter().for_each(|(_, task)| task.abort());
    }
}

/// The last `lines` lines of a builder's console.
#[tauri::command]
pub async fn log(
    face: State<'_, Arc<Face>>,
    builder: BuilderId,
    lines: usize,
) -> Result<Vec<String>, Problem> {
    let chunks = face.client.log(builder, lines, false).await?;
    let bytes = chunks.try_fold(Vec::new(), async |mut all, chunk| {
        all.extend_from_slice(&chunk);
        Ok(all)
    });
    let mut cut = Cut::default();
    let mut lines = cut.feed(&bytes.await?);
    lines.extend(cut.rest());
    Ok(lines)
}

/// Tells from now on, by the event `log`, what is added to a builder's console.
#[tauri::command]
pub async fn follow_log(
    app: AppHandle,
    face: State<'_, Arc<Face>>,
    builder: BuilderId,
) -> Result<(), Problem> {
    let chunks = face.client.log(builder, 0, true).await?;
    let task = face.runtime.spawn(async move {
        let lines = follow(chunks, |lines| {
            if let Err(error) = app.emit_to(LABEL, "log", Lines { builder, lines }) {
                tracing::debug!(%error, "the window is gone");
            }
        });
        if let Err(problem) = lines.await {
            tracing::debug!("{problem}");
        }
    });
    face.logs.start(builder, task.abort_handle());
    Ok(())
}

/// Tells no longer.
#[tauri::command]
pub fn unfollow_log(face: State<'_, Arc<Face>>, builder: BuilderId) {
    face.logs.stop(builder);
}

async fn follow<B: AsRef<[u8]>>(
    chunks: impl Stream<Item = Result<B, Problem>>,
    tell: impl Fn(Vec<String>),
) -> Result<(), Problem> {
    let (mut chunks, mut cut) = (pin!(chunks), Cut::default());
    while let Some(chunk) = chunks.next().await {
        let lines = cut.feed(chunk?.as_ref());
        if !lines.is_empty() {
            tell(lines);
        }
    }
    Ok(())
}

/// Cuts a stream of bytes into lines. What is not UTF-8 is replaced, and a serial console's `\r` dropped.
#[derive(Debug, Default)]
struct Cut(Vec<u8>);

impl Cut {
    /// The lines that are whole by now.
    fn feed(&mut self, bytes: &[u8]) -> Vec<String> {
        self.0.extend_from_slice(bytes);
        let Some(end) = self.0.iter().rposition(|b| *b == b'\n') else { return Vec::new() };
        let whole: Vec<u8> = self.0.drain(..=end).collect();
        String::from_utf8_lossy(&whole).lines().map(|line| line.trim_end_matches('\r').to_owned()).collect()
    }

    /// A last line without its end.
    fn rest(self) -> Option<String> {
        let rest = String::from_utf8_lossy(&self.0).into_owned();
        Some(rest).filter(|rest| !rest.is_empty())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::stream;
    use std::cell::RefCell;

    #[test]
    fn lines_are_whole_however_the_bytes_come() {
        let text = "one\r\ntwo é\n\nlast";
        for size in 1..text.len() {
            let mut cut = Cut::default();
            let mut lines: Vec<String> = text.as_bytes().chunks(size).flat_map(|c| cut.feed(c)).collect();
            lines.extend(cut.rest());
            assert_eq!(lines, ["one", "two é", "", "last"], "{size} bytes at a time");
        }
        let mut cut = Cut::default();
        assert_eq!(cut.feed(b"\xff\n"), ["\u{fffd}"]);
        assert_eq!(cut.rest(), None);
    }

    #[tokio::test]
    async fn only_whole_lines_are_told() {
        let told = RefCell::new(vec![]);
        let chunks = stream::iter(["a\nb", "c", "\nd\ne\n"]).map(Ok);
        follow(chunks, |lines| told.borrow_mut().push(lines)).await.unwrap();
        assert_eq!(*told.borrow(), [vec!["a"], vec!["bc", "d", "e"]]);
    }
}
