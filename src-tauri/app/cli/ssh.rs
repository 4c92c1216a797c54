//! `igloo ssh`

use super::{Outcome, builder, context::Context};
use igloo_engine::host::paths::{cannot, private_dir};
use igloo_protocol::{Code, Problem, SshAccess};
use std::{
    fs, io,
    os::unix::process::CommandExt,
    path::{Path, PathBuf},
    process::{self, Command},
};

/// Open a shell in a builder's guest, or run a command in it
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Which builder; the one that is enabled unless named
    #[arg(value_parser = builder::Name)]
    builder: Option<String>,
    /// The command, after `--`
    #[arg(last = true)]
    command: Vec<String>,
}

/// Becomes the host's ssh.
pub async fn run(args: Args, context: &Context) -> Outcome {
    let snapshot = context.client.snapshot().await?;
    let id = builder::pick(args.builder.as_deref(), &snapshot)?;
    let access = context.client.ssh(id).await?;
    let known_hosts = known_hosts(&context.paths.run_dir(id), &access)?;
    let error = Command::new("ssh").args(arguments(&access, &known_hosts, &args.command)).exec();
    Err(match error.kind() {
        io::ErrorKind::NotFound => {
            Problem::new(Code::MissingTool, "ssh is not installed", "install OpenSSH's client")
        }
        _ => {
            Problem::new(Code::Internal, format!("can't run ssh: {error}"), "look at ssh's file and its mode")
        }
    })
}

/// Writes the host key where only this ssh looks for it.
fn known_hosts(dir: &Path, access: &SshAccess) -> Result<PathBuf, Problem> {
    private_dir(dir)?;
    let file = dir.join("known_hosts");
    let new = dir.join(format!("known_hosts.{}", process::id()));
    fs::write(&new, format!("{} {}\n", access.alias, access.host_key))
        .map_err(|e| cannot("write", &new, &e))?;
    fs::rename(&new, &file).map_err(|e| cannot("write", &file, &e))?;
    Ok(file)
}

/// The arguments of ssh: nothing of the user's own configuration, only the guest's own host key,
/// only the builder's own key: from its file, or from the agent that has it.
fn arguments(access: &SshAccess, known_hosts: &Path, command: &[String]) -> Vec<String> {
    let mut args: Vec<String> = ["-F", "/dev/null"].map(str::to_owned).into();
    let options = [
        ("UserKnownHostsFile", quoted(known_hosts)),
        ("GlobalKnownHostsFile", "/dev/null".into()),
        ("HostKeyAlias", access.alias.clone()),
        ("StrictHostKeyChecking", "yes".into()),
        ("IdentityFile", quoted(&access.identity)),
        ("IdentitiesOnly", "yes".into()),
        ("IdentityAgent", access.agent.as_deref().map_or_else(|| "none".into(), quoted)),
        ("PasswordAuthentication", "no".into()),
        ("LogLevel", "ERROR".into()),
    ];
    for (name, value) in options {
        args.extend(["-o".to_owned(), format!("{name}={value}")]);
    }
    args.extend(["-p".to_owned(), access.port.to_string(), "-l".to_owned(), access.user.clone()]);
    args.extend(["--".to_owned(), "127.0.0.1".to_owned()]);
    args.extend(command.iter().cloned());
    args
}

/// A path as ssh_config(5) takes it: in quotes for the spaces (`Application Support`), with `%`
/// doubled as it begins a token.
fn quoted(path: &Path) -> String {
    format!("\"{}\"", path.display().to_string().replace('%', "%%"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn access() -> SshAccess {
        SshAccess {
            port: 31_099,
            user: "builder".into(),
            identity: "/Users/a/Library/Application Support/Igloo/key".into(),
            agent: None,
            alias: "linux-builder".into(),
            host_key: "ssh-ed25519 AAAA".into(),
        }
    }

    #[test]
    fn ssh_sees_only_the_builders_keys() {
        let args =
            arguments(&access(), Path::new("/r/50%/known_hosts"), &["uname".into(), "-a".into()]).join(" ");
        for part in [
            "-F /dev/null",
            "-o UserKnownHostsFile=\"/r/50%%/known_hosts\"",
            "-o HostKeyAlias=linux-builder",
            "-o StrictHostKeyChecking=yes",
            "-o IdentityFile=\"/Users/a/Library/Application Support/Igloo/key\"",
            "-o IdentitiesOnly=yes",
            "-o IdentityAgent=none",
        ] {
            assert!(args.contains(part), "{part} is not in {args}");
        }
        assert!(args.ends_with("-p 31099 -l builder -- 127.0.0.1 uname -a"), "{args}");
    }

    #[test]
    fn a_key_of_the_keychain_is_used_through_its_agent() {
        let agent = Some("/Users/a/Library/Application Support/Igloo/run/x86_64/agent.sock".into());
        let access = SshAccess { agent, identity: "/k.pub".into(), ..access() };
        let args = arguments(&access, Path::new("/k"), &[]).join(" ");
        let agent = "-o IdentityAgent=\"/Users/a/Library/Application Support/Igloo/run/x86_64/agent.sock\"";
        assert!(args.contains(agent) && args.contains("-o IdentityFile=\"/k.pub\""), "{args}");
        assert!(args.contains("-o IdentitiesOnly=yes"), "{args}");
    }

    #[test]
    fn the_host_key_is_known_under_the_alias() {
        let t = tempfile::tempdir().unwrap();
        let file = known_hosts(&t.path().join("x86_64"), &access()).unwrap();
        assert_eq!(fs::read_to_string(&file).unwrap(), "linux-builder ssh-ed25519 AAAA\n");
        assert_eq!(fs::read_dir(file.parent().unwrap()).unwrap().count(), 1);
    }
}
