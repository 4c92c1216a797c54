//! `igloo setup` proves itself, and its undo leaves `/etc` as it was, to the byte.

use crate::support::{Home, PATIENCE, wait_for};
use igloo_protocol::{Code, Setup};

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

#[test]
fn what_another_program_generates_is_left_to_its_user_with_the_lines_to_put_there() {
    let mut home = Home::in_sandbox();
    home.sandbox_mut().start_nix();
    // as NixOS writes it
    home.sandbox()
        .sh("sed -i '1i # WARNING: this file is generated from the nix.* options in' /etc/nix/nix.conf")
        .ok();
    let before = home.sandbox().etc();
    home.serve();
    home.igloo(&["start"]).ok();
    let refused = home.igloo(&["setup", "--yes"]).failed(Code::NotManaged);
    assert!(refused.err.contains("NixOS manages Nix"), "{}", refused.err);
    assert!(refused.out.contains("    nix.buildMachines = [\n"), "{}", refused.out);
    let shown: serde_json::Value = json(&home.igloo(&["setup", "--plan", "--json"]).ok().out);
    assert_eq!(shown["plan"]["ops"], serde_json::json!(["builder_key"]));
    assert_eq!(home.sandbox().etc(), before, "nothing was changed");

    // the key is for Igloo to make, and only then is there something to put into force
    let key = home.igloo(&["setup", "--key", "--yes"]).ok();
    assert!(key.out.contains("Nix' list has no line for linux-builder-x86_64 yet"), "{}", key.out);
    let port = home.builder().port;
    let host = format!(
        "Host linux-builder-x86_64\n  HostName 127.0.0.1\n  Port {port}\n  User builder\n  \
         HostKeyAlias linux-builder-x86_64\n  IdentityFile /etc/nix/igloo_builder_ed25519\n  IdentitiesOnly yes\n"
    );
    home.sandbox().sh(&format!(
        "echo 'ssh-ng://builder@linux-builder-x86_64 x86_64-linux /etc/nix/igloo_builder_ed25519 1 1 - - '\
         $(printf '%s\\n' '{}' | base64 -w0) > /etc/nix/machines; printf '%s' '{host}' > /etc/ssh/ssh_config.d/50-mine.conf",
        home.builder().running.unwrap().host_key,
    ))
    .ok();
    let proven = json(&home.igloo(&["setup", "--key", "--json"]).ok().out);
    assert_eq!(proven["proof"][0]["machine"], "ssh-ng://builder@linux-builder-x86_64", "{proven}");
    assert_eq!(proven["report"]["outcome"], "unchanged");
    wait_for("the engine to see that all is in place", PATIENCE, || {
        (home.builder().setup == Setup::InPlace).then_some(())
    });

    home.sandbox().sh("rm /etc/nix/machines /etc/ssh/ssh_config.d/50-mine.conf").ok();
    home.igloo(&["setup", "--undo", "--yes"]).ok();
    assert_eq!(home.sandbox().etc(), before);
}

#[test]
fn settings_of_nix_come_only_on_request_and_go_with_the_undo() {
    let mut home = Home::in_sandbox();
    home.sandbox_mut().start_nix();
    home.sandbox().sh("echo 'builders =' >> /etc/nix/nix.conf").ok();
    let before = home.sandbox().etc();
    home.serve();
    home.igloo(&["start"]).ok();
    let flags = ["setup", "--substitutes", "--trust-user-as-root", "games", "--no-proof", "--yes"];
    let said = home.igloo(&flags).ok();
    assert!(said.out.contains("as powerful as root, without a password"), "{}", said.out);
    let of = |name: &str| home.sandbox().sh(&format!("nix config show {name}")).ok().out.trim().to_owned();
    assert_eq!(of("builders-use-substitutes"), "true");
    assert_eq!(of("trusted-users"), "root games");
    assert_eq!(of("builders"), "@/etc/nix/machines", "an empty value would turn the list off");
    home.igloo(&["setup", "--trust-user-as-root", "@wheel", "--yes"]).failed(Code::Usage);
    home.igloo(&["setup", "--undo", "--yes"]).ok();
    assert_eq!(home.sandbox().etc(), before);
}

fn json(text: &str) -> serde_json::Value {
    serde_json::from_str(text).unwrap_or_else(|e| panic!("{e}: {text}"))
}
