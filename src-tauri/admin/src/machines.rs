//! The lossless editor of `/etc/nix/machines`.
//!
//! Nix (`src/libstore/machines.cc`) cuts the file into lines, drops each line's comment (from `#`),
//! cuts the rest at `;`, trims, skips blanks, and reads up to eight columns: URI, systems, key,
//! jobs, speed, features, mandatory features, host key; a `-` stands for a column's default, and an entry
//! `@file` for the entries of another file. Everything that is not Igloo's own entry stays byte for byte.

use igloo_protocol::BuilderId;
use std::ops::Range;

mod columns;

pub use columns::{Columns, Entry, read};

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

/// The text with `entry` as Igloo's one entry for `builder`. An entry that is there is replaced in its place;
/// a new one gets a line of its own, beside those of Igloo's other builders.
///
/// New lines are put in whole, so a last line without a newline stays the last and stays as it is.
pub fn set(text: &str, builder: BuilderId, entry: &str) -> String {
    let mut text = text.to_owned();
    loop {
        let ours = ours(&text, builder);
        match (ours.first(), ours.last()) {
            (Some(first), Some(last)) if first == last => {
                return format!("{}{entry}{}", &text[..first.start], &text[first.end..]);
            }
            (_, Some(copy)) => text = without(&text, copy.clone()),
            _ => return insert(&text, builder, entry),
        }
    }
}

/// The text without Igloo's entries for `builder`; a line that held nothing else goes with its entry.
pub fn remove(text: &str, builder: BuilderId) -> String {
    let mut text = text.to_owned();
    while let Some(entry) = ours(&text, builder).pop() {
        text = without(&text, entry);
    }
    text
}

/// Igloo's entry for `builder`.
pub fn get(text: &str, builder: BuilderId) -> Option<&str> {
    entries(text).into_iter().find(|(_, e)| owner(e) == Some(Owner::Igloo(builder))).map(|(_, e)| e)
}

/// An entry that names the builder's alias and is not Igloo's.
pub fn foreign(text: &str, builder: BuilderId) -> Option<&str> {
    entries(text).into_iter().find(|(_, e)| owner(e) == Some(Owner::Foreign(builder))).map(|(_, e)| e)
}

/// An entry that names the builder's alias, whoever wrote it.
pub fn any(text: &str, builder: BuilderId) -> Option<&str> {
    get(text, builder).or_else(|| foreign(text, builder))
}

/// Whether the text holds any entry of Igloo's.
pub fn has_any(text: &str) -> bool {
    BuilderId::ALL.into_iter().any(|b| get(text, b).is_some())
}

/// The places of Igloo's entries for `builder`.
fn ours(text: &str, builder: BuilderId) -> Vec<Range<usize>> {
    let own = |(range, entry)| (owner(entry) == Some(Owner::Igloo(builder))).then_some(range);
    entries(text).into_iter().filter_map(own).collect()
}

/// The text without one entry, and without the `;` that parted it from the next, or from the one before.
fn without(text: &str, entry: Range<usize>) -> String {
    let Some(line) = lines(text).into_iter().find(|l| l.contains(&entry.start)) else {
        return text.to_owned();
    };
    let (before, after) = (&text[line.start..entry.start], &text[entry.end..line.end]);
    let blank = |s: &str| s.chars().all(is_space);
    let (start, end) = if blank(before) && blank(after) {
        (line.start, line.end)
    } else if after.trim_start_matches(is_space).starts_with(';') {
        (entry.start, entry.end + after.find(';').map_or(0, |i| i + 1))
    } else {
        (line.start + before.rfind(';').unwrap_or(before.len()), entry.end)
    };
    format!("{}{}", &text[..start], &text[end..])
}

fn insert(text: &str, builder: BuilderId, entry: &str) -> String {
    let line_of = |b: BuilderId| {
        let at = ours(text, b).first()?.start;
        lines(text).into_iter().find(|l| l.contains(&at))
    };
    let after = BuilderId::ALL.into_iter().filter(|b| *b < builder).rev().find_map(line_of);
    let before = BuilderId::ALL.into_iter().filter(|b| *b > builder).find_map(line_of);
    let at = match (after, before) {
        (Some(line), _) if text[line.clone()].ends_with('\n') => line.end,
        (Some(line), _) | (None, Some(line)) => line.start,
        (None, None) => text.rfind('\n').map_or(0, |i| i + 1),
    };
    format!("{}{entry}\n{}", &text[..at], &text[at..])
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
#[path = "machines/tests.rs"]
mod tests;
