//! What each operation touches, and the new text that it makes of the old.

use crate::installation::Survey;
use crate::machines::{self, KEY_PATH};
use crate::obstacles::{MACHINES, taken};
use crate::root::{Platform, Root, file_path};
use crate::{service, setting, ssh_conf};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use igloo_protocol::Problem;
use igloo_protocol::plan::{Count, Machine, ManagedFile, ManagedFolder, Operation, Plan, SshHost};

/// The files that an operation writes, or rests on. Which one carries settings is for the installation to say; none where
/// [`check_free`](crate::layout::check_free) refuses.
pub(crate) fn files(survey: &Survey, op: &Operation) -> Vec<ManagedFile> {
    match op {
        Operation::BuilderKey => vec![ManagedFile::BuilderKey, ManagedFile::BuilderKeyPub],
        Operation::SshHost(host) => vec![ManagedFile::SshHost(host.builder)],
        Operation::Machine(_) => vec![ManagedFile::Machines],
        Operation::NixSetting(_) => survey.settings.iter().copied().collect(),
        Operation::RestartNixDaemon => vec![],
        Operation::LinuxBuilderService(_) => vec![ManagedFile::LinuxBuilderJob],
    }
}

/// The folders that an operation needs, and makes where they are missing.
pub(crate) fn folders(op: &Operation) -> &'static [ManagedFolder] {
    match op {
        Operation::BuilderKey | Operation::Machine(_) | Operation::NixSetting(_) => &[ManagedFolder::Nix],
        Operation::SshHost(host) if host.share_connection => {
            &[ManagedFolder::SshConfig, ManagedFolder::SshControl]
        }
        Operation::SshHost(_) => &[ManagedFolder::SshConfig],
        Operation::RestartNixDaemon | Operation::LinuxBuilderService(_) => &[],
    }
}

/// The new text of the one file that an operation writes; `None` for those that write no text of a form known
/// beforehand (the key) or no file.
pub(crate) fn render(
    root: &Root,
    op: &Operation,
    file: ManagedFile,
    old: &str,
) -> Result<Option<String>, Problem> {
    match op {
        Operation::SshHost(host) => render_ssh(root.platform(), host, old).map(Some),
        Operation::Machine(machine) => render_machines(machine, old).map(Some),
        Operation::NixSetting(setting) => {
            setting::render(root, setting, &file_path(root.platform(), file), old).map(Some)
        }
        Operation::BuilderKey | Operation::RestartNixDaemon | Operation::LinuxBuilderService(_) => Ok(None),
    }
}

fn render_ssh(platform: Platform, host: &SshHost, old: &str) -> Result<String, Problem> {
    Ok(ssh_conf::set(old, &ssh_conf::lines(platform, host)))
}

fn render_machines(machine: &Machine, old: &str) -> Result<String, Problem> {
    if let Some(entry) = machines::foreign(old, machine.builder) {
        return Err(taken(MACHINES, machine.builder, entry));
    }
    Ok(machines::set(old, machine.builder, &machine_entry(machine)))
}

/// A builder's entry: URI, systems, key, jobs, speed, features, mandatory features (none), host key.
/// The host key is the base64 of the public key file's line, as Nix's manual makes it.
pub(crate) fn machine_entry(machine: &Machine) -> String {
    let list = |words: Vec<&str>| if words.is_empty() { "-".to_owned() } else { words.join(",") };
    let systems = list(machine.systems.as_slice().iter().map(|s| s.as_str()).collect());
    let features = list(machine.features.as_slice().iter().map(|f| f.as_str()).collect());
    let host_key = pinned(machine.host_key.as_str());
    format!(
        "{} {systems} {KEY_PATH} {} {} {features} - {host_key}",
        machines::uri(machine.builder),
        machine.max_jobs,
        machine.speed_factor.unwrap_or(Count::ONE),
    )
}

