//! The command line's `igloo`, as the app finds it.

use igloo_admin::elevate::shell_line;
use std::{
    ffi::OsStr,
    path::{Path, PathBuf},
};

/// The `igloo` that lies beside this program.
pub fn beside() -> PathBuf {
    let exe = std::env::current_exe().and_then(|exe| exe.canonicalize());
    exe.map_or_else(|_| "igloo".into(), |exe| exe.with_file_name("igloo"))
}

/// How a shell with this `PATH` calls it: by its name where that leads to it.
pub fn in_shell(program: &Path, path: &OsStr) -> String {
    let name = program.file_name().unwrap_or_default();
    let same = |found: PathBuf| found.canonicalize().ok() == program.canonicalize().ok();
    let first = std::env::split_paths(path).map(|dir| dir.join(name)).find(|p| p.is_file());
    let word = if first.is_some_and(same) { name.to_owned() } else { program.as_os_str().to_owned() };
    shell_line(&[word])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_named_where_the_name_leads_to_it() {
        let (a, b) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let program = b.path().join("igloo");
        std::fs::write(&program, "").unwrap();
        let path = std::env::join_paths([a.path(), b.path()]).unwrap();
        assert_eq!(in_shell(&program, &path), "igloo");
        // another of that name comes first
        std::fs::write(a.path().join("igloo"), "").unwrap();
        assert_eq!(in_shell(&program, &path), program.to_str().unwrap());
        assert_eq!(in_shell(Path::new("/opt/my igloo/igloo"), OsStr::new("")), "'/opt/my igloo/igloo'");
    }
}
