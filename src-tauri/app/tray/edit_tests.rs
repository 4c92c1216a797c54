use super::super::{
    menu::{MenuModel, menu},
    sample::{build, builder, failed, phases, seen, snapshot},
    seen::Seen,
};
use super::*;
use igloo_protocol::{BuilderId, BuilderView, Phase};

/// What a toolkit holds of an entry.
#[derive(Clone, Debug, PartialEq)]
struct Held {
    key: String,
    text: String,
    enabled: bool,
    checked: Option<bool>,
    within: Vec<Held>,
}

fn held(e: &Entry) -> Held {
    let (checked, within) = match &e.kind {
        Kind::Check(on) => (Some(*on), vec![]),
        Kind::Submenu(within) => (None, within.iter().map(held).collect()),
        Kind::Line | Kind::Rule => (None, vec![]),
    };
    Held { key: e.id.key(), text: e.text.clone(), enabled: e.enabled(), checked, within }
}

fn apply(menu: &mut Vec<Held>, edits: &[Edit]) {
    for edit in edits {
        match edit {
            Edit::Remove { at } => drop(menu.remove(*at)),
            Edit::Insert { at, entry } => menu.insert(*at, held(entry)),
            Edit::Text { at, text } => menu[*at].text = text.clone(),
            Edit::Enable { at, on } => menu[*at].enabled = *on,
            Edit::Check { at, on } => menu[*at].checked = Some(*on),
            Edit::Within { at, edits } => apply(&mut menu[*at].within, edits),
        }
    }
}

fn of(builders: impl IntoIterator<Item = BuilderView>) -> MenuModel {
    menu(&seen(builders), "igloo")
}

/// No engine; no, one and two builders, in every phase, with and without builds.
fn menus() -> Vec<MenuModel> {
    let mut menus = vec![menu(&Seen::default(), "igloo"), of([])];
    for a in phases() {
        let mut a = builder(BuilderId::Aarch64, a);
        menus.push(of([a.clone()]));
        a.ephemeral = true;
        a.builds = Some(vec![build("hello-2.12.1"), build("linux-6.12"), build("hello-2.12.1")]);
        for b in phases() {
            let mut b = builder(BuilderId::X86_64, b);
            menus.push(of([b.clone()]));
            b.builds = Some(vec![build("linux-6.12"), build("zlib-1.3")]);
            menus.push(of([a.clone(), b]));
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
            let mut shown = old.entries.iter().map(held).collect();
            apply(&mut shown, &edits);
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

/// Whether edits make or drop items outside the submenu of builds.
fn rebuilds(edits: &[Edit]) -> bool {
    edits.iter().any(|e| matches!(e, Edit::Remove { .. } | Edit::Insert { .. }))
}

#[test]
fn no_change_of_phase_builds_or_marks_makes_or_drops_an_item() {
    let builders = |a: Phase, b: Phase, n: usize| {
        let mut views = [builder(BuilderId::Aarch64, a), builder(BuilderId::X86_64, b)];
        views[0].builds = Some((0..n).map(|i| build(&format!("b{i}"))).collect());
        views[1].ephemeral = n == 1;
        menu(&Seen::of(snapshot(views).into(), 1), "igloo")
    };
    let mut all = vec![];
    for a in phases() {
        for b in phases() {
            all.extend((0..3).map(|n| builders(a.clone(), b.clone(), n)));
        }
    }
    for old in &all {
        for new in &all {
            let edits = edits(&old.entries, &new.entries);
            assert!(!rebuilds(&edits), "{edits:?}");
        }
    }
}

#[test]
fn only_builds_come_and_go_and_each_keeps_its_item() {
    let with = |builds: &[&str]| {
        let mut b = builder(BuilderId::Aarch64, Phase::Ready);
        b.builds = Some(builds.iter().map(|b| build(b)).collect());
        of([b])
    };
    let within = |old: &MenuModel, new: &MenuModel| {
        edits(&old.entries, &new.entries).into_iter().find_map(|edit| match edit {
            Edit::Within { edits, .. } => Some(edits),
            _ => None,
        })
    };
    let (one, two) = (with(&["hello-2.12.1"]), with(&["abc-1", "hello-2.12.1"]));
    let added = within(&one, &two).unwrap();
    assert!(
        matches!(&added[..], [Edit::Insert { at: 0, entry }] if entry.text == "abc-1 · 1:32"),
        "{added:?}"
    );
    assert_eq!(within(&two, &one), Some(vec![Edit::Remove { at: 0 }]));
    let none = within(&one, &with(&[])).unwrap();
    assert!(
        matches!(&none[..], [Edit::Remove { at: 0 }, Edit::Insert { at: 0, entry }] if entry.text == "No builds"),
        "{none:?}"
    );
}

#[test]
fn a_failure_changes_texts_and_nothing_else() {
    let ready = of([builder(BuilderId::Aarch64, Phase::Ready)]);
    let fallen = of([builder(BuilderId::Aarch64, failed("it fell"))]);
    let first = &edits(&ready.entries, &fallen.entries)[0];
    assert_eq!(*first, Edit::Text { at: 0, text: "aarch64-linux: Failed · it fell".into() });
}
