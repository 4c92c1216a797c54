//! The submenu of builds: the one whose items come and go.

use super::{Click, Entry, Id};
use crate::tray::page::Page;
use igloo_protocol::{Build, BuildState, BuilderView, Phase};
use std::collections::HashMap;

/// The builds of all builders. A click shows them in the window.
pub fn submenu(builders: &[&BuilderView]) -> Entry {
    let several = builders.len() > 1;
    let mut within: Vec<Entry> = builders.iter().flat_map(|b| of(b, several)).collect();
    if within.is_empty() {
        let unknown = builders.iter().any(|b| b.phase == Phase::Ready && b.builds.is_none());
        within.push(Entry::words(Id::NoBuilds, if unknown { "Not known yet" } else { "No builds" }));
    }
    Entry::submenu(Id::Builds, "Builds", within)
}

/// A builder's builds, in an order that stays: a toolkit's items can't change places.
fn of(b: &BuilderView, several: bool) -> Vec<Entry> {
    let mut builds: Vec<&Build> = b.builds.iter().flatten().collect();
    builds.sort_by(|x, y| x.derivation.cmp(&y.derivation));
    let mut seen = HashMap::new();
    let entries = builds.into_iter().map(|build| {
        let what = build.derivation.clone().unwrap_or_default();
        let nth = seen.entry(what.clone()).and_modify(|n| *n += 1).or_insert(0);
        let system = if several { format!(" · {}", b.id.system()) } else { String::new() };
        let id = Id::Build(b.id, format!("{what}.{nth}"));
        Entry::line(id, format!("{}{system}", text(build)), Some(Click::Open(Page::Queue)))
    });
    entries.collect()
}

/// `hello-2.12.1 · 1:32`
fn text(build: &Build) -> String {
    let name = build.name().unwrap_or("Unknown derivation");
    match (build.state, build.elapsed_s) {
        (BuildState::Session, _) => format!("{name} · waiting or copying"),
        (BuildState::Running, Some(seconds)) => format!("{name} · {}", clock(seconds)),
        (BuildState::Running, None) => name.into(),
    }
}

/// `1:32`, `2:00:05`
pub(super) fn clock(seconds: f64) -> String {
    // what is negative or too large becomes the nearest number that fits
    let s = seconds as u64;
    match s / 3600 {
        0 => format!("{}:{:02}", s / 60, s % 60),
        hours => format!("{hours}:{:02}:{:02}", s / 60 % 60, s % 60),
    }
}
