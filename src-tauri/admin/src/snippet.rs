//! What to put into a configuration that is not Igloo's to change: the same as a plan would do, in the
//! words of the program that owns the place.

use crate::render::machine_entry;
use crate::root::{Platform, file_path};
use crate::{nix_conf, ssh_conf};
use igloo_protocol::InstallKind;
use igloo_protocol::plan::{Machine, ManagedFile, NixSetting, Operation, SshHost};

/// The lines for the user's own configuration by which its owner does what `ops` ask for. They are
/// attributes of a module of nix-darwin, NixOS or Determinate's module for nix-darwin; for all others what
/// belongs into which file. The key pair and the daemon's restart have no line: the first is no
/// configuration, and the second is done by the owner.
pub fn snippet(kind: InstallKind, ops: &[Operation]) -> String {
    match Dialect::of(kind) {
        Some(dialect) => dialect.module(ops),
        None => files(ops),
    }
}

/// How an owner says it.
struct Dialect {
    /// Under which option it keeps Nix: <https://nix-darwin.github.io/nix-darwin/manual>,
    /// <https://search.nixos.org/options>, and `modules/nix-darwin` of DeterminateSystems/determinate.
    nix: &'static str,
    /// The option that takes settings of `nix.conf`.
    settings: &'static str,
    platform: Platform,
}

impl Dialect {
    fn of(kind: InstallKind) -> Option<Dialect> {
        let (nix, settings, platform) = match kind {
            InstallKind::NixDarwin => ("nix", "nix.settings", Platform::MacOs),
            InstallKind::NixOs => ("nix", "nix.settings", Platform::Linux),
            InstallKind::Determinate => ("determinateNix", "determinateNix.customSettings", Platform::MacOs),
            InstallKind::None
            | InstallKind::Official
            | InstallKind::NixInstaller
            | InstallKind::Lix
            | InstallKind::Debian => return None,
        };
        Some(Dialect { nix, settings, platform })
    }

    fn module(&self, ops: &[Operation]) -> String {
        let machines: Vec<_> = ops.iter().filter_map(machine).map(build_machine).collect();
        let mut lines = Vec::new();
        if !machines.is_empty() {
            lines.push(format!("{}.distributedBuilds = true;", self.nix));
            lines.push(format!("{}.buildMachines = [\n{}\n];", self.nix, machines.join("\n")));
        }
        lines.extend(ops.iter().filter_map(setting).filter_map(|s| self.setting(s)));
        lines.extend(self.ssh(ops));
        lines.join("\n") + "\n"
    }

    /// `builders` has no line: `distributedBuilds` sees to it.
    fn setting(&self, setting: &NixSetting) -> Option<String> {
        let value = match setting {
            NixSetting::Builders => return None,
            NixSetting::BuildersUseSubstitutes(_) => nix_conf::value(setting),
            // a list would become JSON in Determinate's file
            NixSetting::ExtraTrustedUsers(_) => string(&nix_conf::value(setting)),
        };
        Some(format!("{}.{} = {value};", self.settings, setting.name()))
    }

    fn ssh(&self, ops: &[Operation]) -> Vec<String> {
        let hosts: Vec<_> = ops.iter().filter_map(host).collect();
        match self.platform {
            // as nix-darwin's own linux-builder does it, which works with every version
            Platform::MacOs => hosts
                .iter()
                .map(|host| {
                    let path = file_path(self.platform, ManagedFile::SshHost(host.builder));
                    let name = path.trim_start_matches("/etc/");
                    format!("environment.etc.{}.text = {};", string(name), text(&self.host(host)))
                })
                .collect(),
            // NixOS' ssh reads no folder. What other modules add after it is for all hosts again
            Platform::Linux if hosts.is_empty() => Vec::new(),
            Platform::Linux => {
                let blocks: String = hosts.iter().map(|host| self.host(host)).collect();
                vec![format!("programs.ssh.extraConfig = {};", text(&format!("{blocks}Host *\n")))]
            }
        }
    }

    /// Igloo's block without its marks, which are for Igloo.
    fn host(&self, host: &SshHost) -> String {
        ssh_file(self.platform, host).split_inclusive('\n').filter(|line| !line.starts_with('#')).collect()
    }
}

fn machine(op: &Operation) -> Option<&Machine> {
    if let Operation::Machine(machine) = op { Some(machine) } else { None }
}

fn host(op: &Operation) -> Option<&SshHost> {
    if let Operation::SshHost(host) = op { Some(host) } else { None }
}

fn setting(op: &Operation) -> Option<&NixSetting> {
    if let Operation::NixSetting(setting) = op { Some(setting) } else { None }
}

/// The columns of the machine's entry, under the names that nixpkgs has for them.
fn build_machine(machine: &Machine) -> String {
    let entry = machine_entry(machine);
    let mut columns = entry.split(' ');
    let mut next = || columns.next().unwrap_or_default();
    let (protocol, place) = next().split_once("://").unwrap_or_default();
    let (user, host) = place.split_once('@').unwrap_or_default();
    let words = |column: &str| list(&column.split(',').filter(|word| *word != "-").collect::<Vec<_>>());
    [
        "  {".into(),
        format!("    hostName = {};", string(host)),
        format!("    protocol = {};", string(protocol)),
        format!("    sshUser = {};", string(user)),
        format!("    systems = {};", words(next())),
        format!("    sshKey = {};", string(next())),
        format!("    maxJobs = {};", next()),
        format!("    speedFactor = {};", next()),
        format!("    supportedFeatures = {};", words(next())),
        format!("    mandatoryFeatures = {};", words(next())),
        format!("    publicHostKey = {};", string(next())),
        "  }".into(),
    ]
    .join("\n")
}

/// The text of a new file for the alias.
fn ssh_file(platform: Platform, host: &SshHost) -> String {
    ssh_conf::set("", &ssh_conf::lines(platform, host))
}

/// A string of the Nix language.
fn string(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\"").replace("${", "\\${"))
}

/// A list of strings.
fn list(words: &[&str]) -> String {
    let words: String = words.iter().map(|w| format!("{} ", string(w))).collect();
    format!("[ {words}]")
}

/// A text of several lines, as an indented string.
fn text(text: &str) -> String {
    let escaped = text.replace("''", "'''").replace("${", "''${");
    let lines: String = escaped.lines().map(|line| format!("  {line}\n")).collect();
    format!("''\n{lines}''")
}

/// What belongs into which file.
fn files(ops: &[Operation]) -> String {
    let platform = Platform::current();
    let mut parts = Vec::new();
    let mut part = |file, text: &str| parts.push(format!("# {}\n{text}", file_path(platform, file)));
    let machines: Vec<_> = ops.iter().filter_map(machine).map(|m| machine_entry(m) + "\n").collect();
    if !machines.is_empty() {
        part(ManagedFile::Machines, &machines.concat());
    }
    let settings: Vec<_> = ops.iter().filter_map(setting).map(nix_conf::line).collect();
    if !settings.is_empty() {
        part(ManagedFile::NixConf, &settings.concat());
    }
    for host in ops.iter().filter_map(host) {
        part(ManagedFile::SshHost(host.builder), &ssh_file(platform, host));
    }
    parts.join("\n")
}

#[cfg(test)]
mod tests;
