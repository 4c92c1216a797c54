//! What Nix says of its work with `--log-format internal-json`, added up. Pure. Source of the format and of how it adds up:
//! Nix' `src/libutil/logging.hh` and `src/libmain/progress-bar.cc`.

use igloo_protocol::{NixView, Tally};
use serde::Deserialize;
use std::collections::BTreeMap;

/// What precedes each event on standard error.
const PREFIX: &str = "@nix ";

/// How many messages are kept for a failure.
const MESSAGES: usize = 40;

/// Kinds of activities.
mod kind {
    pub const COPY_PATH: u64 = 100;
    pub const FILE_TRANSFER: u64 = 101;
    pub const COPY_PATHS: u64 = 103;
    pub const BUILDS: u64 = 104;
    pub const BUILD: u64 = 105;
    pub const SUBSTITUTE: u64 = 108;
}

/// Kinds of results.
mod result {
    pub const PROGRESS: u64 = 105;
    pub const SET_EXPECTED: u64 = 106;
}

#[derive(Deserialize)]
#[serde(tag = "action", rename_all = "lowercase")]
enum Event {
    Start {
        id: u64,
        #[serde(rename = "type", default)]
        kind: u64,
        #[serde(default)]
        parent: u64,
        #[serde(default)]
        fields: Vec<serde_json::Value>,
    },
    Stop {
        id: u64,
    },
    Result {
        id: u64,
        #[serde(rename = "type")]
        kind: u64,
        #[serde(default)]
        fields: Vec<serde_json::Value>,
    },
    Msg {
        #[serde(default)]
        level: u64,
        msg: String,
    },
}

/// Adds up Nix' events.
#[derive(Debug, Default)]
pub struct Progress {
    activities: BTreeMap<u64, Activity>,
    sums: BTreeMap<u64, Tally>,
    messages: Vec<String>,
}

#[derive(Debug, Default)]
struct Activity {
    kind: u64,
    count: Tally,
    /// What it expects of other kinds.
    expects: BTreeMap<u64, u64>,
    subject: Option<String>,
}

impl Progress {
    /// Takes a line of standard error; whether it changed what [`Progress::view`] gives. A line that is no event is a message.
    pub fn line(&mut self, line: &str) -> bool {
        let event = line.strip_prefix(PREFIX).map(serde_json::from_str::<Event>);
        match event {
            Some(Ok(event)) => self.event(event),
            // of a newer Nix
            Some(Err(_)) => false,
            None => self.message(line.to_owned()),
        }
    }

    /// How far Nix is.
    pub fn view(&self) -> NixView {
        let building = self.activities.values().rfind(|a| a.kind == kind::BUILD);
        let now = building.or_else(|| self.activities.values().rfind(|a| a.subject.is_some()));
        NixView {
            built: self.count(kind::BUILDS),
            fetched: self.count(kind::COPY_PATHS),
            downloaded: self.count(kind::FILE_TRANSFER),
            unpacked: self.count(kind::COPY_PATH),
            now: now.and_then(|activity| activity.subject.clone()),
        }
    }

    /// What Nix said last of errors and warnings, without colours.
    pub fn said(&self) -> String {
        self.messages.join("\n")
    }

    fn event(&mut self, event: Event) -> bool {
        match event {
            Event::Start { id, kind, parent, fields } => self.start(id, own(kind, parent), &fields),
            Event::Stop { id } => self.stop(id),
            Event::Result { id, kind: result::PROGRESS, fields } => self.progress(id, &fields),
            Event::Result { id, kind: result::SET_EXPECTED, fields } => self.set_expected(id, &fields),
            Event::Result { .. } => false,
            // errors and warnings
            Event::Msg { level: 0..=1, msg } => self.message(msg),
            Event::Msg { .. } => false,
        }
    }

    fn message(&mut self, text: String) -> bool {
        self.messages.push(plain(&text));
        if self.messages.len() > MESSAGES {
            self.messages.remove(0);
        }
        false
    }

    fn start(&mut self, id: u64, kind: u64, fields: &[serde_json::Value]) -> bool {
        let has_subject = matches!(kind, kind::COPY_PATH | kind::BUILD | kind::SUBSTITUTE);
        let subject = fields.first().and_then(|f| f.as_str()).filter(|_| has_subject).map(name);
        self.activities.insert(id, Activity { kind, subject, ..Activity::default() });
        has_subject
    }

    fn stop(&mut self, id: u64) -> bool {
        let Some(activity) = self.activities.remove(&id) else { return false };
        let sum = self.sums.entry(activity.kind).or_default();
        sum.done = sum.done.saturating_add(activity.count.done);
        for (kind, expected) in activity.expects {
            let sum = self.sums.entry(kind).or_default();
            sum.expected = sum.expected.saturating_sub(expected);
        }
        true
    }

    fn progress(&mut self, id: u64, fields: &[serde_json::Value]) -> bool {
        let (Some(activity), Some((done, expected))) = (self.activities.get_mut(&id), two(fields)) else {
            return false;
        };
        let before = activity.count;
        activity.count = Tally { done, expected };
        activity.count != before
    }

    fn set_expected(&mut self, id: u64, fields: &[serde_json::Value]) -> bool {
        let (Some(activity), Some((kind, expected))) = (self.activities.get_mut(&id), two(fields)) else {
            return false;
        };
        let before = activity.expects.insert(kind, expected).unwrap_or_default();
        let sum = self.sums.entry(kind).or_default();
        sum.expected = sum.expected.saturating_add(expected).saturating_sub(before);
        before != expected
    }

    fn count(&self, kind: u64) -> Tally {
        let sum = self.sums.get(&kind).copied().unwrap_or_default();
        let running = self.activities.values().filter(|a| a.kind == kind);
        let (done, expected) = running.fold((sum.done, sum.done), |(done, expected), a| {
            (done.saturating_add(a.count.done), expected.saturating_add(a.count.expected))
        });
        Tally { done, expected: expected.max(sum.expected) }
    }
}

/// A builder's Nix counts again what it is sent: only the sums of this one, which are within nothing, are taken.
fn own(kind: u64, parent: u64) -> u64 {
    let is_sum = matches!(kind, kind::BUILDS | kind::COPY_PATHS);
    if is_sum && parent != 0 { 0 } else { kind }
}

fn two(fields: &[serde_json::Value]) -> Option<(u64, u64)> {
    Some((fields.first()?.as_u64()?, fields.get(1)?.as_u64()?))
}

/// A store path's name without its hash, and without `.drv`.
fn name(path: &str) -> String {
    let base = path.rsplit('/').next().unwrap_or(path);
    let name = base.get(33..).filter(|_| base.as_bytes().get(32) == Some(&b'-')).unwrap_or(base);
    name.strip_suffix(".drv").unwrap_or(name).to_owned()
}

/// The text without terminal codes, which end with a letter.
fn plain(text: &str) -> String {
    let mut plain = String::new();
    let mut in_code = false;
    for c in text.chars() {
        match c {
            '\x1b' => in_code = true,
            _ if in_code => in_code = !c.is_ascii_alphabetic(),
            _ => plain.push(c),
        }
    }
    plain
}

#[cfg(test)]
mod tests;
