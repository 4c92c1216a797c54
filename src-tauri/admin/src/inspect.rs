//! Whether this machine is set up for a builder, from files that everybody may read: how the engine notices
//! that others changed them.

use crate::machines::KEY_PATH;
use crate::root::{Root, file_path};
use crate::{block, in_force, machines, render, ssh_conf};
use igloo_protocol::plan::{ManagedFile, SshHost};
use igloo_protocol::{BuilderId, Drift, Setup};
use std::fs::File;
use std::io::Read;
use std::num::NonZeroU16;

/// The most of a file that is read, in bytes.
const MAX_FILE: u64 = 1 << 20;

/// What a builder needs of the files.
#[derive(Clone, Debug)]
pub struct Needs<'a> {
    /// Which builder.
    pub builder: BuilderId,
    /// The loopback port that it is reached on.
    pub port: NonZeroU16,
    /// The guest's host key (`ssh-ed25519 <base64>`), where it is known.
    pub host_key: Option<&'a str>,
    /// The public key that the guest lets in for root's Nix (`ssh-ed25519 <base64> …`). `None`: it was never set up.
    pub daemon_key: Option<&'a str>,
}

/// Looks at the files. Reads only, and never more than a file's first MiB.
pub fn inspect(root: &Root, needs: &Needs<'_>) -> Setup {
    let looks = [machines_line(root, needs), ssh_host(root, needs), key(root, needs), builders(root)];
    let found: Vec<Drift> = looks.into_iter().flatten().collect();
    match (needs.daemon_key, found.is_empty()) {
        (None, _) if text(root, ManagedFile::SshHost(needs.builder)).is_none() => Setup::Absent,
        (Some(_), true) => Setup::InPlace,
        (None, _) => Setup::Drifted { files: vec![not_let_in(root)] },
        (Some(_), false) => Setup::Drifted { files: found },
    }
}

fn machines_line(root: &Root, needs: &Needs<'_>) -> Option<Drift> {
    let file = ManagedFile::Machines;
    let alias = needs.builder.alias();
    let Some(text) = text(root, file) else { return drift(root, file, "is gone") };
    if machines::foreign(&text, needs.builder).is_some() {
        return drift(root, file, &format!("has an entry for {alias} that Igloo did not write"));
    }
    let Some(entry) = machines::get(&text, needs.builder) else {
        return drift(root, file, &format!("has no entry for {alias} any more"));
    };
    let pinned = entry.split_ascii_whitespace().nth(7).unwrap_or("-");
    match needs.host_key.map(render::pinned) {
        Some(expected) if pinned != expected => {
            drift(root, file, &format!("pins another host key than the guest of {alias} shows"))
        }
        _ => None,
    }
}

fn ssh_host(root: &Root, needs: &Needs<'_>) -> Option<Drift> {
    let file = ManagedFile::SshHost(needs.builder);
    let Some(text) = text(root, file) else { return drift(root, file, "is gone") };
    let as_written = |share_connection| {
        let host = SshHost { builder: needs.builder, port: needs.port, share_connection };
        block::body(&text) == Some(ssh_conf::lines(root.platform(), &host).as_str())
    };
    if as_written(false) || as_written(true) {
        return None;
    }
    if !ssh_conf::has_block(&text) {
        return drift(root, file, "has no block of Igloo's any more");
    }
    let port = needs.port;
    let how = if text.contains(&format!("\n  Port {port}\n")) {
        "has a block that others changed".to_owned()
    } else {
        format!("names another port than the builder's, {port}")
    };
    drift(root, file, &how)
}

fn key(root: &Root, needs: &Needs<'_>) -> Option<Drift> {
    let file = ManagedFile::BuilderKeyPub;
    let body = |line: &str| line.split_ascii_whitespace().nth(1).map(str::to_owned);
    let Some(text) = text(root, file) else { return drift(root, file, "is gone, and with it root's key") };
    let expected = needs.daemon_key.and_then(body);
    let other = expected.is_some() && body(&text) != expected;
    other.then(|| drift(root, file, "is another key than the guest lets in")).flatten()
}

fn builders(root: &Root) -> Option<Drift> {
    let settings = in_force::settings(root, None);
    let set = settings.get("builders").filter(|set| !in_force::names_machines(&set.value))?;
    let how = format!("sets `builders = {}`, so Nix does not read /etc/nix/machines", set.value);
    Some(Drift { path: set.file.clone(), how })
}

/// The files are there, and the guest knows no key for root: another installation of Igloo wrote them.
fn not_let_in(root: &Root) -> Drift {
    let path = file_path(root.platform(), ManagedFile::Machines);
    Drift { path, how: format!("was written, but the guest does not let {KEY_PATH} in") }
}

/// A file's text. Symlinks are followed: nothing is written here, and nix-darwin's are what Nix reads.
fn text(root: &Root, file: ManagedFile) -> Option<String> {
    let file = File::open(root.join(&file_path(root.platform(), file))).ok()?;
    let mut text = String::new();
    file.take(MAX_FILE).read_to_string(&mut text).ok().map(|_| text)
}

fn drift(root: &Root, file: ManagedFile, how: &str) -> Option<Drift> {
    Some(Drift { path: file_path(root.platform(), file), how: how.to_owned() })
}
