//! The lossless editor of `/etc/nix/machines`.
//!
//! Nix (`src/libstore/machines.cc`) cuts the file into lines, drops each line's comment (from `#`),
//! cuts the rest at `;`, trims, skips blanks, and reads up to eight columns: URI, systems, key,
//! jobs, speed, features, mandatory features, host key. Everything that is not Igloo's own entry
//! stays byte for byte.

use igloo_protocol::BuilderId;
use std::ops::Range;

/// The private key that Igloo's entries name.
pub const KEY_PATH: &str = "/etc/nix/igloo_builder_ed25519";

/// Whose an entry is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Owner {
    /// Igloo's, for this builder.
    Igloo(BuilderId),
    /// Names a builder's alias, but was written by someone else.
    Foreign(BuilderId),
}

/// The URI that Nix reaches a builder at.
pub fn uri(builder: BuilderId) -> String {
    format!("ssh-ng://builder@{}", builder.alias())
}

/// The text with Igloo's entry for `builder` set to `entry`. An entry that is there is replaced in
/// its place; a new one gets a line of its own, beside those of Igloo's other builders.
pub fn set(text: &str, builder: BuilderId, entry: &str) -> String {
    let mut ours = entries(text).into_iter().filter(|(_, e)| owner(e) == Some(Owner::Igloo(builder)));
    match ours.next() {
        Some((range, _)) => format!("{}{entry}{}", &text[..range.start], &text[range.end..]),
        None => insert(text, builder, entry),
    }
}

/// Igloo's entry for `builder`.
pub fn get(text: &str, builder: BuilderId) -> Option<&str> {
    entries(text).into_iter().find(|(_, e)| owner(e) == Some(Owner::Igloo(builder))).map(|(_, e)| e)
}

/// An entry that names the builder's alias and is not Igloo's.
pub fn foreign(text: &str, builder: BuilderId) -> Option<&str> {
    entries(text).into_iter().find(|(_, e)| owner(e) == Some(Owner::Foreign(builder))).map(|(_, e)| e)
}

/// Whether the text holds any entry of Igloo's.
pub fn has_any(text: &str) -> bool {
    BuilderId::ALL.into_iter().any(|b| get(text, b).is_some())
}

fn insert(text: &str, builder: BuilderId, entry: &str) -> String {
    let line_of = |b: BuilderId| {
        let at = entries(text).into_iter().find(|(_, e)| owner(e) == Some(Owner::Igloo(b)))?.0.start;
        lines(text).into_iter().find(|l| l.contains(&at))
    };
    let after = BuilderId::ALL.into_iter().filter(|b| *b < builder).rev().find_map(line_of);
    let before = BuilderId::ALL.into_iter().filter(|b| *b > builder).find_map(line_of);
    let at = match (after, before) {
        (Some(line), _) => line.end,
        (None, Some(line)) => line.start,
        (None, None) => text.len(),
    };
    let (head, tail) = text.split_at(at);
    let gap = if head.is_empty() || head.ends_with('\n') { "" } else { "\n" };
    format!("{head}{gap}{entry}\n{tail}")
}

/// The lines with their newlines.
fn lines(text: &str) -> Vec<Range<usize>> {
    let mut start = 0;
    text.split_inclusive('\n')
        .map(|line| {
            start += line.len();
            start - line.len()..start
        })
        .collect()
}

/// Every entry, with its place in the text.
fn entries(text: &str) -> Vec<(Range<usize>, &str)> {
    let mut found = Vec::new();
    for line in lines(text) {
        let code = text[line.clone()].split('#').next().unwrap_or_default();
        let mut at = line.start;
        for piece in code.split(';') {
            let entry = piece.trim_matches(is_space);
            if !entry.is_empty() {
                let start = at + (piece.len() - piece.trim_start_matches(is_space).len());
                found.push((start..start + entry.len(), entry));
            }
            at += piece.len() + 1;
        }
    }
    found
}

fn owner(entry: &str) -> Option<Owner> {
    let mut columns = entry.split(is_space).filter(|c| !c.is_empty());
    let place = columns.next()?;
    let authority = place.split_once("://").map_or(place, |(_, rest)| rest);
    let host = authority.rsplit('@').next()?.split(['?', '/', ':']).next()?;
    let builder = BuilderId::ALL.into_iter().find(|b| b.alias() == host)?;
    let ours = place == uri(builder) && columns.nth(1) == Some(KEY_PATH);
    Some(if ours { Owner::Igloo(builder) } else { Owner::Foreign(builder) })
}

