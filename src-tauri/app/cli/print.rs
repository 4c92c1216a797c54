//! All that the command line prints. Whoever reads may stop reading: that ends the command quietly.

use super::Outcome;
use igloo_protocol::{Code, Problem};
use serde::Serialize;
use std::{
    io::{self, BufRead, IsTerminal, Write},
    process,
};

/// Prints a text and the end of its last line.
pub fn out(text: &str) -> Outcome {
    raw(format!("{}\n", text.trim_end_matches('\n')).as_bytes())
}

/// Prints bytes as they are, in one write, so that a terminal shows no half of it.
pub fn raw(bytes: &[u8]) -> Outcome {
    let mut stdout = io::stdout().lock();
    match stdout.write_all(bytes).and_then(|()| stdout.flush()) {
        Ok(()) => Ok(()),
        // `igloo log | head`: the reader has had enough
        Err(e) if e.kind() == io::ErrorKind::BrokenPipe => process::exit(0),
        Err(e) => Err(Problem::new(
            Code::Internal,
            format!("can't write the output: {e}"),
            "look at where the output goes, then try again",
        )),
    }
}

/// Prints a value as JSON.
pub fn json<T: Serialize>(value: &T) -> Outcome {
    let text = serde_json::to_string_pretty(value).map_err(|e| {
        Problem::new(Code::Internal, format!("can't write JSON: {e}"), "report this as a bug")
    })?;
    out(&text)
}

/// Says something beside the result, on standard error.
pub fn note(text: &str) {
    // nowhere to tell if this fails
    let _ = writeln!(io::stderr(), "{text}");
}

/// Tells a problem on standard error.
pub fn problem(problem: &Problem, json: bool) {
    let text = if json { serde_json::to_string_pretty(problem).ok() } else { None };
    note(&text.unwrap_or_else(|| problem_text(problem, Style::of(&io::stderr()))));
}

/// A problem for a person.
pub fn problem_text(problem: &Problem, style: Style) -> String {
    format!("{} {}\n  → {}", style.red("error:"), problem.message, problem.remedy)
}

/// Asks a question that is answered with y or n. Anything but y is no.
///
/// # Errors
/// [`Code::NotConfirmed`] where nobody can be asked.
pub fn confirm(question: &str) -> Result<bool, Problem> {
    if !(io::stdin().is_terminal() && io::stderr().is_terminal()) {
        return Err(Problem::new(
            Code::NotConfirmed,
            "this needs a confirmation, and there is no terminal to ask on",
            "add --yes if you are sure",
        ));
    }
    let mut stderr = io::stderr();
    let _ = write!(stderr, "{question} [y/N] ");
    let _ = stderr.flush();
    let mut answer = String::new();
    io::stdin().lock().read_line(&mut answer).map_err(|e| {
        Problem::new(Code::NotConfirmed, format!("can't read the answer: {e}"), "add --yes if you are sure")
    })?;
    Ok(matches!(answer.trim().to_lowercase().as_str(), "y" | "yes"))
}

/// Whether standard output is a terminal that understands cursor movements.
pub fn on_terminal() -> bool {
    io::stdout().is_terminal() && !is_dumb()
}

/// The width of the terminal in columns.
pub fn width() -> usize {
    // one that does not know its size says 0
    let columns = rustix::termios::tcgetwinsize(io::stdout()).map_or(0, |w| w.ws_col);
    if columns == 0 { 80 } else { columns.into() }
}

fn is_dumb() -> bool {
    std::env::var_os("TERM").is_none_or(|t| t == "dumb")
}

/// Whether texts are coloured (<https://no-color.org>).
#[derive(Clone, Copy, Debug, Default)]
pub struct Style {
    colour: bool,
}

impl Style {
    /// No colours.
    #[cfg(test)]
    pub const PLAIN: Style = Style { colour: false };

    /// As fits standard output.
    pub fn stdout() -> Style {
        Self::of(&io::stdout())
    }

    /// As fits a stream.
    pub fn of(stream: &impl IsTerminal) -> Style {
        let refused = std::env::var_os("NO_COLOR").is_some_and(|v| !v.is_empty());
        Style { colour: stream.is_terminal() && !refused && !is_dumb() }
    }

    /// For what works.
    pub fn green(self, text: &str) -> String {
        self.paint("32", text)
    }

    /// For what does not.
    pub fn red(self, text: &str) -> String {
        self.paint("31", text)
    }

    /// For what is under way or wants attention.
    pub fn yellow(self, text: &str) -> String {
        self.paint("33", text)
    }

    /// For headings.
    pub fn bold(self, text: &str) -> String {
        self.paint("1", text)
    }

    /// For what is less important.
    pub fn dim(self, text: &str) -> String {
        self.paint("2", text)
    }

    fn paint(self, code: &str, text: &str) -> String {
        if self.colour { format!("\x1b[{code}m{text}\x1b[0m") } else { text.to_owned() }
    }
}

/// Lines on a terminal that are written over in place.
#[derive(Debug, Default)]
pub struct InPlace {
    drawn: usize,
}

impl InPlace {
    /// Shows `lines` in the place of those shown before.
    pub fn draw(&mut self, lines: &[String]) -> Outcome {
        let frame = frame(self.drawn, lines, width());
        self.drawn = lines.len();
        raw(frame.as_bytes())
    }
}

/// What replaces `drawn` lines by `lines` without clearing the screen in between. Lines are cut to
/// `width` columns, as one that wraps would put the cursor elsewhere.
fn frame(drawn: usize, lines: &[String], width: usize) -> String {
    let mut frame = if drawn > 0 { format!("\x1b[{drawn}A\r") } else { String::new() };
    for line in lines {
        frame.push_str(&cut(line, width.saturating_sub(1)));
        frame.push_str("\x1b[K\n");
    }
    frame.push_str("\x1b[J");
    frame
}

/// The first `width` columns of a line; colour codes take none.
fn cut(line: &str, width: usize) -> String {
    let (mut kept, mut columns, mut in_code) = (String::new(), 0, false);
    for c in line.chars() {
        match c {
            '\x1b' => in_code = true,
            'm' if in_code => {
                in_code = false;
                kept.push(c);
                continue;
            }
            _ if in_code => {}
            _ if columns == width => continue,
            _ => columns += 1,
        }
        kept.push(c);
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    const COLOURED: Style = Style { colour: true };

    #[test]
    fn a_frame_goes_over_the_one_before() {
        let lines = ["one".to_owned(), "two".to_owned()];
        assert_eq!(frame(0, &lines, 80), "one\x1b[K\ntwo\x1b[K\n\x1b[J");
        assert_eq!(frame(3, &lines, 80), "\x1b[3A\rone\x1b[K\ntwo\x1b[K\n\x1b[J");
    }

    #[test]
    fn a_long_line_is_cut_and_its_colour_ended() {
        assert_eq!(cut(&COLOURED.red("abcdef"), 3), "\x1b[31mabc\x1b[0m");
        assert_eq!(cut("✓ añb", 3), "✓ a");
    }

    #[test]
    fn a_problem_ends_with_what_to_do() {
        let p = Problem::new(Code::NoEngine, "no engine runs", "run it");
        assert_eq!(problem_text(&p, Style::PLAIN), "error: no engine runs\n  → run it");
        assert_eq!(problem_text(&p, COLOURED), "\x1b[31merror:\x1b[0m no engine runs\n  → run it");
    }
}
