//! `igloo setup` proves itself, and its undo leaves `/etc` as it was, to the byte.

use crate::support::Home;

#[test]
fn a_setup_proves_itself_and_its_undo_leaves_etc_to_the_byte() {
    there_and_back("IGLOO_TEST_NIX");
}

#[test]
fn with_the_newest_nix_too() {
    there_and_back("IGLOO_TEST_NIX_NEW");
}

fn there_and_back(nix: &str) {
    let mut home = Home::in_sandbox_with(nix);
    home.sandbox_mut().start_nix();
    let before = home.sandbox().etc();
    home.serve();
    home.igloo(&["start"]).ok();
    let set_up = home.igloo(&["setup", "--yes", "--json"]).ok();
    let said: serde_json::Value = serde_json::from_str(&set_up.out).unwrap();
    let proof = &said["proof"][0];
    assert_eq!(proof["machine"], "ssh-ng://builder@linux-builder-x86_64", "{}", set_up.out);
    assert!(proof["problem"].is_null() && said["report"]["outcome"] == "applied", "{}", set_up.out);
    assert_ne!(home.sandbox().etc(), before);

    let machines = home.sandbox().read("/etc/nix/machines");
    let features = home.builder().running.unwrap().features;
    assert!(!features.is_empty() && machines.contains(&format!(" {} - ", features.join(","))), "{machines}");

    let shown = home.igloo(&["setup", "--undo", "--plan"]).ok().out;
    assert!(shown.contains("• /etc/nix/machines\n") && shown.contains("sudo -- /"), "{shown}");
    home.igloo(&["setup", "--undo", "--yes"]).ok();
    assert_eq!(home.sandbox().etc(), before);
}
