//! Snapshots out of server-sent events.

use super::transport::{parse, went_away};
use crate::api::events::SNAPSHOT_EVENT;
use futures_util::{Stream, StreamExt, stream};
use http_body_util::BodyExt;
use hyper::body::Incoming;
use igloo_protocol::{Code, Problem, Snapshot};

/// The largest event, in bytes.
const EVENT_MAX: usize = 4 * 1024 * 1024;

/// The snapshots that a body carries. Ends with the body, and after a problem.
pub fn snapshots(body: Incoming) -> impl Stream<Item = Result<Snapshot, Problem>> {
    let state = Some((body.into_data_stream(), Parser::default()));
    stream::unfold(state, async |state| {
        let (mut body, mut parser) = state?;
        loop {
            if let Some(data) = parser.next_event(SNAPSHOT_EVENT) {
                return Some((parse(&data), Some((body, parser))));
            }
            let fed = match body.next().await? {
                Ok(chunk) => parser.feed(&chunk),
                Err(e) => Err(went_away(e)),
            };
            if let Err(problem) = fed {
                return Some((Err(problem), None));
            }
        }
    })
}

/// The part of the event stream format that Igloo's server writes: fields a line, an empty line
/// after each event (<https://html.spec.whatwg.org/multipage/server-sent-events.html#parsing-an-event-stream>).
#[derive(Default)]
struct Parser {
    buffer: Vec<u8>,
    name: Vec<u8>,
    data: Vec<u8>,
}

impl Parser {
    fn feed(&mut self, chunk: &[u8]) -> Result<(), Problem> {
        if self.buffer.len() + self.data.len() + chunk.len() > EVENT_MAX {
            return Err(Problem::new(
                Code::EngineFailed,
                format!("the engine sent an event of more than {EVENT_MAX} bytes"),
                "end the engine and start it again; builders that run are taken over",
            ));
        }
        self.buffer.extend_from_slice(chunk);
        Ok(())
    }

    /// The data of the next whole event with this name; others are passed over.
    fn next_event(&mut self, name: &str) -> Option<Vec<u8>> {
        let mut from = 0;
        let mut found = None;
        while let Some(len) = self.buffer[from..].iter().position(|b| *b == b'\n') {
            let line = from..from + len;
            from += len + 1;
            if !line.is_empty() {
                self.field(line);
                continue;
            }
            let (event, data) = (std::mem::take(&mut self.name), std::mem::take(&mut self.data));
            if event == name.as_bytes() && !data.is_empty() {
                found = Some(data);
                break;
            }
        }
        self.buffer.drain(..from);
        found
    }

    fn field(&mut self, line: std::ops::Range<usize>) {
        let line = &self.buffer[line];
        let value = |v: &[u8]| v.strip_prefix(b" ").unwrap_or(v).to_vec();
        if let Some(v) = line.strip_prefix(b"event:") {
            self.name = value(v);
        } else if let Some(v) = line.strip_prefix(b"data:") {
            if !self.data.is_empty() {
                self.data.push(b'\n');
            }
            self.data.extend(value(v));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn events(chunks: &[&str]) -> Vec<String> {
        let mut parser = Parser::default();
        let mut found = Vec::new();
        for chunk in chunks {
            parser.feed(chunk.as_bytes()).unwrap();
            while let Some(data) = parser.next_event("snapshot") {
                found.push(String::from_utf8(data).unwrap());
            }
        }
        found
    }

    #[test]
    fn events_are_found_however_they_are_cut() {
        let text = ":\n\nevent: snapshot\nid: 1\ndata: {\"a\":1}\n\nevent:snapshot\ndata:x\ndata: y\n\n";
        let whole = ["{\"a\":1}".to_owned(), "x\ny".to_owned()];
        assert_eq!(events(&[text]), whole);
        for cut in 1..text.len() {
            assert_eq!(events(&[&text[..cut], &text[cut..]]), whole, "cut at {cut}");
        }
    }

    #[test]
    fn other_events_and_comments_are_passed_over() {
        assert_eq!(events(&["event: else\ndata: 1\n\n", ": hi\n\n", "data: 2\n\n"]), [""; 0]);
    }

    #[test]
    fn an_endless_event_is_refused() {
        let mut parser = Parser::default();
        assert!(parser.feed(&vec![b'x'; EVENT_MAX]).is_ok());
        assert_eq!(parser.feed(b"x").unwrap_err().code, Code::EngineFailed);
    }
}
