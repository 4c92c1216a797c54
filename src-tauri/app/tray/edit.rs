//! What changes between two menus, so that what stays is left alone: a menu that is open must not close
//! or flash, and setting a whole menu anew does both.

use super::menu::{Entry, Kind};

/// One change of the menu that is shown. Positions hold at the time of the edit, in the given order.
#[derive(Clone, Debug, PartialEq)]
pub enum Edit {
    /// Take the entry away.
    Remove {
        /// Where it is.
        at: usize,
    },
    /// Put a new entry in.
    Insert {
        /// Where it will be.
        at: usize,
        /// The entry.
        entry: Entry,
    },
    /// Change what an entry says.
    Text {
        /// Where it is.
        at: usize,
        /// What it says from now on.
        text: String,
    },
    /// Grey an entry, or not.
    Enable {
        /// Where it is.
        at: usize,
        /// Whether it can be clicked from now on.
        on: bool,
    },
    /// Set an entry's mark, or take it away.
    Check {
        /// Where it is.
        at: usize,
        /// Whether it has the mark from now on.
        on: bool,
    },
    /// Change a submenu.
    Within {
        /// Where it is.
        at: usize,
        /// What changes in it.
        edits: Vec<Edit>,
    },
}

/// The edits that turn `old` into `new`. Entries that both have must be in the same order in both.
pub fn edits(old: &[Entry], new: &[Entry]) -> Vec<Edit> {
    let stays = |e: &&Entry| new.iter().any(|n| n.id == e.id);
    // from the end, so that the positions before it hold
    let gone = old.iter().enumerate().rev().filter(|(_, e)| !stays(e));
    let mut edits: Vec<Edit> = gone.map(|(at, _)| Edit::Remove { at }).collect();
    let mut kept = old.iter().filter(stays).peekable();
    for (at, entry) in new.iter().enumerate() {
        match kept.next_if(|k| k.id == entry.id) {
            Some(shown) => edits.extend(changes(at, shown, entry)),
            None => edits.push(Edit::Insert { at, entry: entry.clone() }),
        }
    }
    edits
}

fn changes(at: usize, old: &Entry, new: &Entry) -> impl Iterator<Item = Edit> {
    let text = (old.text != new.text).then(|| Edit::Text { at, text: new.text.clone() });
    let on = new.enabled();
    let enable = (old.enabled() != on).then_some(Edit::Enable { at, on });
    let kind = match (&old.kind, &new.kind) {
        (Kind::Check(was), Kind::Check(on)) => (was != on).then_some(Edit::Check { at, on: *on }),
        (Kind::Submenu(old), Kind::Submenu(new)) => {
            Some(edits(old, new)).filter(|edits| !edits.is_empty()).map(|edits| Edit::Within { at, edits })
        }
        _ => None,
    };
    text.into_iter().chain(enable).chain(kind)
}

#[cfg(test)]
#[path = "edit_tests.rs"]
mod tests;
