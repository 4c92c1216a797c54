//! `Info.plist` as Tauri's bundler makes it (`tauri-bundler`, `src/bundle/macos/app.rs`): what `tauri.conf.json` says,
//! then the project's own keys over it.

use anyhow::{Context, Result};
use plist::{Dictionary, Value};
use serde_json::Value as Json;

/// What the app's category is called in `tauri.conf.json`, and by Apple.
const CATEGORY: (&str, &str) = ("DeveloperTool", "public.app-category.developer-tools");

/// Makes it.
///
/// # Errors
/// The configuration lacks something, or has a category that is not known here.
pub fn make(config: &Json, version: &str, icon: &str, own: Dictionary) -> Result<Dictionary> {
    let text = |pointer: &str| -> Result<&str> {
        let found = config.pointer(pointer).and_then(Json::as_str);
        found.with_context(|| format!("tauri.conf.json has no {pointer}"))
    };
    let category = text("/bundle/category")?;
    let category = (category == CATEGORY.0).then_some(CATEGORY.1);
    let name = text("/productName")?;
    let mut info = Dictionary::new();
    for (key, value) in [
        ("CFBundleDevelopmentRegion", "English"),
        ("CFBundleDisplayName", name),
        ("CFBundleExecutable", text("/mainBinaryName")?),
        ("CFBundleIconFile", icon),
        ("CFBundleIdentifier", text("/identifier")?),
        ("CFBundleInfoDictionaryVersion", "6.0"),
        ("CFBundleName", name),
        ("CFBundlePackageType", "APPL"),
        ("CFBundleShortVersionString", version),
        ("CFBundleVersion", version),
        ("LSApplicationCategoryType", category.context("a category that is not known here")?),
        ("LSMinimumSystemVersion", text("/bundle/macOS/minimumSystemVersion")?),
        ("NSHumanReadableCopyright", text("/bundle/copyright")?),
    ] {
        info.insert(key.to_owned(), value.into());
    }
    for key in ["CSResourcesFileMapped", "LSRequiresCarbon", "NSHighResolutionCapable"] {
        info.insert(key.to_owned(), true.into());
    }
    info.extend(own.into_iter().collect::<Vec<(String, Value)>>());
    Ok(info)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{darwin::link::app, project};

    #[test]
    fn the_app_says_what_it_is() {
        let root = project::root().unwrap();
        let info = app::info(&root).unwrap();
        let text = |key: &str| info.get(key).and_then(Value::as_string);
        assert_eq!(text("CFBundleExecutable"), Some("igloo-tray"));
        assert_eq!(text("CFBundleIdentifier"), Some("dev.igloo.app"));
        assert_eq!(text("CFBundleIconFile"), Some("icon.icns"));
        assert_eq!(text("CFBundlePackageType"), Some("APPL"));
        assert_eq!(text("LSMinimumSystemVersion"), Some("13.0"));
        assert_eq!(text("LSApplicationCategoryType"), Some("public.app-category.developer-tools"));
        assert_eq!(info.get("LSUIElement").and_then(Value::as_boolean), Some(true));
        for key in ["CFBundleShortVersionString", "CFBundleVersion"] {
            // three numbers, which is all that the key may have
            let parts: Vec<_> = text(key).unwrap().split('.').map(str::parse::<u32>).collect();
            assert!(parts.len() == 3 && parts.iter().all(Result::is_ok), "{key}: {parts:?}");
        }
    }

    #[test]
    fn our_own_keys_come_last_and_what_is_missing_is_said() {
        let config = |minimum: &str| {
            serde_json::json!({
                "productName": "A", "mainBinaryName": "a", "identifier": "b.a",
                "bundle": { "category": "DeveloperTool", "copyright": "c", "macOS": { minimum: "12.0" } },
            })
        };
        let own = Dictionary::from_iter([("CFBundleName", "Mine")]);
        let info = make(&config("minimumSystemVersion"), "1.2.3", "i.icns", own).unwrap();
        assert_eq!(info.get("CFBundleName").and_then(Value::as_string), Some("Mine"));
        assert_eq!(info.get("CFBundleDisplayName").and_then(Value::as_string), Some("A"));
        let error = make(&config("minimum"), "1.2.3", "i.icns", Dictionary::new()).unwrap_err();
        assert!(error.to_string().contains("minimumSystemVersion"), "{error}");
    }
}
