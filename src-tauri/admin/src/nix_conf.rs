//! The lossless editor of `nix.conf` and of the files that it includes.
//!
//! Nix (`src/libutil/configuration.cc`) reads line by line: what follows a `#` is a comment, the rest are words
//! between blanks, the second of them `=`; `include` and `!include` take in another file there and then; a later
//! value replaces an earlier one, and `extra-<name>` adds to it where the setting is a list.
//!
//! Igloo's lines stand in one marked block at the end of the file, so that they are the later ones whatever
//! stands before them, an `include` too; changing one moves the block to the end again. A line that is edited
//! in its place would not do: it could be followed by another, and its old value would be lost to the eye.
//! An installer that keeps `nix.conf` for itself includes `nix.custom.conf` at its end. There the block goes
//! into that one, for a line behind the `include` would beat everything that the user puts in there later.

use crate::block;
use igloo_protocol::plan::NixSetting;
use std::fmt;

/// The entry of `builders` that makes Nix read the machines file.
pub const MACHINES: &str = "@/etc/nix/machines";

/// A text as its lines. Displayed, it is the text again, byte for byte.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Conf<'a> {
    /// The lines.
    pub lines: Vec<Line<'a>>,
}

/// A line of the text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line<'a> {
    /// The bytes, with the newline if there is one.
    pub raw: &'a str,
    /// What Nix takes it for.
    pub what: What<'a>,
}

/// What Nix takes a line for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum What<'a> {
    /// Blank, or a comment.
    Nothing,
    /// Another file is read at this place.
    Include {
        /// Its path; a relative one starts at the including file's folder.
        path: &'a str,
        /// `!include`: it need not be there.
        optional: bool,
    },
    /// A setting.
    Set {
        /// Its name, `extra-` included.
        name: &'a str,
        /// Its words, with a blank between two.
        value: String,
    },
    /// What Nix refuses to read.
    Malformed,
}

/// Reads a text. Every text has lines, so nothing can fail.
pub fn parse(text: &str) -> Conf<'_> {
    Conf { lines: text.split_inclusive('\n').map(|raw| Line { raw, what: what(raw) }).collect() }
}

impl fmt::Display for Conf<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.lines.iter().try_for_each(|line| f.write_str(line.raw))
    }
}

fn what(raw: &str) -> What<'_> {
    let code = raw.split('#').next().unwrap_or_default();
    let words: Vec<&str> = code.split([' ', '\t', '\n', '\r']).filter(|w| !w.is_empty()).collect();
    match words.as_slice() {
        [] => What::Nothing,
        ["include", path] => What::Include { path, optional: false },
        ["!include", path] => What::Include { path, optional: true },
        [name, "=", value @ ..] => What::Set { name, value: value.join(" ") },
        _ => What::Malformed,
    }
}

/// The text with Igloo's line for a setting, and with Igloo's block at its end.
pub fn set(text: &str, setting: &NixSetting) -> String {
    let mut rest = text.to_owned();
    let mut body = String::new();
    // more than one only where somebody copied it
    while let (Some(lines), Some(without)) = (block::body(&rest), block::remove(&rest)) {
        body.push_str(lines);
        rest = without;
    }
    block::append(&rest, &merge(&body, setting))
}

/// The text without anything of Igloo's.
pub fn remove(text: &str) -> String {
    let mut rest = text.to_owned();
    while let Some(without) = block::remove(&rest) {
        rest = without;
    }
    rest
}

/// The value that Igloo's own line gives a setting.
pub fn get(text: &str, name: &str) -> Option<String> {
    let lines = parse(block::body(text)?).lines;
    lines.into_iter().rev().find_map(|line| match line.what {
        What::Set { name: n, value } if n == name => Some(value),
        _ => None,
    })
}

/// A setting's value as Igloo writes it.
pub(crate) fn value(setting: &NixSetting) -> String {
    match setting {
        NixSetting::Builders => MACHINES.to_owned(),
        NixSetting::BuildersUseSubstitutes(yes) => yes.to_string(),
        NixSetting::ExtraTrustedUsers(users) => {
            users.as_slice().iter().map(|u| u.as_str()).collect::<Vec<_>>().join(" ")
        }
    }
}

/// The line by which Igloo sets a setting, with its newline.
pub(crate) fn line(setting: &NixSetting) -> String {
    format!("{} = {}\n", setting.name(), value(setting))
}

/// A block's lines with a setting among them: others' lines first, as they are, then Igloo's in a fixed order,
/// so that it does not matter which was set first.
fn merge(body: &str, setting: &NixSetting) -> String {
    let conf = parse(body);
    let named = |line: &Line<'_>, name: &str| matches!(&line.what, What::Set { name: n, .. } if *n == name);
    let others = conf.lines.iter().filter(|l| !NixSetting::NAMES.iter().any(|name| named(l, name)));
    let mut merged: String = others.map(|l| l.raw).collect();
    for name in NixSetting::NAMES {
        if name == setting.name() {
            merged += &line(setting);
        } else if let Some(line) = conf.lines.iter().rev().find(|l| named(l, name)) {
            merged += line.raw;
        }
    }
    merged
}

#[cfg(test)]
#[path = "nix_conf/tests.rs"]
mod tests;
