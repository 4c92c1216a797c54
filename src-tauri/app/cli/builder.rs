//! Which builder a command means.

use clap::{
    Arg, Command,
    builder::{PossibleValue, TypedValueParser},
};
use igloo_protocol::{BuilderId, BuilderView, Code, Problem, Snapshot, UnknownBuilder};
use std::ffi::OsStr;

/// The name of a builder as an argument. Takes any text, so that a wrong name ends with the exit
/// code that says so; completions know the right ones.
#[derive(Clone, Debug)]
pub struct Name;

impl TypedValueParser for Name {
    type Value = String;

    fn parse_ref(&self, _: &Command, _: Option<&Arg>, value: &OsStr) -> Result<String, clap::Error> {
        Ok(value.to_string_lossy().into_owned())
    }

    fn possible_values(&self) -> Option<Box<dyn Iterator<Item = PossibleValue> + '_>> {
        Some(Box::new(BuilderId::ALL.into_iter().map(|b| PossibleValue::new(b.as_str()))))
    }
}

/// The builder with this name.
///
/// # Errors
/// [`Code::UnknownBuilder`]
pub fn named(name: &str) -> Result<BuilderId, Problem> {
    name.parse()
        .map_err(|e: UnknownBuilder| Problem::new(Code::UnknownBuilder, e.to_string(), "name one of them"))
}

/// The builder that is named, else the only one that is enabled.
///
/// # Errors
/// [`Code::UnknownBuilder`] for a wrong name, [`Code::Usage`] where one must be named,
/// [`Code::Disabled`] where none is enabled.
pub fn pick(name: Option<&str>, snapshot: &Snapshot) -> Result<BuilderId, Problem> {
    if let Some(name) = name {
        return named(name);
    }
    let enabled: Vec<_> = snapshot.builders.iter().filter(|b| b.enabled).map(|b| b.id).collect();
    match enabled[..] {
        [only] => Ok(only),
        [] => Err(Problem::new(
            Code::Disabled,
            "no builder is enabled",
            format!("enable one: `igloo settings set builders.{}.enabled true`", BuilderId::native()),
        )),
        _ => {
            let names: Vec<_> = enabled.iter().map(|b| b.as_str()).collect();
            Err(Problem::new(
                Code::Usage,
                format!("{} builders are enabled: {}", names.len(), names.join(" and ")),
                format!("name the one you mean, for example {}", names[0]),
            ))
        }
    }
}

/// What the snapshot says of a builder.
///
/// # Errors
/// [`Code::EngineFailed`] where it says nothing.
pub fn view(id: BuilderId, snapshot: &Snapshot) -> Result<&BuilderView, Problem> {
    snapshot.builder(id).ok_or_else(|| {
        Problem::new(
            Code::EngineFailed,
            format!("the engine says nothing of {id}"),
            "use the igloo that belongs to the engine",
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::tests::snapshot;

    #[test]
    fn the_only_enabled_one_is_meant() {
        let mut s = snapshot();
        assert_eq!(pick(None, &s), Ok(BuilderId::X86_64));
        assert_eq!(pick(Some("aarch64"), &s), Ok(BuilderId::Aarch64));
        assert_eq!(pick(Some("riscv"), &s).unwrap_err().code, Code::UnknownBuilder);
        s.builders.iter_mut().for_each(|b| b.enabled = true);
        let both = pick(None, &s).unwrap_err();
        assert_eq!(
            (both.code, both.message.as_str()),
            (Code::Usage, "2 builders are enabled: aarch64 and x86_64")
        );
        s.builders.iter_mut().for_each(|b| b.enabled = false);
        assert_eq!(pick(None, &s).unwrap_err().code, Code::Disabled);
    }
}
