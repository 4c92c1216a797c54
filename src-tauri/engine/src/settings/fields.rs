//! Every setting: its name, its effect, and how its value is read and written.

use super::{BuilderSettings, General};
use crate::vm::Setting;
use igloo_protocol::Applies;
use std::path::PathBuf;
use toml_edit::{Formatted, Value};

/// One setting of an `S`.
pub struct Field<S: 'static> {
    /// Its name: below `builders.<id>` for one of a builder's, from the top of the file for the others.
    pub name: &'static str,
    /// What it does, for a person.
    pub effect: &'static str,
    /// When a change takes effect.
    pub applies: Applies,
    pub(super) read: fn(&S) -> Option<Value>,
    pub(super) write: fn(&mut S, &Value) -> Result<(), String>,
}

/// Every setting of a builder, in the order in which faces show them.
pub const BUILDER: &[Field<BuilderSettings>] = &[
    Field {
        name: "enabled",
        effect: "whether the builder is there at all",
        applies: Applies::Now,
        read: |b| Some(b.enabled.into()),
        write: |b, v| boolean(v).map(|on| b.enabled = on),
    },
    Field {
        name: "image",
        effect: "the folder of the image that the builder boots",
        applies: Applies::NextStart,
        read: |b| b.image.as_ref().map(|p| p.display().to_string().into()),
        write: |b, v| folder(v).map(|path| b.image = Some(path)),
    },
    Field {
        name: "cores",
        effect: "virtual processors",
        applies: Applies::NextStart,
        read: |b| Some(i64::from(b.cores).into()),
        write: |b, v| number(v, 1, 256).map(|n| b.cores = n as u32),
    },
    Field {
        name: "memory",
        effect: "memory in MiB (4096 is 4 GiB)",
        applies: Applies::NextStart,
        read: |b| Some((b.memory_mib as i64).into()),
        write: |b, v| number(v, 256, 1 << 22).map(|n| b.memory_mib = n),
    },
    Field {
        name: "disk",
        effect: "size of the disk in GiB; it grows and never shrinks",
        applies: Applies::NextStart,
        read: |b| Some((b.disk_gib as i64).into()),
        write: |b, v| number(v, 1, 1 << 14).map(|n| b.disk_gib = n),
    },
    Field {
        name: "ephemeral",
        effect: "whether a start writes to a throwaway disk and leaves the persistent one alone",
        applies: Applies::NextStart,
        read: |b| Some(b.ephemeral.into()),
        write: |b, v| boolean(v).map(|on| b.ephemeral = on),
    },
    Field {
        name: "port",
        effect: "the loopback port that Nix connects to",
        applies: Applies::Now,
        read: |b| Some(i64::from(b.port).into()),
        write: |b, v| number(v, 1, u64::from(u16::MAX)).map(|n| b.port = n as u16),
    },
    Field {
        name: "accel",
        effect: "how the guest's processor is run: auto, hvf, kvm or tcg",
        applies: Applies::NextStart,
        read: |b| Some(b.accel.as_str().into()),
        write: |b, v| accel(v).map(|a| b.accel = a),
    },
];

/// Every setting that is not a builder's, in the order in which faces show them.
pub const GENERAL: &[Field<General>] = &[
    Field {
        name: "open_at_login",
        effect: "whether Igloo opens when you log in",
        applies: Applies::Now,
        read: |g| Some(g.open_at_login.into()),
        write: |g, v| boolean(v).map(|on| g.open_at_login = on),
    },
    Field {
        name: "stop_on_battery",
        effect: "whether builders are stopped, once their builds end, when this machine goes on battery",
        applies: Applies::Now,
        read: |g| Some(g.stop_on_battery.into()),
        write: |g, v| boolean(v).map(|on| g.stop_on_battery = on),
    },
    Field {
        name: "terminal",
        effect: "the terminal that a builder is opened in; the first that is found unless named",
        applies: Applies::Now,
        read: |g| g.terminal.as_ref().map(|t| t.clone().into()),
        write: |g, v| name(v).map(|t| g.terminal = Some(t)),
    },
    Field {
        name: "nixpkgs",
        effect: "the nixpkgs that images are built of: a flake, a folder, or a channel in <>",
        applies: Applies::Now,
        read: |g| Some(g.nixpkgs.clone().into()),
        write: |g, v| name(v).map(|n| g.nixpkgs = n),
    },
    Field {
        name: "keychain",
        effect: "whether the key that logs in to a builder is kept in the keychain, where there is one",
        applies: Applies::NextStart,
        read: |g| Some(g.keychain.into()),
        write: |g, v| boolean(v).map(|on| g.keychain = on),
    },
    Field {
        name: "notify.build_failed",
        effect: "whether a build that fails in a builder is notified",
        applies: Applies::Now,
        read: |g| Some(g.notify.build_failed.into()),
        write: |g, v| boolean(v).map(|on| g.notify.build_failed = on),
    },
    Field {
        name: "notify.builder_failed",
        effect: "whether a builder that fails is notified, with its cause",
        applies: Applies::Now,
        read: |g| Some(g.notify.builder_failed.into()),
        write: |g, v| boolean(v).map(|on| g.notify.builder_failed = on),
    },
    Field {
        name: "notify.disk_nearly_full",
        effect: "whether a builder's disk that is nearly full is notified",
        applies: Applies::Now,
        read: |g| Some(g.notify.disk_nearly_full.into()),
        write: |g, v| boolean(v).map(|on| g.notify.disk_nearly_full = on),
    },
];

/// A value given as text: TOML where it is TOML, else the text itself.
pub(super) fn from_text(text: &str) -> Value {
    text.parse().unwrap_or_else(|_| Value::String(Formatted::new(text.to_owned())))
}

fn boolean(v: &Value) -> Result<bool, String> {
    match v.as_str() {
        Some("on") => Ok(true),
        Some("off") => Ok(false),
        _ => v.as_bool().ok_or_else(|| "must be true or false".into()),
    }
}

fn number(v: &Value, min: u64, max: u64) -> Result<u64, String> {
    let wrong = || format!("must be a whole number from {min} to {max}");
    let n = v.as_integer().and_then(|n| u64::try_from(n).ok()).ok_or_else(wrong)?;
    if (min..=max).contains(&n) { Ok(n) } else { Err(wrong()) }
}

fn name(v: &Value) -> Result<String, String> {
    let text = v.as_str().ok_or("must be a name, in quotes")?;
    if text.is_empty() || text.chars().any(char::is_control) {
        Err("must be a name".into())
    } else {
        Ok(text.into())
    }
}

fn folder(v: &Value) -> Result<PathBuf, String> {
    let path = PathBuf::from(v.as_str().ok_or("must be a folder's path, in quotes")?);
    if path.is_absolute() { Ok(path) } else { Err("must be an absolute path".into()) }
}

fn accel(v: &Value) -> Result<Setting, String> {
    let known = Setting::ALL.into_iter().find(|s| v.as_str() == Some(s.as_str()));
    known.ok_or_else(|| "must be auto, hvf, kvm or tcg".into())
}
