//! An image of the shape of nixpkgs' builder: a blank root, a store image of a closure, four shares. Debian's files stand in
//! for NixOS: they are one store path, under an overlay on the blank root.

use super::{Home, prepared};
use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::Command,
};

/// The programs that the image names, each of which notes its calls.
const TOOLS: [(&str, &str); 4] =
    [("qemu_img", "qemu-img"), ("mkfs_ext4", "mkfs.ext4"), ("mkfs_erofs", "mkfs.erofs"), ("tar", "tar")];

/// The image, in the sandbox of a home.
pub struct Split {
    pub folder: PathBuf,
    /// What it is the closure of, as NixOS has its toplevel.
    pub toplevel: String,
    calls: PathBuf,
}

impl Split {
    /// Makes the closure with the sandbox's Nix, and the manifest over it.
    pub fn make(home: &Home) -> Split {
        let debian = prepared("IGLOO_TEST_IMAGE_X86_64");
        let folder = home.path().join("split");
        fs::create_dir(&folder).unwrap();
        let system = folder.join("system");
        fs::create_dir(&system).unwrap();
        unpack(&debian.join("root.img"), &system);
        let made = home.sandbox().sh(&script(&folder)).ok().out;
        let [system, toplevel, registration] = made.lines().collect::<Vec<_>>()[..] else {
            panic!("three paths: {made}")
        };
        let calls = folder.join("calls");
        let split = Split { toplevel: toplevel.to_owned(), calls, folder };
        split.write_tools();
        split.write_manifest(&debian, system, registration);
        split
    }

    /// The programs called since the last look, sorted.
    pub fn calls(&self) -> Vec<String> {
        let text = fs::read_to_string(&self.calls).unwrap_or_default();
        let _ = fs::remove_file(&self.calls);
        let mut calls: Vec<_> = text.lines().map(str::to_owned).collect();
        calls.sort();
        calls
    }

    fn write_tools(&self) {
        for (_, tool) in TOOLS {
            let real = match tool {
                "mkfs.erofs" => prepared("IGLOO_TEST_NIX").join(tool),
                _ => tool.into(),
            };
            let text = format!(
                "#!/bin/sh\necho {tool} >> {}\nexec {} \"$@\"\n",
                self.calls.display(),
                real.display()
            );
            let file = self.folder.join(tool);
            fs::write(&file, text).unwrap();
            fs::set_permissions(&file, fs::Permissions::from_mode(0o755)).unwrap();
        }
    }

    fn write_manifest(&self, debian: &Path, system: &str, registration: &str) {
        let text = fs::read(debian.join("manifest.json")).unwrap();
        let mut manifest: serde_json::Value = serde_json::from_slice(&text).unwrap();
        let cmdline = "console=ttyS0 panic=-1 loglevel=4 audit=0 apparmor=0 selinux=0 cryptomgr.notests";
        let tools = TOOLS.map(|(key, tool)| (key.to_owned(), format!("./{tool}").into()));
        let of_this = serde_json::json!({
            "name": "split",
            "kernel": debian.join("kernel"),
            "initrd": debian.join("initrd-split"),
            "cmdline": format!("{cmdline} init=/usr/sbin/tiny-init system={system} regInfo={registration}"),
            "root": {"kind": "blank", "label": "nixos", "fs": "ext4"},
            "store": {"paths": "store-paths", "label": "nix-store"},
            "shares": ["certs", "keys", "shared", "xchg"],
            "certs": {"tag": "certs", "file": "ca-certificates.crt"},
            "tools": serde_json::Map::from_iter(tools),
        });
        manifest.as_object_mut().unwrap().extend(of_this.as_object().unwrap().clone());
        fs::write(self.folder.join("manifest.json"), manifest.to_string()).unwrap();
    }
}

/// Debian's files, without what is mounted over at run time.
fn unpack(root: &Path, to: &Path) {
    let request = format!("rdump / {}", to.display());
    let out = Command::new("/sbin/debugfs").args(["-R", &request]).arg(root).output().unwrap();
    assert!(out.status.success(), "{out:?}");
    for folder in ["dev", "proc", "sys", "run", "lost+found"] {
        let _ = fs::remove_dir_all(to.join(folder));
    }
}

/// Makes the closure, and prints its system, its toplevel and its registration.
fn script(folder: &Path) -> String {
    format!(
        r#"set -e
        cd {}
        system=$(nix-store --add system)
        rm -rf system
        toplevel=$(nix-build --no-out-link --argstr holds $system -E '{{ holds }}: derivation {{
          name = "toplevel"; system = builtins.currentSystem; holds = builtins.storePath holds;
          builder = "/bin/sh"; args = [ "-c" "echo $holds > $out" ]; }}')
        nix-store -qR $toplevel > closure
        nix-store --dump-db $(cat closure) > registration
        registration=$(nix-store --add registration)
        cat closure > store-paths
        echo $registration >> store-paths
        echo $system; echo $toplevel; echo $registration"#,
        folder.display()
    )
}
