//! Nix' settings, planned and applied, and read by the real Nix where there is one.
#![allow(clippy::unwrap_used, clippy::panic, missing_docs)]

mod support;

use igloo_admin::{Platform, apply, describe, diff, nix_config, plan, undo};
use igloo_protocol::plan::{ManagedFile, Operation, Outcome, Plan, Report, Seen};
use igloo_protocol::{Code, NixConfig};
use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::Command;
use support::{FakeDaemon, Sandbox, host_ops};

const CONF: &str = "etc/nix/nix.conf";
const CUSTOM: &str = "etc/nix/nix.custom.conf";

fn ops(json: &str) -> Vec<Operation> {
    serde_json::from_str(json).unwrap()
}

fn all() -> Vec<Operation> {
    ops(r#"[{"nix_setting":{"extra_trusted_users":["me"]}},{"nix_setting":"builders"},
            {"nix_setting":{"builders_use_substitutes":true}}]"#)
}

fn trust(user: &str) -> Vec<Operation> {
    ops(&format!(r#"[{{"nix_setting":{{"extra_trusted_users":["{user}"]}}}}]"#))
}

/// A distribution's Nix, with this `nix.conf`.
fn debian(conf: &str) -> Sandbox {
    let s = Sandbox::new();
    s.folder("usr/bin");
    s.file("usr/bin/nix", "");
    s.file(CONF, conf);
    s
}

fn run(s: &Sandbox, plan: &Plan) -> Report {
    apply(&s.root, plan, &FakeDaemon::default())
}

#[test]
fn all_settings_go_into_one_block_and_come_out_again() {
    for conf in ["cores = 4\nbuilders =", "builders =\r\n", "# é\nbuilders =\n!include nix.custom.conf\n"] {
        let s = debian(conf);
        let before = s.tree();
        let plan = s.plan(&all());
        assert_eq!(plan.files.len(), 1);
        assert_eq!(plan.warnings.len(), 1, "{:?}", plan.warnings);
        assert!(plan.warnings[0].contains("as powerful as root"), "{:?}", plan.warnings);
        assert!(describe(&plan)[2].contains("anything that root can"), "{:?}", describe(&plan));
        assert_eq!(run(&s, &plan).outcome, Outcome::Applied);
        let block = "# >>> Igloo: this block is rewritten and undone by Igloo";
        assert!(s.read(CONF).starts_with(conf) && s.read(CONF).contains(block));
        assert!(s.read(CONF).ends_with(
            "\nbuilders = @/etc/nix/machines\nbuilders-use-substitutes = true\nextra-trusted-users = me\n# <<< Igloo\n"
        ));
        assert_eq!(diff(&s.root, &s.plan(&all())).unwrap(), "");
        assert_eq!(run(&s, &s.plan(&all())).outcome, Outcome::Unchanged);
        assert_eq!(undo(&s.root).outcome, Outcome::Undone);
        assert_eq!(s.tree(), before);
    }
}

#[test]
fn a_plan_that_sets_builders_does_not_warn_of_what_it_mends() {
    let s = debian("builders =\n");
    let mut ops = host_ops(igloo_protocol::BuilderId::Aarch64, 31022, 1);
    assert_eq!(s.plan(&ops).warnings.len(), 1);
    ops.extend(self::ops(r#"[{"nix_setting":"builders"}]"#));
    assert_eq!(s.plan(&ops).warnings, Vec::<String>::new());
}

#[test]
fn what_is_in_force_already_stays_as_it_is_whoever_set_it() {
    let conf = "builders = ssh://mac ; @/etc/nix/machines\nbuilders-use-substitutes = yes\n!include more\n";
    let s = debian(conf);
    s.file("etc/nix/more", "extra-trusted-users = @wheel me\n");
    assert_eq!(diff(&s.root, &s.plan(&all())).unwrap(), "");
    let report = run(&s, &s.plan(&all()));
    assert_eq!((report.outcome, report.problem), (Outcome::Unchanged, None));
    // a later line elsewhere takes it back, so it is not in force any more
    s.file("etc/nix/more", "trusted-users = root\n");
    assert!(diff(&s.root, &s.plan(&all())).unwrap().contains("+extra-trusted-users = me\n"));
}

#[test]
fn users_that_are_not_asked_for_any_more_lose_the_trust_that_igloo_gave() {
    let s = debian("trusted-users = root admin\n");
    run(&s, &s.plan(&ops(r#"[{"nix_setting":{"extra_trusted_users":["me","you"]}}]"#)));
    assert!(s.read(CONF).contains("extra-trusted-users = me you\n"));
    run(&s, &s.plan(&trust("me")));
    assert!(
        s.read(CONF).contains("extra-trusted-users = me\n")
            && s.read(CONF).starts_with("trusted-users = root admin\n")
    );
}

#[test]
fn a_plan_for_one_file_is_refused_where_the_installation_has_come_to_say_another() {
    let s = debian("cores = 1\n");
    let plan = s.plan(&trust("me"));
    assert_eq!(plan.seen(ManagedFile::NixCustomConf), None);
    // the installer of Determinate ran in between, and left nix.conf as the plan saw it
    s.folder("usr/local/bin");
    s.file("usr/local/bin/determinate-nixd", "");
    let before = s.tree();
    let report = run(&s, &plan);
    assert_eq!((report.outcome, report.problem.unwrap().code), (Outcome::Failed, Code::Usage));
    assert_eq!(s.tree(), before);
}

#[test]
fn a_plan_is_refused_where_the_file_was_edited_or_linked_since() {
    let s = debian("cores = 1\n");
    let plan = s.plan(&trust("me"));
    assert!(matches!(plan.seen(ManagedFile::NixConf), Some(Seen::Sha256(_))));
    s.file(CONF, "cores = 2\n");
    assert_eq!(run(&s, &plan).problem.unwrap().code, Code::FileChanged);
    fs::rename(s.path(CONF), s.path("etc/nix/mine.conf")).unwrap();
    symlink("mine.conf", s.path(CONF)).unwrap();
    assert_eq!(run(&s, &plan).problem.unwrap().code, Code::NotManaged);
    assert_eq!(igloo_admin::plan(&s.root, &trust("me")).unwrap_err().code, Code::NotManaged);
    assert_eq!(s.read("etc/nix/mine.conf"), "cores = 2\n");
}

#[test]
fn a_file_that_nix_does_not_read_is_not_written() {
    let s = Sandbox::of(Platform::Linux);
    s.folder("usr/local/bin");
    s.file("usr/local/bin/determinate-nixd", "");
    s.file(CONF, "cores = 1\n");
    let problem = plan(&s.root, &trust("me")).unwrap_err();
    assert!(problem.code == Code::NotManaged && problem.message.contains("does not include"), "{problem}");
    s.file(CONF, "cores = 1\n!include nix.custom.conf\n");
    run(&s, &s.plan(&trust("me")));
    assert!(s.read(CUSTOM).contains("extra-trusted-users = me\n"));
}

#[test]
fn without_a_nix_there_is_nothing_to_set() {
    let s = Sandbox::new();
    assert_eq!(plan(&s.root, &trust("me")).unwrap_err().code, Code::MissingTool);
}

#[test]
fn an_entry_of_others_for_the_alias_is_seen_wherever_nix_reads_it() {
    let ops = host_ops(igloo_protocol::BuilderId::Aarch64, 31022, 1);
    let refused = |s: &Sandbox| plan(&s.root, &ops).unwrap_err().message;
    let s = debian("builders = ssh://linux-builder ; @/etc/nix/machines\n");
    assert!(refused(&s).starts_with("/etc/nix/nix.conf has an entry for linux-builder"));
    let s = debian("");
    s.file("etc/nix/machines", "@/etc/nix/a\n");
    s.file("etc/nix/a", "@/etc/nix/a;@/etc/nix/b");
    s.file("etc/nix/b", "ssh-ng://builder@linux-builder aarch64-linux /etc/nix/builder_ed25519\n");
    assert!(refused(&s).starts_with("/etc/nix/b has an entry for linux-builder"));
}

#[test]
fn after_a_user_edited_the_file_undo_leaves_it_alone_until_the_block_is_gone() {
    let s = debian("cores = 1\n");
    run(&s, &s.plan(&trust("me")));
    s.file(CONF, &(s.read(CONF) + "max-jobs = 2\n"));
    assert_eq!(undo(&s.root).outcome, Outcome::PartlyUndone);
    s.file(CONF, "cores = 1\nmax-jobs = 2\n");
    assert_eq!(undo(&s.root).outcome, Outcome::Undone);
    assert_eq!(s.read(CONF), "cores = 1\nmax-jobs = 2\n");
}

/// Reads the folder's `nix.conf` with the real Nix that `cargo xtask test` prepares, or the one on the path; `None` if
/// there is none.
fn real_nix(folder: &Path) -> Option<nix_config::Effective> {
    let nix = std::env::var_os("IGLOO_TEST_NIX").map_or("nix".into(), |bin| Path::new(&bin).join("nix"));
    NixConfig::ARGUMENTS.iter().find_map(|arguments| {
        let output = Command::new(&nix)
            .args(arguments.split(' '))
            .envs(nix_config::SYSTEM_ONLY)
            .env("NIX_CONF_DIR", folder)
            .output()
            .ok()?;
        output.status.success().then(|| nix_config::parse(&output.stdout).unwrap())
    })
}

#[test]
fn the_real_nix_reads_what_was_written() {
    let s = debian("builders =\ntrusted-users = root admin # and more\n!include nix.custom.conf");
    s.file(CUSTOM, "builders-use-substitutes = false\nextra-trusted-users = other\n");
    let Some(before) = real_nix(&s.path("etc/nix")) else {
        return println!("skipped: there is no Nix here");
    };
    assert!(!before.reads_machines());
    assert_eq!(before.trusted_users, ["root", "admin", "other"]);
    run(&s, &s.plan(&all()));
    let after = real_nix(&s.path("etc/nix")).unwrap();
    assert_eq!(after.builders.as_deref(), Some("@/etc/nix/machines"));
    assert_eq!(after.builders_use_substitutes, Some(true));
    assert_eq!(after.trusted_users, ["root", "admin", "other", "me"]);
    undo(&s.root);
    assert_eq!(real_nix(&s.path("etc/nix")).unwrap(), before);
}
