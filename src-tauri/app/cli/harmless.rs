//! Text from elsewhere that is to reach the user's terminal.

/// Takes out what would move the cursor, colour or change the user's terminal: a guest's console,
/// and what is built in it, may say anything.
#[derive(Default)]
pub enum Harmless {
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
    /// What may reach a terminal of the bytes that come next.
    pub fn filter(&mut self, chunk: &[u8]) -> Vec<u8> {
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

/// A whole text without what would do more than be read.
pub fn harmless(text: &str) -> String {
    String::from_utf8_lossy(&Harmless::default().filter(text.as_bytes())).into_owned()
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
