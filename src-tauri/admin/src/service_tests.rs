use super::*;
use std::fs;

#[test]
fn the_commands_are_exactly_these() {
    assert_eq!(print_command().join(" "), "/bin/launchctl print system/org.nixos.linux-builder");
    assert_eq!(boot_out_command().join(" "), "/bin/launchctl bootout system/org.nixos.linux-builder");
    assert_eq!(
        start_commands().map(|c| c.join(" ")),
        [
            "/bin/launchctl enable system/org.nixos.linux-builder",
            "/bin/launchctl bootstrap system /Library/LaunchDaemons/org.nixos.linux-builder.plist",
        ]
    );
    assert_eq!(
        power_off_command(PORT).join(" "),
        "/usr/bin/ssh -F /dev/null -T -a -x -i /etc/nix/builder_ed25519 -l builder -p 31022 -o BatchMode=yes \
         -o IdentitiesOnly=yes -o IdentityAgent=none -o PreferredAuthentications=publickey -o StrictHostKeyChecking=no \
         -o UserKnownHostsFile=/dev/null -o GlobalKnownHostsFile=/dev/null -o ConnectTimeout=5 -o ServerAliveInterval=5 \
         -o LogLevel=ERROR -- 127.0.0.1 shutdown now"
    );
}

#[test]
fn ssh_takes_every_option() {
    let mut command = power_off_command(PORT);
    // only says what it would do
    command.insert(1, "-G".into());
    let output = std::process::Command::new(&command[0]).args(&command[1..]).output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout).to_lowercase();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    for line in [
        "hostname 127.0.0.1",
        "user builder",
        "port 31022",
        "batchmode yes",
        "forwardagent no",
        "forwardx11 no",
    ] {
        assert!(said.lines().any(|l| l == line), "{line} is not in {said}");
    }
}

#[test]
fn the_port_is_a_number_or_the_usual_one() {
    let dir = tempfile::tempdir().unwrap();
    let root = Root::for_tests(dir.path(), Platform::MacOs, 0, 0);
    let folder = dir.path().join("private/etc/ssh/ssh_config.d");
    fs::create_dir_all(&folder).unwrap();
    assert_eq!(port(&root), PORT);
    for (text, expected) in [
        ("Host linux-builder\n  Hostname localhost\n  Port 31050\n", 31050),
        ("  Port 31050 -oProxyCommand=id\n", 31022),
        ("  Port -1\n", 31022),
        ("  Port 0\n", 31022),
        ("  Port 65536\n", 31022),
        ("  Port 22\n  Port 23\n", 22),
        ("", 31022),
    ] {
        fs::write(folder.join("100-linux-builder.conf"), text).unwrap();
        assert_eq!(port(&root), expected, "{text:?}");
    }
}

#[test]
fn the_folder_is_one_of_two() {
    let job = |value: &str| format!("<key>WorkingDirectory</key>\n\t<string>{value}</string>");
    for (value, folder) in [
        ("/var/lib/linux-builder", Some("/var/lib/linux-builder")),
        ("/var/lib/linux-builder/", Some("/var/lib/linux-builder")),
        ("/var/lib/darwin-builder", Some("/var/lib/darwin-builder")),
        ("/var/lib/linux-builder/../../../etc", None),
        ("/Users/me", None),
        ("", None),
    ] {
        assert_eq!(working_directory(&job(value)), folder, "{value}");
    }
    for text in
        ["", "bplist00", "<key>WorkingDirectory</key><true/>", "<key>WorkingDirectory</key><string>/var/lib"]
    {
        assert_eq!(working_directory(text), None, "{text}");
    }
}

#[test]
fn the_process_is_the_jobs_own() {
    let printed = "system/org.nixos.linux-builder = {\n\tstate = running\n\tpid = 812\n\t\tpid = 1\n}\n";
    assert_eq!(pid(printed), Some(812));
    assert_eq!(pid("x = {\n\tchannel = {\n\t\tpid = 1\n\t}\n}\n"), None);
    assert_eq!(pid("\tpid = many\n"), None);
}
