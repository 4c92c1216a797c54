//! One of Nix' settings: what its file becomes, and the change in plain words.

use crate::in_force::{self, NIX_CONF, Settings};
use crate::nix_conf;
use crate::root::Root;
use igloo_protocol::plan::NixSetting;
use igloo_protocol::{Code, Problem};

/// The new text of the file `path`, whose text is `old`. The same where the setting is in force already, whoever
/// set it.
///
/// # Errors
/// `NotManaged` where the line would replace builders of the user's, or would have no effect.
pub(crate) fn render(root: &Root, setting: &NixSetting, path: &str, old: &str) -> Result<String, Problem> {
    let now = in_force::settings(root, Some((path, old)));
    if holds(&now, setting) && !has_other_users(old, setting) {
        return Ok(old.to_owned());
    }
    if let (NixSetting::Builders, Some(set)) = (setting, now.get("builders"))
        && !set.value.is_empty()
    {
        return Err(Problem::new(
            Code::NotManaged,
            format!(
                "{} sets `builders = {}`, which Igloo does not replace",
                set.file,
                set.value.escape_debug()
            ),
            "Add ` ; @/etc/nix/machines` to that line",
        ));
    }
    let new = nix_conf::set(old, setting);
    let then = in_force::settings(root, Some((path, &new)));
    if holds(&then, setting) { Ok(new) } else { Err(no_effect(&then, setting, path)) }
}

/// Whether Nix works as the setting says.
fn holds(settings: &Settings, setting: &NixSetting) -> bool {
    match setting {
        NixSetting::Builders => settings.reads_machines(),
        NixSetting::BuildersUseSubstitutes(wanted) => {
            let set = settings.get(setting.name()).map_or("false", |a| a.value.as_str());
            // what Nix takes for true (`src/libutil/configuration.cc`)
            matches!(set, "true" | "yes" | "1") == *wanted
        }
        NixSetting::ExtraTrustedUsers(users) => {
            let trusted = settings.list("trusted-users", &["root"]);
            users.as_slice().iter().all(|u| trusted.contains(&u.as_str())) || trusted.contains(&"*")
        }
    }
}

/// Whether Igloo's own line trusts others than those that are asked for: those have to go.
fn has_other_users(old: &str, setting: &NixSetting) -> bool {
    let users = matches!(setting, NixSetting::ExtraTrustedUsers(_));
    users && nix_conf::get(old, setting.name()).is_some_and(|line| line != nix_conf::value(setting))
}

/// The file is not read, or a later line elsewhere has the last word.
fn no_effect(then: &Settings, setting: &NixSetting, path: &str) -> Problem {
    let name = setting.name().trim_start_matches("extra-");
    let (message, remedy) = match then.get(name) {
        _ if !then.includes(path) => (
            format!("{NIX_CONF} does not include {path}, so Nix would not see what Igloo writes there"),
            format!("Add `!include {path}` at the end of {NIX_CONF}, then try again"),
        ),
        Some(set) => (
            format!(
                "{} sets `{}` after it includes {path}, so what Igloo writes there would have no effect",
                set.file,
                set.line()
            ),
            format!("Remove that line, or move it before the include in {}, then try again", set.file),
        ),
        None => (
            format!("`{}` would have no effect in {path}", setting.name()),
            format!("Look at {NIX_CONF} and what it includes"),
        ),
    };
    Problem::new(Code::NotManaged, message, remedy)
}

/// The change in plain words.
pub(crate) fn describe(setting: &NixSetting, path: &str) -> String {
    let line = format!("`{} = {}` in {path}", setting.name(), nix_conf::value(setting));
    let what = match setting {
        NixSetting::Builders => "Let Nix read the list of builders in /etc/nix/machines".to_owned(),
        NixSetting::BuildersUseSubstitutes(true) => {
            "Let builders fetch from substituters themselves what they can".into()
        }
        NixSetting::BuildersUseSubstitutes(false) => "Let builders get everything from this machine".into(),
        NixSetting::ExtraTrustedUsers(_) => format!(
            "Let {} do anything that root can: the Nix daemon obeys a trusted user, who can become root by that",
            names(setting)
        ),
    };
    format!("{what} ({line})")
}

/// What the user should know before saying yes.
pub(crate) fn warning(setting: &NixSetting) -> Option<String> {
    matches!(setting, NixSetting::ExtraTrustedUsers(_)).then(|| {
        format!(
            "{}, and every program that they run, will be as powerful as root, without a password; Igloo's builders \
             do not need it",
            names(setting)
        )
    })
}

fn names(setting: &NixSetting) -> String {
    nix_conf::value(setting).replace(' ', " and ")
}
