//! Every setting of a builder: its name, its effect, and how its value is read and written.

use super::BuilderSettings;
use crate::vm::Setting;
use igloo_protocol::Applies;
use std::path::PathBuf;
use toml_edit::{Formatted, Value};

/// One setting of a builder.
pub struct Field {
    /// Its name below `builders.<id>`.
    pub name: &'static str,
    /// What it does, for a person.
    pub effect: &'static str,
    /// When a change takes effect.
    pub applies: Applies,
    pub(super) read: fn(&BuilderSettings) -> Option<Value>,
    pub(super) write: fn(&mut BuilderSettings, &Value) -> Result<(), String>,
}

/// Every setting of a builder, in the order in which faces show them.
pub const FIELDS: &[Field] = &[
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

fn folder(v: &Value) -> Result<PathBuf, String> {
    let path = PathBuf::from(v.as_str().ok_or("must be a folder's path, in quotes")?);
    if path.is_absolute() { Ok(path) } else { Err("must be an absolute path".into()) }
}

fn accel(v: &Value) -> Result<Setting, String> {
    let known = Setting::ALL.into_iter().find(|s| v.as_str() == Some(s.as_str()));
    known.ok_or_else(|| "must be auto, hvf, kvm or tcg".into())
}
