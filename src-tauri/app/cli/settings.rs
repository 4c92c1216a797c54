//! `igloo settings`

use super::{Outcome, context::Context, print};
use crate::toml_text;
use clap::Subcommand;
use igloo_protocol::{Code, Command, Problem, SettingView, SettingsPatch};

/// Show or change the settings
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    verb: Option<Verb>,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Show every setting (what `igloo settings` does)
    List,
    /// Print the value of a setting
    Get {
        /// The setting's dotted name
        key: String,
    },
    /// Change a setting
    Set {
        /// The setting's dotted name
        key: String,
        /// The new value
        #[arg(allow_hyphen_values = true)]
        value: String,
    },
    /// Go back to a setting's default
    Unset {
        /// The setting's dotted name
        key: String,
    },
    /// Print where the settings file is
    Path,
}

/// Shows or changes settings.
pub async fn run(args: Args, context: &Context) -> Outcome {
    match args.verb.unwrap_or(Verb::List) {
        Verb::List => list(context).await,
        Verb::Get { key } => get(&key, context).await,
        Verb::Set { key, value } => change(key, Some(toml_text::value(&value)), context).await,
        Verb::Unset { key } => change(key, None, context).await,
        Verb::Path => path(context),
    }
}

async fn list(context: &Context) -> Outcome {
    let settings = context.client.settings().await?;
    if context.json {
        return print::json(&settings);
    }
    let lines: Vec<_> = settings.iter().map(entry).collect();
    print::out(&lines.join("\n"))
}

async fn get(key: &str, context: &Context) -> Outcome {
    let view = one(key, context).await?;
    if context.json { print::json(&view) } else { print::out(&toml_text::plain(value(&view))) }
}

async fn change(key: String, value: Option<String>, context: &Context) -> Outcome {
    let patch = SettingsPatch { set: vec![(key.clone(), value)] };
    context.client.command(&Command::Settings { patch }).await?;
    let view = one(&key, context).await?;
    if context.json {
        return print::json(&view);
    }
    print::out(&format!("{} = {}, takes effect {}", key, self::value(&view), view.applies.describe()))
}

fn path(context: &Context) -> Outcome {
    let path = context.paths.settings_file();
    if context.json { print::json(&path) } else { print::out(&path.display().to_string()) }
}

async fn one(key: &str, context: &Context) -> Result<SettingView, Problem> {
    let settings = context.client.settings().await?;
    settings.into_iter().find(|s| s.key == key).ok_or_else(|| {
        Problem::new(
            Code::BadSettings,
            format!("no setting is called {key:?}"),
            "look the names up with `igloo settings`",
        )
    })
}

fn value(view: &SettingView) -> &str {
    view.value.as_deref().unwrap_or("(none)")
}

fn entry(view: &SettingView) -> String {
    let origin = match &view.default {
        _ if !view.set => "default".to_owned(),
        Some(default) => format!("default {default}"),
        None => "no default".to_owned(),
    };
    let assignment = format!("{} = {}", view.key, value(view));
    format!("{assignment:<44} {origin}\n    {}; {}", view.effect, view.applies.describe())
}

#[cfg(test)]
mod tests {
    use super::*;
    use igloo_protocol::Applies;

    #[test]
    fn a_setting_shows_its_value_and_where_it_comes_from() {
        let mut view = SettingView {
            key: "builders.x86_64.cores".into(),
            value: Some("4".into()),
            default: Some("2".into()),
            set: true,
            effect: "Virtual processors".into(),
            applies: Applies::NextStart,
        };
        let cores = "builders.x86_64.cores = 4                    default 2\n    Virtual processors; at the next start";
        assert_eq!(entry(&view), cores);
        (view.set, view.value) = (false, None);
        assert!(entry(&view).starts_with("builders.x86_64.cores = (none) "));
        assert!(entry(&view).contains(" default\n"));
    }
}
