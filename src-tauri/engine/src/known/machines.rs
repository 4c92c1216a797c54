//! Why none of the machines that Nix knows may build a derivation: which column does not fit.
//!
//! Nix prints what it needs and what there is (`src/build-remote/build-remote.cc`):
//!
//! ```text
//! Failed to find a machine for remote build!
//! derivation: 88qrwkzq7mbl3smsirgc5kg8b5fly475-x.drv
//! required (system, features): (aarch64-linux, [kvm])
//! 1 available machines:
//! (systems, maxjobs, supportedFeatures, mandatoryFeatures)
//! ([aarch64-linux, x86_64-linux], 4, [benchmark, big-parallel], [])
//! ```

use igloo_protocol::{Code, Problem};

/// What a derivation needs.
#[derive(Debug, PartialEq)]
struct Need<'a> {
    system: &'a str,
    features: Vec<&'a str>,
}

/// A machine as Nix tells of it.
#[derive(Debug, PartialEq)]
struct Machine<'a> {
    systems: Vec<&'a str>,
    supported: Vec<&'a str>,
    mandatory: Vec<&'a str>,
}

/// What does not fit; `None` where the text does not have it.
pub(super) fn explain(text: &str) -> Option<Problem> {
    let need = text.lines().find_map(need)?;
    let machines: Vec<_> = text.lines().filter_map(machine).collect();
    Some(compare(&need, &machines))
}

fn compare(need: &Need<'_>, machines: &[Machine<'_>]) -> Problem {
    let system = need.system;
    if machines.is_empty() {
        let message = format!("Nix knows no machine at all, and this needs one for {system}");
        return Problem::new(
            Code::NotManaged,
            message,
            "Run `igloo setup`, or look at `builders` in `nix config show`",
        );
    }
    let for_system: Vec<_> = machines.iter().filter(|m| m.systems.contains(&system)).collect();
    if for_system.is_empty() {
        return Problem::new(
            Code::WrongSystem,
            format!("none of the {} machines that Nix knows builds for {system}", machines.len()),
            format!("Enable and start a builder for {system}, then run `igloo setup` for it"),
        );
    }
    let missing = |m: &Machine<'_>| -> Vec<String> {
        let lacks = |f: &&&str| !m.supported.contains(*f) && !m.mandatory.contains(*f);
        need.features.iter().filter(lacks).map(|f| (*f).to_owned()).collect()
    };
    if let Some(least) = for_system.iter().map(|m| missing(m)).min_by_key(Vec::len)
        && !least.is_empty()
    {
        return lacking(system, &least);
    }
    let unwanted = |m: &&&Machine<'_>| m.mandatory.iter().any(|f| !need.features.contains(f));
    if for_system.iter().filter(|m| missing(m).is_empty()).all(|m| unwanted(&m)) {
        let message = format!(
            "the machines for {system} are kept for builds with features that this one does not ask for"
        );
        return Problem::new(Code::WrongSystem, message, "Look at the seventh column of /etc/nix/machines");
    }
    Problem::new(
        Code::GuestUnreachable,
        format!("a machine for {system} fits, but Nix could not use it"),
        "Look at what Nix said before about its connection, and at `igloo status`",
    )
}

fn lacking(system: &str, features: &[String]) -> Problem {
    let which = features.join(" and ");
    let remedy = if features.iter().any(|f| f == "kvm") {
        "A guest has `kvm` only where the host's processor can give it: build this elsewhere, or leave the feature out"
    } else {
        "Give the guest's Nix that in `system-features`, then run `igloo setup` again"
    };
    Problem::new(
        Code::WrongSystem,
        format!("no machine for {system} has the feature {which}, which this needs"),
        remedy,
    )
}

fn need(line: &str) -> Option<Need<'_>> {
    let rest = line.trim().strip_prefix("required (system, features): (")?.strip_suffix(')')?;
    let (system, features) = rest.split_once(", [")?;
    Some(Need { system, features: list(features.strip_suffix(']')?) })
}

fn machine(line: &str) -> Option<Machine<'_>> {
    let rest = line.trim().strip_prefix("([")?.strip_suffix("])")?;
    let (systems, rest) = rest.split_once("], ")?;
    let (_jobs, rest) = rest.split_once(", [")?;
    let (supported, mandatory) = rest.split_once("], [")?;
    Some(Machine { systems: list(systems), supported: list(supported), mandatory: list(mandatory) })
}

fn list(text: &str) -> Vec<&str> {
    text.split(", ").filter(|word| !word.is_empty()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(required: &str, machines: &[&str]) -> String {
        let head = format!(
            "x\nrequired (system, features): {required}\n2 available machines:\n(systems, maxjobs, supportedFeatures, mandatoryFeatures)\n"
        );
        explain(&(head + &machines.join("\n"))).unwrap().message
    }

    #[test]
    fn the_column_that_does_not_fit_is_named() {
        let both = "([aarch64-linux, x86_64-linux], 4, [benchmark, big-parallel], [])";
        for (required, machines, part) in [
            ("(aarch64-linux, [kvm])", &[both][..], "no machine for aarch64-linux has the feature kvm"),
            ("(aarch64-linux, [])", &[], "no machine at all"),
            (
                "(riscv64-linux, [])",
                &[both, both],
                "none of the 2 machines that Nix knows builds for riscv64-linux",
            ),
            ("(x86_64-linux, [big-parallel])", &[both], "fits, but Nix could not use it"),
            ("(x86_64-linux, [])", &["([x86_64-linux], 1, [gpu], [gpu])"], "kept for builds with features"),
            ("(x86_64-linux, [gpu])", &["([x86_64-linux], 1, [], [gpu])"], "fits"),
            // the machine that lacks the least is the one to mend
            (
                "(x86_64-linux, [a, b])",
                &["([x86_64-linux], 1, [], [])", "([x86_64-linux], 1, [a], [])"],
                "feature b,",
            ),
        ] {
            let said = said(required, machines);
            assert!(said.contains(part), "{required}: {said}");
        }
        assert_eq!(explain("Failed to find a machine for remote build!"), None);
        assert_eq!(explain("required (system, features): nonsense"), None);
    }
}
