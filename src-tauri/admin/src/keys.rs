//! The key pair with which root's Nix logs in to the builders. Made by root, kept if it is there;
//! the private half never leaves `/etc/nix`.

use crate::folder::Folder;
use crate::problem::io_failed;
use crate::root::{Root, place};
use igloo_protocol::plan::{ManagedFile, ManagedFolder};
use igloo_protocol::{Code, Problem};
use std::path::Path;
use std::process::{Command, Stdio};

const SSH_KEYGEN: &str = "/usr/bin/ssh-keygen";

/// The comment of the public key.
const COMMENT: &str = "igloo";

/// What a diff shows in place of a key's content; `None` for a file that is not a key.
pub(crate) fn note(file: ManagedFile) -> Option<&'static str> {
    match file {
        ManagedFile::BuilderKey => Some("(a new ed25519 private key, readable by root alone)\n"),
        ManagedFile::BuilderKeyPub => Some("(its public half)\n"),
        _ => None,
    }
}

/// The bytes of those halves of the pair that are missing.
pub(crate) fn missing_halves(root: &Root, folder: &Folder) -> Result<Vec<(ManagedFile, Vec<u8>)>, Problem> {
    let (private, public) = (name(ManagedFile::BuilderKey), name(ManagedFile::BuilderKeyPub));
    let Some(found) = folder.read(&private)? else { return new_pair(root, folder) };
    if found.meta.mode & 0o077 != 0 {
        return Err(Problem::new(
            Code::AdminFailed,
            format!("/etc/nix/{private} can be read by others than root, so it is no secret any more"),
            format!("Remove /etc/nix/{private}, then try again: a new one is made"),
        ));
    }
    if folder.has(&public) {
        return Ok(vec![]);
    }
    let path = path(root, &private);
    let derived = ssh_keygen(&["-y".as_ref(), "-P".as_ref(), "".as_ref(), "-f".as_ref(), path.as_ref()])?;
    Ok(vec![(ManagedFile::BuilderKeyPub, derived)])
}

/// The public key that is in place, as a line without its newline.
pub(crate) fn public_key(root: &Root) -> Result<Option<String>, Problem> {
    let found = crate::layout::read(root, ManagedFile::BuilderKeyPub)?;
    Ok(found.map(|f| String::from_utf8_lossy(&f.bytes).trim().to_owned()))
}

/// A pair made in a fresh folder that only root can enter; the folder is gone on return.
fn new_pair(root: &Root, folder: &Folder) -> Result<Vec<(ManagedFile, Vec<u8>)>, Problem> {
    let (scratch_name, scratch) = folder.make_scratch()?;
    (root.watch())("run ssh-keygen");
    let made = make_in(&path(root, &scratch_name), &scratch);
    (root.watch())("clear the scratch folder");
    scratch.empty(|_| true)?;
    folder.remove_empty(&scratch_name)?;
    made
}

fn make_in(path: &Path, scratch: &Folder) -> Result<Vec<(ManagedFile, Vec<u8>)>, Problem> {
    let key = path.join("key");
    let args = ["-q", "-t", "ed25519", "-N", "", "-C", COMMENT, "-f"].map(Path::new);
    ssh_keygen(&[&args[..], &[&key]].concat())?;
    let half = |name: &str| match scratch.read(name)? {
        Some(found) => Ok(found.bytes),
        None => Err(failed("it wrote no key")),
    };
    Ok(vec![(ManagedFile::BuilderKey, half("key")?), (ManagedFile::BuilderKeyPub, half("key.pub")?)])
}

fn ssh_keygen(args: &[&Path]) -> Result<Vec<u8>, Problem> {
    let run = Command::new(SSH_KEYGEN).args(args).env_clear().current_dir("/").stdin(Stdio::null()).output();
    match run {
        Ok(output) if output.status.success() => Ok(output.stdout),
        Ok(output) => Err(failed(String::from_utf8_lossy(&output.stderr).trim())),
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => Err(Problem::new(
            Code::MissingTool,
            format!("{SSH_KEYGEN} is not there"),
            "Install the OpenSSH client, then try again",
        )),
        Err(e) => Err(io_failed("run", SSH_KEYGEN, &e)),
    }
}

fn failed(why: &str) -> Problem {
    Problem::new(Code::AdminFailed, format!("{SSH_KEYGEN} made no key: {why}"), "Try again")
}

fn name(file: ManagedFile) -> String {
    place(file).1
}

fn path(root: &Root, name: &str) -> std::path::PathBuf {
    root.join(crate::root::folder_path(root.platform(), ManagedFolder::Nix)).join(name)
}