/// A host key (`ssh-ed25519 <base64>`) as a machines entry's last column has it.
pub(crate) fn pinned(host_key: &str) -> String {
    STANDARD.encode(format!("{host_key}\n"))
}

/// An operation of `plan` in plain words.
pub(crate) fn describe(plan: &Plan, op: &Operation) -> String {
    match op {
        Operation::BuilderKey => format!(
            "Make the key pair {KEY_PATH} (and .pub) with which root's Nix logs in to the builders; \
             kept if it is there, readable by root alone"
        ),
        Operation::SshHost(host) => format!(
            "Let ssh know the builder as `{}`: port {} of this machine (in /etc/ssh/ssh_config.d/100-igloo-{}.conf)",
            host.builder.alias(),
            host.port,
            host.builder
        ),
        Operation::Machine(machine) => {
            let systems: Vec<_> = machine.systems.as_slice().iter().map(|s| s.as_str()).collect();
            format!(
                "Let Nix build {} on `{}`, up to {} builds at a time (in /etc/nix/machines)",
                systems.join(" and "),
                machine.builder.alias(),
                machine.max_jobs
            )
        }
        Operation::NixSetting(setting) => setting::describe(setting, settings_path(plan)),
        Operation::RestartNixDaemon => "Restart the Nix daemon; builds that run now are stopped".into(),
        Operation::LinuxBuilderService(action) => service::describe(*action).into(),
    }
}

/// The file that a plan writes settings to.
fn settings_path(plan: &Plan) -> &'static str {
    let custom = plan.files.iter().any(|f| f.file == ManagedFile::NixCustomConf);
    if custom { "/etc/nix/nix.custom.conf" } else { "/etc/nix/nix.conf" }
}

#[cfg(test)]
mod tests {
    use super::*;
    use igloo_protocol::Code;

    fn rendered(op: &Operation, old: &str) -> Result<Option<String>, Problem> {
        render(&Root::for_tests("/none", Platform::Linux, 0, 0), op, ManagedFile::Machines, old)
    }

    #[test]
    fn the_machines_line_is_the_one_that_nix_darwin_writes_but_for_key_and_comment() {
        let json = r#"{"version":1,"files":[],"ops":[{"machine":{"builder":"aarch64","systems":["aarch64-linux","x86_64-linux"],
            "max_jobs":4,"features":["benchmark","big-parallel"],
            "host_key":"ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJBWcxb/Blaqt1auOtE+F8QUWrUotiC5qBJ+UuEWdVCb"}}]}"#;
        let plan = Plan::from_json(json.as_bytes()).unwrap();
        let text = rendered(&plan.ops[0], "").unwrap().unwrap();
        assert_eq!(
            text,
            "ssh-ng://builder@linux-builder aarch64-linux,x86_64-linux /etc/nix/igloo_builder_ed25519 4 1 \
             benchmark,big-parallel - c3NoLWVkMjU1MTkgQUFBQUMzTnphQzFsWkRJMU5URTVBQUFBSUpCV2N4Yi9CbGFxdDFhdU90RStG\
             OFFVV3JVb3RpQzVxQkorVXVFV2RWQ2IK\n"
        );
    }

    #[test]
    fn an_entry_of_another_program_for_the_alias_is_refused() {
        let json = r#"{"version":1,"files":[],"ops":[{"machine":{"builder":"x86_64","systems":["x86_64-linux"],
            "max_jobs":1,"speed_factor":2,"features":[],
            "host_key":"ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJBWcxb/Blaqt1auOtE+F8QUWrUotiC5qBJ+UuEWdVCb"}}]}"#;
        let plan = Plan::from_json(json.as_bytes()).unwrap();
        let Err(problem) = rendered(&plan.ops[0], "ssh://linux-builder-x86_64 - k\n") else {
            panic!("not refused");
        };
        assert_eq!(problem.code, Code::NotManaged);
        let alone = rendered(&plan.ops[0], "").unwrap().unwrap();
        assert!(alone.contains(" 1 2 - - "), "{alone}");
    }
}
