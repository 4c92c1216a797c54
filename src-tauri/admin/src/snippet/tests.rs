//! The snippets, to the byte. Nix itself reads them in the end-to-end tests.

use super::*;
use igloo_protocol::plan::Plan;

const KEY: &str = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJBWcxb/Blaqt1auOtE+F8QUWrUotiC5qBJ+UuEWdVCb";

fn ops(share: bool, settings: &str) -> Vec<Operation> {
    let json = format!(
        r#"{{"version":1,"files":[],"ops":["builder_key",
        {{"ssh_host":{{"builder":"aarch64","port":31022,"share_connection":{share}}}}},
        {{"machine":{{"builder":"aarch64","systems":["aarch64-linux","x86_64-linux"],"max_jobs":4,
          "features":["benchmark","big-parallel"],"host_key":"{KEY}"}}}}{settings},"restart_nix_daemon"]}}"#
    );
    Plan::from_json(json.as_bytes()).unwrap().ops
}

const SETTINGS: &str = r#",{"nix_setting":"builders"},{"nix_setting":{"builders_use_substitutes":true}},
    {"nix_setting":{"extra_trusted_users":["ann","bob"]}}"#;

const MACHINE: &str = r#"[
  {
    hostName = "linux-builder";
    protocol = "ssh-ng";
    sshUser = "builder";
    systems = [ "aarch64-linux" "x86_64-linux" ];
    sshKey = "/etc/nix/igloo_builder_ed25519";
    maxJobs = 4;
    speedFactor = 1;
    supportedFeatures = [ "benchmark" "big-parallel" ];
    mandatoryFeatures = [ ];
    publicHostKey = "c3NoLWVkMjU1MTkgQUFBQUMzTnphQzFsWkRJMU5URTVBQUFBSUpCV2N4Yi9CbGFxdDFhdU90RStGOFFVV3JVb3RpQzVxQkorVXVFV2RWQ2IK";
  }
];"#;

#[test]
fn nix_darwin() {
    let expected = format!(
        r#"nix.distributedBuilds = true;
nix.buildMachines = {MACHINE}
environment.etc."ssh/ssh_config.d/100-igloo-aarch64.conf".text = ''
  Host linux-builder
    HostName 127.0.0.1
    Port 31022
    User builder
    HostKeyAlias linux-builder
  Match originalhost linux-builder localuser root
    IdentityFile /etc/nix/igloo_builder_ed25519
    IdentitiesOnly yes
'';
"#
    );
    assert_eq!(snippet(InstallKind::NixDarwin, &ops(false, "")), expected);
}

#[test]
fn nixos() {
    let expected = format!(
        r#"nix.distributedBuilds = true;
nix.buildMachines = {MACHINE}
nix.settings.builders-use-substitutes = true;
nix.settings.extra-trusted-users = "ann bob";
programs.ssh.extraConfig = ''
  Host linux-builder
    HostName 127.0.0.1
    Port 31022
    User builder
    HostKeyAlias linux-builder
  Match originalhost linux-builder localuser root
    IdentityFile /etc/nix/igloo_builder_ed25519
    IdentitiesOnly yes
  Match originalhost linux-builder localuser root exec "test -d /var/lib/igloo/ssh"
    ControlMaster auto
    ControlPath /var/lib/igloo/ssh/%C
    ControlPersist 60
  Host *
'';
"#
    );
    assert_eq!(snippet(InstallKind::NixOs, &ops(true, SETTINGS)), expected);
}

#[test]
fn determinates_module_has_the_same_under_another_name() {
    let theirs = snippet(InstallKind::Determinate, &ops(false, SETTINGS));
    let renamed =
        theirs.replace("determinateNix.customSettings.", "nix.settings.").replace("determinateNix.", "nix.");
    assert_eq!(renamed, snippet(InstallKind::NixDarwin, &ops(false, SETTINGS)));
    assert!(theirs.starts_with("determinateNix.distributedBuilds = true;\n"), "{theirs}");
    assert!(
        theirs.contains("\ndeterminateNix.customSettings.extra-trusted-users = \"ann bob\";\n"),
        "{theirs}"
    );
}

#[test]
fn without_a_module_it_says_what_belongs_into_which_file() {
    let text = snippet(InstallKind::Official, &ops(false, SETTINGS));
    assert!(text.starts_with("# /etc/nix/machines\nssh-ng://builder@linux-builder "), "{text}");
    let conf = "\n# /etc/nix/nix.conf\nbuilders = @/etc/nix/machines\nbuilders-use-substitutes = true\n\
                extra-trusted-users = ann bob\n";
    assert!(text.contains(conf), "{text}");
    assert!(text.contains("\n# /etc/ssh/ssh_config.d/100-igloo-aarch64.conf\n# >>> Igloo"), "{text}");
}

#[test]
fn no_text_can_leave_its_string() {
    assert_eq!(string(r#"a"${b}\"#), r#""a\"\${b}\\""#);
    assert_eq!(text("a '' ${b}\nc"), "''\n  a ''' ''${b}\n  c\n''");
    assert_eq!(list(&[]), "[ ]");
}

#[test]
fn nothing_is_said_of_what_nobody_asked_for() {
    let bare = snippet(InstallKind::NixOs, &[Operation::BuilderKey, Operation::RestartNixDaemon]);
    assert_eq!(bare.trim(), "");
}
