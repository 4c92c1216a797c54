//! Files that others change after a setup.

use crate::support::{Home, PATIENCE, wait_for};
use igloo_protocol::Setup;

fn wait_for_setup(home: &Home, what: &str, fits: impl Fn(&Setup) -> bool) -> Setup {
    wait_for(what, PATIENCE, || Some(home.builder().setup).filter(&fits))
}

#[test]
fn what_others_change_is_told_and_a_setup_puts_it_right() {
    let mut home = Home::in_sandbox();
    home.sandbox_mut().start_nix();
    home.serve();
    home.igloo(&["start"]).ok();
    wait_for_setup(&home, "no setup", |s| *s == Setup::Absent);
    assert!(home.igloo(&["status"]).ok().out.contains("`igloo setup x86_64` lets Nix build on it"));
    home.igloo(&["setup", "--yes"]).ok();
    wait_for_setup(&home, "the setup", |s| *s == Setup::InPlace);

    home.sandbox().sh("echo '# mine alone' > /etc/nix/machines").ok();
    let Setup::Drifted { files } = wait_for_setup(&home, "the drift", |s| *s != Setup::InPlace) else {
        panic!("no drift")
    };
    assert_eq!((files.len(), files[0].path.as_str()), (1, "/etc/nix/machines"));
    let status = home.igloo(&["status"]).ok().out;
    assert!(status.contains("/etc/nix/machines has no entry for linux-builder-x86_64 any more"), "{status}");
    assert_eq!(home.engine_log().matches("has no entry for").count(), 1, "it is logged once");

    home.igloo(&["setup", "--yes"]).ok();
    wait_for_setup(&home, "the setup again", |s| *s == Setup::InPlace);
    assert!(home.sandbox().read("/etc/nix/machines").starts_with("# mine alone\n"));
}
