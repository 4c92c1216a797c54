//! What must hold of the editors for every text whatever. For fuzz targets; each panics where a law is broken.

use crate::root::Platform;
use crate::{block, machines as machines_file, nix_conf as conf, ssh_conf as ssh, wire};
use igloo_protocol::BuilderId;
use igloo_protocol::plan::{NixSetting, SshHost};
use std::num::NonZeroU16;

/// The laws of the editor of `nix.conf`: nothing is lost in reading, setting twice is setting once, two
/// settings commute, and removing Igloo's part gives back what was there.
pub fn nix_conf(text: &str) {
    assert_eq!(conf::parse(text).to_string(), text, "printing what was parsed");
    let (a, b) = (NixSetting::Builders, NixSetting::BuildersUseSubstitutes(true));
    let (with_a, with_b) = (conf::set(text, &a), conf::set(text, &b));
    assert_eq!(conf::set(&with_a, &a), with_a, "setting twice");
    assert_eq!(conf::set(&with_a, &b), conf::set(&with_b, &a), "setting two");
    let plain = conf::remove(text);
    assert_eq!(conf::remove(&conf::set(&with_a, &b)), plain, "removing");
    assert!(block::is_in(text) || plain == text, "removing what is not there");
    assert_eq!(conf::get(&with_a, a.name()).as_deref(), Some(conf::MACHINES), "reading what was set");
}

/// The laws of the editor of the machines file, as those of [`nix_conf`].
pub fn machines(text: &str) {
    let entry = |b: BuilderId| {
        format!("{} {} {} 4 1 - - AAAA", machines_file::uri(b), b.system(), machines_file::KEY_PATH)
    };
    let set = |text: &str, b: BuilderId| machines_file::set(text, b, &entry(b));
    let (a, x) = (BuilderId::Aarch64, BuilderId::X86_64);
    let bare = |text: &str| machines_file::remove(&machines_file::remove(text, a), x);
    let with_a = set(text, a);
    assert_eq!(set(&with_a, a), with_a, "setting twice");
    assert_eq!(set(&with_a, x), set(&set(text, x), a), "setting two");
    assert_eq!(bare(&set(&with_a, x)), bare(text), "removing");
    assert!(machines_file::has_any(text) || bare(text) == text, "removing what is not there");
    assert_eq!(machines_file::get(&with_a, a), Some(entry(a).as_str()), "reading what was set");
    let others = |text: &str| machines_file::read(&bare(text)).len();
    assert_eq!(others(&with_a), others(text), "others' entries");
}

/// The laws of the editor of `ssh_config`, as those of [`nix_conf`].
pub fn ssh_conf(text: &str) {
    let lines = |builder: BuilderId, share_connection: bool| {
        ssh::lines(Platform::Linux, &SshHost { builder, port: NonZeroU16::MIN, share_connection })
    };
    let (a, x) = (lines(BuilderId::Aarch64, false), lines(BuilderId::X86_64, true));
    let once = ssh::set(text, &a);
    assert_eq!(ssh::set(&once, &a), once, "setting twice");
    assert_eq!(ssh::set(&ssh::set(&once, &x), &a), once, "setting another in between");
    assert_eq!(ssh::remove(&once), ssh::remove(text), "removing");
    assert!(block::is_in(text) || ssh::remove(&once) == text, "removing what is not there");
    let _ = ssh::includes_folder(text);
}

/// The plan's decoder: it never panics, and what it takes comes back the same.
pub fn plan(text: &str) {
    // as the argument, and as the JSON in it, for a fuzzer seldom finds base64
    if let Ok(plan) = wire::decode(text) {
        comes_back(plan);
    }
    if let Ok(plan) = igloo_protocol::plan::Plan::from_json(text.as_bytes()) {
        comes_back(plan);
    }
}

fn comes_back(mut plan: igloo_protocol::plan::Plan) {
    plan.warnings.clear();
    if let Ok(wire) = wire::encode(&plan) {
        assert_eq!(wire::decode(&wire), Ok(plan), "the plan and what travels");
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn the_laws_hold(text in "([ -~éа\t\r]{0,20}\n?){0,6}", json in "[\\[\\]{}\":,a-z0-9_]{0,80}") {
            super::nix_conf(&text);
            super::machines(&text);
            super::ssh_conf(&text);
            super::plan(&text);
            super::plan(&json);
        }
    }
}
