//! Programs of others that are needed, and where to get them.

use super::accel::Os;
use igloo_protocol::{Code, Problem};
use std::{
    env, io,
    path::{Path, PathBuf},
};

/// The problem of a program that could not be run.
pub fn cannot_run(program: &Path, e: &io::Error) -> Problem {
    if e.kind() == io::ErrorKind::NotFound {
        return missing(program, if env::consts::OS == "macos" { Os::Macos } else { Os::Linux });
    }
    Problem::new(
        Code::MissingTool,
        format!("{} can't be run: {e}", program.display()),
        "Look at the program's permissions, or install it again",
    )
}

/// The problem of a program that is not installed.
pub fn missing(program: &Path, os: Os) -> Problem {
    let name = program.file_name().unwrap_or_default().to_string_lossy();
    // by Debian's, nixpkgs' and Homebrew's names
    let (debian, nixpkgs, brew) = match &*name {
        "mkfs.ext4" | "e2fsck" | "resize2fs" => ("e2fsprogs", "e2fsprogs", "e2fsprogs"),
        "mkfs.erofs" => ("erofs-utils", "erofs-utils", "erofs-utils"),
        "tar" => ("tar", "gnutar", "gnu-tar"),
        "qemu-img" => ("qemu-utils", "qemu", "qemu"),
        "qemu-system-aarch64" => ("qemu-system-arm", "qemu", "qemu"),
        _ => ("qemu-system-x86", "qemu", "qemu"),
    };
    let remedy = match os {
        Os::Linux => {
            format!("Install it: `apt install {debian}`, or `nix profile install nixpkgs#{nixpkgs}`")
        }
        Os::Macos => format!("Install it: `nix profile install nixpkgs#{nixpkgs}`, or `brew install {brew}`"),
    };
    Problem::new(Code::MissingTool, format!("{} is not installed", program.display()), remedy)
}

/// Where a program is: a path as it is, a bare name by `PATH`. `None` if it is not there.
pub fn find(program: &Path) -> Option<PathBuf> {
    if program.components().count() > 1 {
        return program.is_file().then(|| program.to_owned());
    }
    env::split_paths(&env::var_os("PATH")?).map(|dir| dir.join(program)).find(|p| p.is_file())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_remedy_names_the_package() {
        let p = missing(Path::new("qemu-img"), Os::Linux);
        assert_eq!(p.code, Code::MissingTool);
        assert!(p.remedy.contains("qemu-utils"));
        assert!(missing(Path::new("/x/qemu-system-aarch64"), Os::Linux).remedy.contains("qemu-system-arm"));
        assert!(missing(Path::new("qemu-img"), Os::Macos).remedy.contains("nixpkgs#qemu"));
        assert!(missing(Path::new("/x/mkfs.erofs"), Os::Macos).remedy.contains("nixpkgs#erofs-utils"));
        assert!(missing(Path::new("mkfs.ext4"), Os::Linux).remedy.contains("apt install e2fsprogs"));
    }

    #[test]
    fn programs_are_found_by_path_and_by_name() {
        assert_eq!(find(Path::new("/bin/sh")), Some("/bin/sh".into()));
        assert!(find(Path::new("sh")).is_some());
        assert_eq!(find(Path::new("/nonexistent/sh")), None);
        assert_eq!(find(Path::new("no-such-program-here")), None);
    }
}
