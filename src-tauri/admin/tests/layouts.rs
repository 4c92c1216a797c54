//! Every known layout of an installation: what is detected there, and what a plan would do. A layout is a folder of
//! `layouts`: `root` holds its files, `links` the symlinks and empty folders that a checkout can't hold, and
//! `expected` what comes of it. With `IGLOO_BLESS` set, `expected` is written anew, to be read before it is kept.
#![allow(clippy::unwrap_used, clippy::panic, missing_docs)]

mod support;

use igloo_admin::{Platform, apply, describe, diff, installation, plan, undo};
use igloo_protocol::BuilderId;
use igloo_protocol::plan::{Operation, Outcome};
use std::fmt::Write;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use support::{FakeDaemon, Sandbox, host_ops};

fn layouts() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/layouts")
}

fn sandbox(layout: &Path) -> Sandbox {
    let macos = layout.file_name().unwrap().to_str().unwrap().starts_with("macos-");
    let s = Sandbox::of(if macos { Platform::MacOs } else { Platform::Linux });
    let root = layout.join("root");
    let mut left: Vec<PathBuf> = if root.exists() { vec![root.clone()] } else { vec![] };
    while let Some(folder) = left.pop() {
        for entry in fs::read_dir(folder).unwrap().map(|e| e.unwrap().path()) {
            let path = entry.strip_prefix(&root).unwrap().to_str().unwrap().to_owned();
            if entry.is_dir() {
                s.folder(&path);
                left.push(entry);
            } else {
                s.file(&path, &fs::read_to_string(&entry).unwrap());
            }
        }
    }
    for line in fs::read_to_string(layout.join("links")).unwrap_or_default().lines() {
        match line.split_once(" -> ") {
            None => s.folder(line.trim_end_matches('/')),
            Some((path, target)) => {
                s.folder(path.rsplit_once('/').map_or("", |(folder, _)| folder));
                symlink(target, s.path(path)).unwrap();
            }
        }
    }
    s
}

/// The operations whose plans are looked at, each alone.
fn asked() -> Vec<Vec<Operation>> {
    let settings = [
        r#"{"nix_setting":"builders"}"#,
        r#"{"nix_setting":{"builders_use_substitutes":true}}"#,
        r#"{"nix_setting":{"extra_trusted_users":["me","you"]}}"#,
        r#""restart_nix_daemon""#,
    ];
    let mut asked = vec![host_ops(BuilderId::Aarch64, 31022, 4)];
    asked.extend(settings.map(|json| vec![serde_json::from_str(json).unwrap()]));
    asked
}

/// What comes of a layout, as text: the detection, then each plan or why there is none.
fn outcome(s: &Sandbox) -> String {
    let mut out = serde_json::to_string_pretty(&installation(&s.root)).unwrap() + "\n";
    for ops in asked() {
        out += "\n";
        match plan(&s.root, &ops) {
            Err(problem) => {
                writeln!(out, "* {} is refused: {problem}", name(&ops)).unwrap();
                writeln!(out, "  ({}) {}", problem.code.as_str(), problem.remedy).unwrap();
            }
            Ok(plan) => {
                describe(&plan).iter().for_each(|line| writeln!(out, "* {line}").unwrap());
                plan.warnings.iter().for_each(|line| writeln!(out, "! {line}").unwrap());
                out += &diff(&s.root, &plan).unwrap();
            }
        }
    }
    out
}

fn name(ops: &[Operation]) -> String {
    match &ops[0] {
        Operation::NixSetting(setting) => setting.name().into(),
        _ => "the builder".into(),
    }
}

#[test]
fn each_layout_is_known_and_gets_its_plan() {
    let mut names: Vec<_> = fs::read_dir(layouts()).unwrap().map(|e| e.unwrap().path()).collect();
    names.sort();
    assert!(names.len() >= 20, "{names:?}");
    let mut wrong = String::new();
    for layout in names {
        let expected = layout.join("expected");
        let now = outcome(&sandbox(&layout));
        if std::env::var_os("IGLOO_BLESS").is_some() {
            fs::write(&expected, &now).unwrap();
        }
        let before = fs::read_to_string(&expected).unwrap_or_default();
        if before != now {
            writeln!(wrong, "{}\n--- expected\n{before}\n--- now\n{now}", layout.display()).unwrap();
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}

#[test]
fn what_can_be_planned_is_applied_once_and_undone_to_the_byte() {
    for layout in fs::read_dir(layouts()).unwrap().map(|e| e.unwrap().path()) {
        let s = sandbox(&layout);
        let before = s.tree();
        for ops in asked() {
            let Ok(first) = plan(&s.root, &ops) else { continue };
            let report = apply(&s.root, &first, &FakeDaemon::default());
            assert_eq!(report.problem, None, "{}", layout.display());
            let again = plan(&s.root, &ops).unwrap();
            assert_eq!(diff(&s.root, &again).unwrap(), "", "{}", layout.display());
        }
        let undone = undo(&s.root);
        assert!(matches!(undone.outcome, Outcome::Undone | Outcome::NothingToUndo), "{undone:?}");
        assert_eq!(s.tree(), before, "{}", layout.display());
    }
}
