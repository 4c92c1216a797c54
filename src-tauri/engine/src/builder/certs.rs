//! The host's certificates, which a guest that has none of its own is given so that it can fetch by HTTPS.

use crate::{files, host::paths::cannot};
use igloo_protocol::{Code, Problem};
use std::{
    ffi::OsString,
    fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
};

/// What Nix itself goes by, ahead of all others.
const VARIABLE: &str = "NIX_SSL_CERT_FILE";

/// Where hosts have them: Debian, Nix's installers, Red Hat and SUSE, macOS.
const PLACES: [&str; 6] = [
    "/etc/ssl/certs/ca-certificates.crt",
    "/nix/var/nix/profiles/default/etc/ssl/certs/ca-bundle.crt",
    "/etc/ssl/certs/ca-bundle.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
    "/etc/ssl/cert.pem",
];

/// Copies the host's certificates to `file` of a share, for every user of the guest to read. Gives what the user should
/// know where there are none: the guest works, and fetches nothing.
///
/// # Errors
/// A share that can't be written.
pub(super) fn lay_out(share: &Path, file: &str) -> Result<Option<Problem>, Problem> {
    let (bundle, warning) = find(&candidates(std::env::var_os(VARIABLE)));
    let to = share.join(file);
    let open = |path: &Path, mode| fs::set_permissions(path, fs::Permissions::from_mode(mode));
    open(share, 0o755).map_err(|e| cannot("open to the guest's users", share, &e))?;
    let Some(bundle) = bundle else { return Ok(warning) };
    if fs::read(&to).ok().as_ref() != Some(&bundle) {
        files::write(&to, &bundle).map_err(|e| cannot("write", &to, &e))?;
    }
    open(&to, 0o644).map_err(|e| cannot("open to the guest's users", &to, &e))?;
    Ok(warning)
}

fn candidates(variable: Option<OsString>) -> Vec<PathBuf> {
    variable.into_iter().map(PathBuf::from).chain(PLACES.map(PathBuf::from)).collect()
}

/// The first file that holds certificates, and a warning where there is none.
fn find(candidates: &[PathBuf]) -> (Option<Vec<u8>>, Option<Problem>) {
    let holds_some = |text: &Vec<u8>| text.windows(27).any(|part| part == b"-----BEGIN CERTIFICATE-----");
    let found = candidates.iter().find_map(|file| fs::read(file).ok().filter(holds_some));
    let warning = found.is_none().then(|| {
        let looked: Vec<_> = candidates.iter().map(|file| file.display().to_string()).collect();
        Problem::new(
            Code::BadImage,
            format!(
                "This host has no certificates for the guest, which can't fetch by HTTPS: none in {}",
                looked.join(", ")
            ),
            format!("Set {VARIABLE} to a file with certificates for the engine, then restart the builder"),
        )
    });
    (found, warning)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_file_that_holds_certificates_is_taken() {
        let dir = tempfile::tempdir().unwrap();
        let file = |name: &str, text: &str| {
            fs::write(dir.path().join(name), text).unwrap();
            dir.path().join(name)
        };
        let none = file("none", "not one\n");
        let some = file("some", "# mine\n-----BEGIN CERTIFICATE-----\n");
        let other = file("other", "-----BEGIN CERTIFICATE-----\n");
        let (found, warning) = find(&[dir.path().join("gone"), none.clone(), some.clone(), other]);
        assert_eq!((found, warning), (Some(fs::read(some).unwrap()), None));

        let (found, warning) = find(&[none]);
        assert_eq!(found, None);
        assert!(warning.unwrap().message.contains("/none"));
        assert_eq!(candidates(Some("/mine".into()))[0], Path::new("/mine"));
        assert_eq!(candidates(None).len(), PLACES.len());
    }

    #[test]
    fn every_user_of_the_guest_may_read_them() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("ca.crt");
        fs::write(&file, "old").unwrap();
        let warning = lay_out(dir.path(), "ca.crt").unwrap();
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(dir.path()), 0o755);
        // a host without certificates has the warning instead
        assert!(warning.is_some() || (mode(&file) == 0o644 && fs::read(&file).unwrap() != b"old"));
    }
}
