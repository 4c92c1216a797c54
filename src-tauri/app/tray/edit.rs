//! What changes between two menus, so that what stays is left alone: a menu that is open must not close
//! or flash, and setting a whole menu anew does both.

use super::menu::Entry;

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
    let on = new.click.is_some();
    let enable = (old.click.is_some() != on).then_some(Edit::Enable { at, on });
    text.into_iter().chain(enable)
}

#[cfg(test)]
mod tests {
    use super::super::{
        menu::{MenuModel, menu},
        sample::{builder, phases, snapshot},
    };
    use super::*;
    use igloo_protocol::{BuilderId, Phase};

    /// What a toolkit holds of an entry.
    type Held = (String, String, bool);

    fn held(e: &Entry) -> Held {
        (e.id.key(), e.text.clone(), e.click.is_some())
    }

    fn apply(mut menu: Vec<Held>, edits: &[Edit]) -> Vec<Held> {
        for edit in edits {
            match edit {
                Edit::Remove { at } => drop(menu.remove(*at)),
                Edit::Insert { at, entry } => menu.insert(*at, held(entry)),
                Edit::Text { at, text } => menu[*at].1 = text.clone(),
                Edit::Enable { at, on } => menu[*at].2 = *on,
            }
        }
        menu
    }

    /// No engine; no, one and two builders, in every phase.
    fn menus() -> Vec<MenuModel> {
        let mut menus = vec![menu(None), menu(Some(&snapshot([])))];
        for a in phases() {
            let a = builder(BuilderId::Aarch64, a);
            menus.push(menu(Some(&snapshot([a.clone()]))));
            for b in phases() {
                let b = builder(BuilderId::X86_64, b);
                menus.push(menu(Some(&snapshot([b.clone()]))));
                menus.push(menu(Some(&snapshot([a.clone(), b]))));
            }
        }
        menus
    }

    #[test]
    fn the_edits_lead_from_any_menu_to_any_other() {
        let menus = menus();
        for old in &menus {
            for new in &menus {
                let edits = edits(&old.entries, &new.entries);
                let shown = apply(old.entries.iter().map(held).collect(), &edits);
                assert_eq!(shown, new.entries.iter().map(held).collect::<Vec<_>>(), "{edits:?}");
            }
        }
    }

    #[test]
    fn what_is_the_same_is_left_alone() {
        for m in menus() {
            assert_eq!(edits(&m.entries, &m.entries), []);
        }
    }

    #[test]
    fn a_change_of_phase_brings_and_takes_no_entries() {
        let of = |phase| menu(Some(&snapshot([builder(BuilderId::Aarch64, phase)]))).entries;
        let ready = of(Phase::Ready);
        assert_eq!(
            edits(&ready, &of(Phase::Stopping)),
            [Edit::Text { at: 0, text: "aarch64-linux: Stopping".into() }, Edit::Enable { at: 1, on: false }]
        );
        // a failure brings the line that tells its cause
        let added = edits(&ready, &of(super::super::sample::failed("it fell")));
        assert!(matches!(&added[1], Edit::Insert { at: 1, entry } if entry.text == "it fell"), "{added:?}");
    }
}
