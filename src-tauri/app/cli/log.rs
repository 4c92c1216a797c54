//! `igloo log`

use super::{Outcome, builder, context::Context, print};
use futures_util::StreamExt;
use igloo_protocol::Problem;
use std::pin::pin;

/// Show the console of a builder's guest
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Which builder; the one that is enabled unless named
    #[arg(value_parser = builder::Name)]
    builder: Option<String>,
    /// Go on with what is added
    #[arg(long, short)]
    follow: bool,
    /// How many of the last lines to show at first
    #[arg(long, short = 'n', default_value_t = 100)]
    lines: usize,
}

/// Shows the console.
pub async fn run(args: Args, context: &Context) -> Outcome {
    let id = match args.builder.as_deref() {
        Some(name) => builder::named(name)?,
        None => builder::pick(None, &context.client.snapshot().await?)?,
    };
    let mut chunks = pin!(context.client.log(id, args.lines, args.follow).await?);
    let mut printer = Printer { json: context.json, ..Printer::default() };
    loop {
        let chunk = tokio::select! {
            chunk = chunks.next() => chunk,
            _ = tokio::signal::ctrl_c() => break,
        };
        match chunk {
            Some(chunk) => printer.print(&chunk?)?,
            None => break,
        }
    }
    printer.finish()
}

/// Prints chunks as they come: raw bytes to a file or a pipe, what is harmless to a terminal, a
/// JSON string for each line where JSON is wanted.
#[derive(Default)]
struct Printer {
    json: bool,
    line: Vec<u8>,
    harmless: Harmless,
}

impl Printer {
    fn print(&mut self, chunk: &[u8]) -> Outcome {
        if self.json {
            self.line.extend_from_slice(chunk);
            while let Some(end) = self.line.iter().position(|b| *b == b'\n') {
                let line: Vec<_> = self.line.drain(..=end).collect();
                print_line(&line)?;
            }
            return Ok(());
        }
        if print::on_terminal() { print::raw(&self.harmless.filter(chunk)) } else { print::raw(chunk) }
    }

    fn finish(self) -> Result<(), Problem> {
        if self.line.is_empty() { Ok(()) } else { print_line(&self.line) }
    }
}

fn print_line(line: &[u8]) -> Outcome {
    let text = String::from_utf8_lossy(line);
    print::json(&text.trim_end_matches(['\r', '\n']))
}

/// Takes out what would move the cursor, colour or change the user's terminal: a guest's console
/// may say anything.
#[derive(Default)]
enum Harmless {
    #[default]
    Text,
    /// After ESC.
    Escape,
    /// Within a control sequence, until its final byte (ECMA-48, 5.4).
    Control,
    /// Within an operating system command, until BEL or ESC.
    Command,
}

impl Harmless {
    fn filter(&mut self, chunk: &[u8]) -> Vec<u8> {
        chunk.iter().copied().filter(|b| self.passes(*b)).collect()
    }

    fn passes(&mut self, byte: u8) -> bool {
        let (next, passes) = match (&self, byte) {
            (_, 0x1b) => (Harmless::Escape, false),
            (Harmless::Text, b'\n' | b'\t') => (Harmless::Text, true),
            (Harmless::Text, b) => (Harmless::Text, b >= b' ' && b != 0x7f),
            (Harmless::Escape, b'[') => (Harmless::Control, false),
            (Harmless::Escape, b']' | b'P' | b'X' | b'^' | b'_') => (Harmless::Command, false),
            (Harmless::Escape, 0x20..=0x2f) => (Harmless::Escape, false),
            (Harmless::Escape, _) => (Harmless::Text, false),
            (Harmless::Control, 0x20..=0x3f) => (Harmless::Control, false),
            (Harmless::Control, _) => (Harmless::Text, false),
            (Harmless::Command, 0x07) => (Harmless::Text, false),
            // a command that was never ended must not swallow the rest of the log
            (Harmless::Command, b'\n') => (Harmless::Text, true),
            (Harmless::Command, _) => (Harmless::Command, false),
        };
        *self = next;
        passes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_text_reaches_a_terminal() {
        let console =
            "\x1b[2J\x1b[0;32mOK\x1b[0m ä\r\n\x1b]0;title\x07ab\x08c\x1b(Bd\x1b]52;c;eA==\nnext\x1bcx";
        let mut whole = Harmless::default();
        assert_eq!(String::from_utf8(whole.filter(console.as_bytes())).unwrap(), "OK ä\nabcd\nnextx");
        let mut cut = Harmless::default();
        let bytes: Vec<_> = console.bytes().flat_map(|b| cut.filter(&[b])).collect();
        assert_eq!(String::from_utf8(bytes).unwrap(), "OK ä\nabcd\nnextx");
    }
}
