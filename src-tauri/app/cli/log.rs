//! `igloo log`

use super::{Outcome, builder, context::Context, harmless::Harmless, print};
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
