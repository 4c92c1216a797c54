//! A guest whose root is a blank disk and whose store is an image of a closure, as nixpkgs' builder is.

use crate::support::{Home, Split};

/// Reads its input, and tells the guest from the host.
const BUILD: &str =
    "cat $input > $out; read -r host < /proc/sys/kernel/hostname; echo built on $host >> $out";

fn home() -> (Home, Split) {
    let mut home = Home::in_sandbox();
    home.sandbox_mut().start_nix();
    home.serve();
    let split = Split::make(&home);
    home.igloo(&["image", "use", &split.folder.to_string_lossy()]).ok();
    (home, split)
}

#[test]
fn a_guest_of_the_shape_of_nixpkgs_builds_a_derivation() {
    let (home, split) = home();
    home.igloo(&["start"]).ok();
    home.in_guest(
        "grep -q '^overlay / overlay ' /proc/mounts && grep -q ' /nix/store overlay ' /proc/mounts",
    )
    .ok();
    let shares =
        home.in_guest("grep -c ' 9p ' /proc/mounts; head -c 1000000 /mnt/certs/ca-certificates.crt").ok().out;
    assert!(shares.starts_with("4\n") && shares.contains("BEGIN CERTIFICATE"), "{}", shares.len());

    // what is in the store image is valid in the guest, so an input of it is not sent
    home.in_guest(&format!("nix-store --check-validity {}", split.toplevel)).ok();
    home.igloo(&["setup", "--yes"]).ok();
    let expression = format!(
        "derivation {{ name = \"input\"; system = \"x86_64-linux\"; input = builtins.storePath \"{}\"; \
         builder = \"/bin/sh\"; PATH = \"/usr/bin:/bin\"; args = [ \"-c\" \"{BUILD}\" ]; }}",
        split.toplevel
    );
    let built = home.sandbox().nix_build(&expression).ok();
    let json: serde_json::Value = serde_json::from_str(&built.out).unwrap();
    let text = home.sandbox().read(json[0]["outputs"]["out"].as_str().unwrap());
    assert!(text.ends_with("-system\nbuilt on igloo-x86-64\n"), "{text}");
    home.igloo(&["stop"]).ok();
    home.assert_nothing_left();
}

#[test]
fn a_start_with_what_was_made_before_runs_no_tar_and_no_mkfs() {
    let (home, split) = home();
    home.igloo(&["start"]).ok();
    let mut calls = split.calls();
    calls.retain(|call| call != "qemu-img");
    assert_eq!(calls, ["mkfs.erofs", "mkfs.ext4", "tar"], "the first start makes both");
    home.in_guest("echo mine > kept && sync").ok();

    home.igloo(&["restart"]).ok();
    home.in_guest("grep -q mine kept").ok();
    home.igloo(&["ephemeral", "x86_64", "on"]).ok();
    home.igloo(&["restart"]).ok();
    home.in_guest("test ! -e kept").ok();
    home.igloo(&["ephemeral", "x86_64", "off"]).ok();
    home.igloo(&["reset", "x86_64", "--yes"]).ok();
    home.igloo(&["restart"]).ok();
    home.in_guest("test ! -e kept").ok();
    let calls = split.calls();
    assert!(!calls.is_empty() && calls.iter().all(|call| call == "qemu-img"), "{calls:?}");
}
