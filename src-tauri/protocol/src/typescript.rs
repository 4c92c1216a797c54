//! The page's types, made from the ones here: `ui/src/protocol.ts`.

use crate::{Command, ImageProgress, Installation, SettingView, Snapshot, plan::Plan, plan::Report};
use std::{collections::BTreeMap, fs, path::Path};
use ts_rs::{Config, TS, TypeVisitor};

/// Set to write the file anew.
const BLESS: &str = "IGLOO_BLESS";

const HEAD: &str = "\
/**
 * The types that cross the boundary to the engine, in serde's JSON shape: `src-tauri/protocol/src`.
 * Made from there by `IGLOO_BLESS=1 cargo test -p igloo-protocol`; change nothing here.
 */
";

/// Declarations by their names: the order in which ts-rs tells of them changes with each compilation.
struct Declarations {
    config: Config,
    by_name: BTreeMap<String, String>,
}

impl TypeVisitor for Declarations {
    fn visit<T: TS + 'static + ?Sized>(&mut self) {
        let name = T::ident(&self.config);
        // what has no file of its own (a number, a list) is no name in TypeScript either
        if T::output_path().is_some() && !self.by_name.contains_key(&name) {
            let docs = T::docs().unwrap_or_default();
            self.by_name.insert(name, format!("\n{docs}export {}\n", T::decl(&self.config)));
            T::visit_dependencies(self);
        }
    }
}

/// Everything that the page gets or sends.
fn made() -> String {
    // the page counts milliseconds and bytes: far below 2^53
    let config = Config::new().with_large_int("number");
    let mut all = Declarations { config, by_name: BTreeMap::new() };
    all.visit::<Snapshot>();
    all.visit::<Command>();
    all.visit::<SettingView>();
    all.visit::<Installation>();
    all.visit::<ImageProgress>();
    all.visit::<Plan>();
    all.visit::<Report>();
    // a comment in one line, and no blank at the end of any
    let text = HEAD.to_owned() + &all.by_name.into_values().collect::<String>();
    text.replace("/**\n * ", "/** ").replace("\n */", " */").replace("{ \n", "{\n").replace(", \n", ",\n")
}

#[test]
fn the_pages_types_are_these() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../ui/src/protocol.ts");
    let made = made();
    if std::env::var_os(BLESS).is_some() {
        fs::write(&file, &made).unwrap();
    }
    let there = fs::read_to_string(&file).unwrap();
    assert!(there == made, "ui/src/protocol.ts has drifted: run {BLESS}=1 cargo test -p igloo-protocol");
}
