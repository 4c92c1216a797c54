//! The marked block: Igloo's part of a file that is not Igloo's.
//!
//! Everything outside of the marks stays byte for byte, and [`remove`] gives back the text that was there
//! before [`append`]. A text without a last newline gets one before the block; its first mark then says so,
//! because only the marks can tell it later.

use std::ops::Range;

const BEGIN: &str = "# >>> Igloo: this block is rewritten and undone by Igloo";
const BEGIN_JOINED: &str =
    "# >>> Igloo: this block is rewritten and undone by Igloo (no newline stood before it)";
const END: &str = "# <<< Igloo";

/// Where a block is.
struct Block {
    /// With its marks and their newlines.
    whole: Range<usize>,
    /// Between the marks: whole lines.
    body: Range<usize>,
    /// Whether the text before it had no last newline.
    joined: bool,
}

/// The lines between the marks of the first block.
pub(crate) fn body(text: &str) -> Option<&str> {
    find(text).map(|block| &text[block.body])
}

/// Whether there is a block.
pub(crate) fn is_in(text: &str) -> bool {
    find(text).is_some()
}

/// The text with `body`, whole lines, in a block at its end.
pub(crate) fn append(text: &str, body: &str) -> String {
    let joined = !text.is_empty() && !text.ends_with('\n');
    let (gap, begin) = if joined { ("\n", BEGIN_JOINED) } else { ("", BEGIN) };
    format!("{text}{gap}{begin}\n{body}{END}\n")
}

/// The text with another `body` in its first block; without one, [`append`].
pub(crate) fn replace(text: &str, body: &str) -> String {
    match find(text) {
        Some(block) => format!("{}{body}{}", &text[..block.body.start], &text[block.body.end..]),
        None => append(text, body),
    }
}

/// The text without its first block; `None` if it has none.
pub(crate) fn remove(text: &str) -> Option<String> {
    let block = find(text)?;
    let (mut head, tail) = (&text[..block.whole.start], &text[block.whole.end..]);
    // what others have put behind it since needs the newline
    if block.joined && tail.is_empty() {
        head = head.strip_suffix('\n').unwrap_or(head);
    }
    Some(format!("{head}{tail}"))
}

/// The first end mark that has a first mark before it, with the nearest such: a stray mark of either kind,
/// as an edit by hand may leave it, never makes what stands between into Igloo's.
fn find(text: &str) -> Option<Block> {
    let mut open: Option<(Range<usize>, bool)> = None;
    let mut at = 0;
    for raw in text.split_inclusive('\n') {
        let line = at..at + raw.len();
        at = line.end;
        let bare = raw.strip_suffix('\n').unwrap_or(raw);
        match (bare.strip_suffix('\r').unwrap_or(bare), &open) {
            (BEGIN, _) => open = Some((line, false)),
            (BEGIN_JOINED, _) => open = Some((line, true)),
            (END, Some((begin, joined))) => {
                let (whole, body) = (begin.start..line.end, begin.end..line.start);
                return Some(Block { whole, body, joined: *joined });
            }
            _ => {}
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_missing_newline_comes_back_unless_something_follows() {
        let text = append("a = 1", "b = 2\n");
        assert_eq!(text, format!("a = 1\n{BEGIN_JOINED}\nb = 2\n{END}\n"));
        assert_eq!(remove(&text).unwrap(), "a = 1");
        assert_eq!(remove(&(text + "c = 3\n")).unwrap(), "a = 1\nc = 3\n");
    }

    #[test]
    fn a_stray_mark_takes_nothing_along() {
        let text = format!("{END}\n{BEGIN}\nmine = 1\n");
        assert_eq!(body(&text), None);
        assert_eq!(remove(&append(&text, "x\n")).unwrap(), text);
        let text = format!("{BEGIN} \n {END}\n");
        assert_eq!(body(&text), None);
        assert_eq!(body(&format!("{BEGIN}\r\nx\r\n{END}\r\n")), Some("x\r\n"));
    }

    /// Text in which marks may stand anywhere.
    pub(crate) fn text() -> impl Strategy<Value = String> {
        let piece = prop_oneof![
            Just("\n".to_owned()),
            Just("\r\n".to_owned()),
            Just(format!("{BEGIN}\n")),
            Just(format!("{BEGIN_JOINED}\n")),
            Just(format!("{END}\n")),
            Just(END.to_owned()),
            "[ -~é\t]{0,12}",
            Just("a = b\n".to_owned()),
        ];
        prop::collection::vec(piece, 0..10).prop_map(|v| v.concat())
    }

    proptest! {
        #[test]
        fn removing_what_was_appended_gives_the_text_back(text in text(), body in "([a-z =#]{0,9}\n){0,3}") {
            let new = append(&text, &body);
            if super::body(&text).is_none() {
                prop_assert_eq!(super::body(&new), Some(body.as_str()));
                prop_assert_eq!(remove(&new), Some(text));
            }
        }

        #[test]
        fn replacing_twice_is_replacing_once(text in text(), body in "([a-z =#]{0,9}\n){0,3}") {
            let once = replace(&text, &body);
            prop_assert_eq!(super::body(&once), Some(body.as_str()));
            prop_assert_eq!(replace(&once, &body), once);
        }
    }
}
