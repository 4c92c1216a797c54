//! What stands in for Apple's SDK at the link: for every library of the system that may be asked for, a stub with its
//! install name and no symbols. Those of the C library come with zig, with all that it has.

use anyhow::{Context, Result, bail};
use std::{fs, path::Path};

/// The libraries, a line each.
pub const LIBRARIES: &str = include_str!("../../../darwin/system-libraries.txt");

/// Names by which the C library is asked for.
const LIBSYSTEM: [&str; 5] = ["System", "c", "dl", "m", "pthread"];

/// Fills `dir`; `libsystem` is the stub of the C library.
///
/// # Errors
/// A line of the list makes no sense, or a file can't be written.
pub fn make(dir: &Path, libsystem: &Path) -> Result<()> {
    for library in libraries(LIBRARIES)? {
        write(&dir.join(library.place), &stub(&library.install_name))?;
    }
    let libsystem = fs::read_to_string(libsystem).context("zig has no stub of the C library")?;
    LIBSYSTEM.iter().try_for_each(|name| write(&dir.join(format!("usr/lib/lib{name}.tbd")), &libsystem))
}

fn write(file: &Path, text: &str) -> Result<()> {
    fs::create_dir_all(file.parent().context("a stub is in a folder")?)?;
    fs::write(file, text).with_context(|| format!("writing {}", file.display()))
}

#[derive(Debug, PartialEq, Eq)]
struct Library {
    /// The stub's place below the SDK.
    place: String,
    /// What a program that is linked against it names.
    install_name: String,
}

fn libraries(list: &str) -> Result<Vec<Library>> {
    list.lines().filter(|line| !line.starts_with('#')).map(library).collect()
}

fn library(line: &str) -> Result<Library> {
    match line.split_whitespace().collect::<Vec<_>>()[..] {
        ["framework", name, version] => {
            let folder = format!("System/Library/Frameworks/{name}.framework");
            let install_name = format!("/{folder}/Versions/{version}/{name}");
            Ok(Library { place: format!("{folder}/{name}.tbd"), install_name })
        }
        ["library", name, path] => {
            Ok(Library { place: format!("usr/lib/lib{name}.tbd"), install_name: path.to_owned() })
        }
        _ => bail!("not a library of the system: {line:?}"),
    }
}

/// Version 4 of the format (<https://github.com/apple-oss-distributions/tapi>, docs/TBD.rst).
fn stub(install_name: &str) -> String {
    format!(
        "--- !tapi-tbd\ntbd-version: 4\ntargets: [ x86_64-macos, arm64-macos ]\n\
         install-name: '{install_name}'\ncurrent-version: 1\n...\n"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_library_of_the_list_is_the_systems() {
        let libraries = libraries(LIBRARIES).unwrap();
        for Library { place, install_name } in &libraries {
            let of_system = ["/usr/lib/", "/System/Library/"].iter().any(|dir| install_name.starts_with(dir));
            assert!(of_system && place.ends_with(".tbd"), "{place}: {install_name}");
        }
        assert!(libraries.contains(&library("framework AppKit C").unwrap()));
    }

    #[test]
    fn a_framework_is_where_the_linker_looks_and_names_its_version() {
        let foundation = library("framework Foundation C").unwrap();
        assert_eq!(foundation.place, "System/Library/Frameworks/Foundation.framework/Foundation.tbd");
        assert_eq!(
            foundation.install_name,
            "/System/Library/Frameworks/Foundation.framework/Versions/C/Foundation"
        );
        assert!(library("framework Foundation").is_err());
    }

    #[test]
    fn the_c_library_has_each_of_its_names() {
        let dir = tempfile::tempdir().unwrap();
        let libsystem = dir.path().join("libSystem.tbd");
        fs::write(&libsystem, "all of it").unwrap();
        make(&dir.path().join("sdk"), &libsystem).unwrap();
        for name in LIBSYSTEM {
            let stub = fs::read_to_string(dir.path().join(format!("sdk/usr/lib/lib{name}.tbd"))).unwrap();
            assert_eq!(stub, "all of it");
        }
        let objc = fs::read_to_string(dir.path().join("sdk/usr/lib/libobjc.tbd")).unwrap();
        assert!(objc.contains("install-name: '/usr/lib/libobjc.A.dylib'"), "{objc}");
    }
}
