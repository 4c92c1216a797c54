//! Whether this machine is set up for a builder, from files that everybody may read: how the engine notices
//! that others changed them.

use crate::installation::Survey;
use crate::machines::{self, Entry, KEY_PATH};
use crate::root::{Root, file_path};
use crate::{block, in_force, look, obstacles, render, ssh_conf};
use igloo_protocol::plan::{ManagedFile, SshHost};
use igloo_protocol::{Drift, Needs, Setup};
use std::num::NonZeroU16;

/// Looks at the files. Reads only, and never more than a file's first MiB.
pub fn inspect(root: &Root, needs: &Needs) -> Setup {
    let Some(port) = NonZeroU16::new(needs.port) else { return Setup::Unknown };
    let looks = [machines_line(root, needs), ssh_host(root, needs, port), key(root, needs), builders(root)];
    let found: Vec<Drift> = looks.into_iter().flatten().collect();
    match (&needs.daemon_key, found.is_empty()) {
        (None, _) if text(root, ManagedFile::SshHost(needs.builder)).is_none() => Setup::Absent,
        (Some(_), true) => Setup::InPlace,
        (None, _) => Setup::Drifted { files: vec![not_let_in(root)] },
        (Some(_), false) => Setup::Drifted { files: found },
    }
}

fn machines_line(root: &Root, needs: &Needs) -> Option<Drift> {
    let file = ManagedFile::Machines;
    let alias = needs.builder.alias();
    let Some(text) = text(root, file) else { return drift(root, file, "is gone") };
    if machines::foreign(&text, needs.builder).is_some() {
        return drift(root, file, &format!("has an entry for {alias} that Igloo did not write"));
    }
    let Some(entry) = machines::get(&text, needs.builder) else {
        return drift(root, file, &format!("has no entry for {alias} any more"));
    };
    let pinned = match machines::read(entry).first() {
        Some(Entry::Machine(columns)) => columns.host_key,
        _ => None,
    };
    match needs.host_key.as_deref().map(render::pinned) {
        Some(expected) if pinned != Some(&expected) => {
            drift(root, file, &format!("pins another host key than the guest of {alias} shows"))
        }
        _ => None,
    }
}

fn ssh_host(root: &Root, needs: &Needs, port: NonZeroU16) -> Option<Drift> {
    let file = ManagedFile::SshHost(needs.builder);
    // where another program writes ssh's files, its block has neither Igloo's marks nor a place that is known
    if Survey::of(root).machines.is_err() {
        let alias = needs.builder.alias();
        let known = obstacles::alias_elsewhere(root, needs.builder).is_some();
        return if known { None } else { drift(root, file, &format!("is gone, and ssh knows no {alias}")) };
    }
    let Some(text) = text(root, file) else { return drift(root, file, "is gone") };
    let as_written = |share_connection| {
        let host = SshHost { builder: needs.builder, port, share_connection };
        block::body(&text) == Some(ssh_conf::lines(root.platform(), &host).as_str())
    };
    if as_written(false) || as_written(true) {
        return None;
    }
    if !block::is_in(&text) {
        return drift(root, file, "has no block of Igloo's any more");
    }
    let how = if text.contains(&format!("\n  Port {port}\n")) {
        "has a block that others changed".to_owned()
    } else {
        format!("names another port than the builder's, {port}")
    };
    drift(root, file, &how)
}

fn key(root: &Root, needs: &Needs) -> Option<Drift> {
    let file = ManagedFile::BuilderKeyPub;
    let body = |line: &str| line.split_ascii_whitespace().nth(1).map(str::to_owned);
    let Some(text) = text(root, file) else { return drift(root, file, "is gone, and with it root's key") };
    let expected = needs.daemon_key.as_deref().and_then(body);
    let other = expected.is_some() && body(&text) != expected;
    other.then(|| drift(root, file, "is another key than the guest lets in")).flatten()
}

fn builders(root: &Root) -> Option<Drift> {
    let settings = in_force::settings(root, None);
    let set = settings.get("builders").filter(|_| !settings.reads_machines())?;
    let how = format!("sets `{}`, so Nix does not read /etc/nix/machines", set.line());
    Some(Drift { path: set.file.clone(), how })
}

/// The files are there, and the guest knows no key for root: another installation of Igloo wrote them.
fn not_let_in(root: &Root) -> Drift {
    let path = file_path(root.platform(), ManagedFile::Machines);
    Drift { path, how: format!("was written, but the guest does not let {KEY_PATH} in") }
}

fn text(root: &Root, file: ManagedFile) -> Option<String> {
    look::text(root, &file_path(root.platform(), file))
}

fn drift(root: &Root, file: ManagedFile, how: &str) -> Option<Drift> {
    Some(Drift { path: file_path(root.platform(), file), how: how.to_owned() })
}
