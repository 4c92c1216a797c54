//! How Nix is called to make an image. Pure.

use igloo_protocol::{Code, Problem, System};
use std::path::{Path, PathBuf};

/// The expression, which needs no file beside it.
const EXPRESSION: &str = include_str!("../../../nix/image.nix");

/// What is to be built.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// Where nixpkgs is from.
    pub nixpkgs: Nixpkgs,
    /// A NixOS module of the user's, by its absolute path.
    pub config: Option<PathBuf>,
    /// What the guest is.
    pub guest: System,
}

/// Where nixpkgs is from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Nixpkgs {
    /// A folder.
    Folder(PathBuf),
    /// A name in `NIX_PATH`, as in `<nixpkgs>`.
    Channel(String),
    /// A flake.
    Flake(String),
}

impl Nixpkgs {
    /// Reads what a user names: a path begins with `/`, `./` or `../`, a channel stands in `<>`, all else is a flake.
    ///
    /// # Errors
    /// [`Code::Usage`] for a folder without a nixpkgs, and for a name that Nix would not take for one.
    pub fn read(text: &str) -> Result<Nixpkgs, Problem> {
        let bad = |why: &str| {
            let remedy = "name a folder, a channel (<nixpkgs>) or a flake (github:NixOS/nixpkgs/25.11)";
            Problem::new(Code::Usage, format!("{text:?} is no nixpkgs: {why}"), remedy)
        };
        if text.starts_with(['/', '.']) {
            let folder = Path::new(text).canonicalize().map_err(|e| bad(&e.to_string()))?;
            return match folder.join("default.nix").exists() {
                true => Ok(Nixpkgs::Folder(folder)),
                false => Err(bad("the folder has no default.nix")),
            };
        }
        if let Some(name) = text.strip_prefix('<').and_then(|rest| rest.strip_suffix('>')) {
            let plain = |c: char| c.is_ascii_alphanumeric() || "-_./".contains(c);
            return match !name.is_empty() && name.chars().all(plain) {
                true => Ok(Nixpkgs::Channel(name.to_owned())),
                false => Err(bad("no channel has such a name")),
            };
        }
        if text.is_empty() || text.chars().any(|c| c.is_whitespace() || c.is_control()) {
            return Err(bad("a flake's reference has no spaces"));
        }
        Ok(Nixpkgs::Flake(text.to_owned()))
    }

    fn expression(&self) -> String {
        match self {
            Nixpkgs::Folder(path) => format!("(/. + {})", string(&path.to_string_lossy())),
            Nixpkgs::Channel(name) => format!("<{name}>"),
            Nixpkgs::Flake(reference) => format!("(builtins.getFlake {}).outPath", string(reference)),
        }
    }
}

/// The arguments of `nix-build`; `link` is to point to the image and keeps it from being collected.
pub(super) fn arguments(request: &Request, link: &Path) -> Vec<String> {
    let config = request
        .config
        .as_ref()
        .map_or_else(|| "null".to_owned(), |path| format!("(/. + {})", string(&path.to_string_lossy())));
    let expression = format!(
        "({EXPRESSION}) {{ nixpkgs = {}; guest = {}; config = {config}; }}",
        request.nixpkgs.expression(),
        string(request.guest.as_str())
    );
    let link = link.to_string_lossy().into_owned();
    // flakes are needed for a reference alone, and are off where the user has not chosen them
    let words = ["--log-format", "internal-json", "--extra-experimental-features", "flakes", "--out-link"];
    words.into_iter().map(str::to_owned).chain([link, "--expr".into(), expression]).collect()
}

/// A text as a string of Nix.
fn string(text: &str) -> String {
    let escaped = text.replace('\\', "\\\\").replace('"', "\\\"").replace("${", "\\${");
    format!("\"{escaped}\"")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_kind_of_name_is_known() {
        let dir = tempfile::tempdir().unwrap();
        let text = dir.path().to_str().unwrap();
        assert!(Nixpkgs::read(text).unwrap_err().message.contains("default.nix"));
        std::fs::write(dir.path().join("default.nix"), "").unwrap();
        assert_eq!(Nixpkgs::read(text).unwrap(), Nixpkgs::Folder(dir.path().canonicalize().unwrap()));
        assert_eq!(Nixpkgs::read("<nixpkgs>").unwrap(), Nixpkgs::Channel("nixpkgs".into()));
        assert_eq!(Nixpkgs::read("nixpkgs").unwrap(), Nixpkgs::Flake("nixpkgs".into()));
        for bad in ["", "<>", "<a b>", "a b", "/nonexistent"] {
            assert_eq!(Nixpkgs::read(bad).unwrap_err().code, Code::Usage, "{bad:?}");
        }
    }

    #[test]
    fn names_stay_names_in_the_expression() {
        let request = Request {
            nixpkgs: Nixpkgs::Flake("a\"b${c}\\".into()),
            config: Some("/my \"config\".nix".into()),
            guest: System::Aarch64Linux,
        };
        let arguments = arguments(&request, Path::new("/s/l"));
        let (expression, options) = arguments.split_last().unwrap();
        insta::assert_snapshot!(options.join(" "), @"--log-format internal-json --extra-experimental-features flakes --out-link /s/l --expr");
        let call = expression.strip_prefix(&format!("({EXPRESSION}) ")).unwrap();
        insta::assert_snapshot!(call, @r#"{ nixpkgs = (builtins.getFlake "a\"b\${c}\\").outPath; guest = "aarch64-linux"; config = (/. + "/my \"config\".nix"); }"#);
    }
}