/// What Nix takes for white space.
fn is_space(c: char) -> bool {
    matches!(c, ' ' | '\t' | '\n' | '\r')
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn entry(b: BuilderId, jobs: u16) -> String {
        format!("{} {} {KEY_PATH} {jobs} 1 - - AAAA", uri(b), b.system())
    }

    const A: BuilderId = BuilderId::Aarch64;
    const X: BuilderId = BuilderId::X86_64;

    #[test]
    fn a_new_entry_gets_a_line_of_its_own() {
        let a = entry(A, 1);
        assert_eq!(set("", A, &a), format!("{a}\n"));
        assert_eq!(set("ssh://me@mac", A, &a), format!("ssh://me@mac\n{a}\n"));
        assert_eq!(set("# mine\n\n", A, &a), format!("# mine\n\n{a}\n"));
    }

    #[test]
    fn an_entry_among_others_is_replaced_in_its_place() {
        let (old, new) = (entry(A, 1), entry(A, 8));
        let text = format!("ssh://x ; \t{old}; ssh://y # {old}\r\n");
        assert_eq!(set(&text, A, &new), format!("ssh://x ; \t{new}; ssh://y # {old}\r\n"));
        assert_eq!(get(&text, A), Some(old.as_str()));
    }

    #[test]
    fn a_comment_is_not_an_entry() {
        let text = format!("# {}\nssh://x # ; {}\n", entry(A, 1), entry(X, 1));
        assert!(!has_any(&text));
    }

    #[test]
    fn an_entry_of_others_for_the_same_alias_is_seen() {
        let stock = "ssh-ng://builder@linux-builder aarch64-linux /etc/nix/builder_ed25519 4";
        assert_eq!(foreign(stock, A), Some(stock));
        assert_eq!(foreign("ssh://linux-builder?compress=1", A), Some("ssh://linux-builder?compress=1"));
        assert_eq!(foreign("ssh-ng://u@linux-builder:31022", A), Some("ssh-ng://u@linux-builder:31022"));
        assert_eq!(foreign("ssh://linux-builder.example.org", A), None);
        assert_eq!(foreign(&entry(A, 2), A), None);
    }

    /// Text as users may have it: entries, separators, comments, odd white space, no last newline.
    fn text() -> impl Strategy<Value = String> {
        let piece = prop_oneof![
            Just("\n".to_owned()),
            Just(";".to_owned()),
            Just("# note ".to_owned()),
            Just("\r\n".to_owned()),
            Just("@/etc/nix/more".to_owned()),
            "[ -~é\t]{0,12}",
            Just("ssh://other x86_64-linux - 1".to_owned()),
            Just(entry(A, 3)),
            Just(entry(X, 5)),
        ];
        prop::collection::vec(piece, 0..12).prop_map(|v| v.concat())
    }

    proptest! {
        #[test]
        fn setting_twice_is_setting_once(text in text(), jobs in 1u16..9) {
            for b in BuilderId::ALL {
                let once = set(&text, b, &entry(b, jobs));
                prop_assert_eq!(&set(&once, b, &entry(b, jobs)), &once);
                let wanted = entry(b, jobs);
                prop_assert_eq!(get(&once, b), Some(wanted.as_str()));
            }
        }

        #[test]
        fn edits_of_two_builders_commute(text in text(), i in 1u16..9, j in 1u16..9) {
            let (a, x) = (entry(A, i), entry(X, j));
            prop_assert_eq!(set(&set(&text, A, &a), X, &x), set(&set(&text, X, &x), A, &a));
        }

        #[test]
        fn what_others_wrote_stays(text in text(), jobs in 1u16..9) {
            let others = |t: &str| entries(t).iter().filter(|(_, e)| !matches!(owner(e), Some(Owner::Igloo(_))))
                .map(|(_, e)| (*e).to_owned()).collect::<Vec<_>>();
            let new = set(&text, A, &entry(A, jobs));
            prop_assert_eq!(others(&new), others(&text));
            if get(&text, A).is_none() {
                // only an insertion: of a line, and of the newline that the text lacked at its end
                let line = format!("{}\n", entry(A, jobs));
                let (plain, ended) = (text.clone(), text.clone() + "\n");
                let rests: Vec<_> = new.match_indices(&line)
                    .map(|(at, _)| new[..at].to_owned() + &new[at + line.len()..]).collect();
                prop_assert!(rests.iter().any(|r| *r == plain || *r == ended), "{:?}", rests);
            }
        }
    }
}
