//! `igloo explain`

use super::{
    Outcome,
    context::Context,
    format::capital,
    print::{self, Style},
};
use igloo_engine::known;
use igloo_protocol::{Code, Problem};
use std::{
    fs::File,
    io::{self, IsTerminal, Read},
    path::PathBuf,
};

/// The most that is read, in bytes: the end of a build's log has what counts.
const MOST: u64 = 4 << 20;

/// Say what an error of Nix, ssh, QEMU or nix-darwin means, and what to do about it
#[derive(Debug, clap::Args)]
pub struct Args {
    /// A file with what was printed; standard input unless named
    file: Option<PathBuf>,
}

/// Explains a text.
pub fn run(args: &Args, context: &Context) -> Outcome {
    let told = known::explain(&read(args)?);
    if context.json {
        return print::json(&told);
    }
    print::out(&render(&told, Style::stdout()))
}

fn read(args: &Args) -> Result<String, Problem> {
    let mut bytes = Vec::new();
    let read = match &args.file {
        Some(path) => File::open(path).and_then(|file| file.take(MOST).read_to_end(&mut bytes)),
        None => {
            if io::stdin().is_terminal() {
                print::note("Paste what was printed, then press Ctrl-D");
            }
            io::stdin().lock().take(MOST).read_to_end(&mut bytes)
        }
    };
    read.map_err(|e| {
        Problem::new(Code::Usage, format!("can't read the text: {e}"), "name a file that can be read")
    })?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

fn render(told: &[Problem], style: Style) -> String {
    let [first, rest @ ..] = told else { return "Nothing in it is known to Igloo".into() };
    let mut text = format!("{}\n  → {}", capital(&first.message), first.remedy);
    if !rest.is_empty() {
        text += &format!("\n\n{}", style.bold("What follows from it, or came with it:"));
    }
    for problem in rest {
        text += &format!("\n• {}\n  → {}", capital(&problem.message), problem.remedy);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cause_comes_first_with_what_to_do() {
        let told = known::explain("Connection refused\nfailed to start SSH connection to 'x'");
        let text = render(&told, Style::PLAIN);
        assert!(text.starts_with("Nothing listens on the builder's port\n  → Start the builder"), "{text}");
        assert!(text.contains("\n\nWhat follows from it, or came with it:\n• Nix got no ssh"), "{text}");
        assert_eq!(render(&[], Style::PLAIN), "Nothing in it is known to Igloo");
    }
}
