use super::*;
use serde_json::{Value, json};

fn debian() -> Value {
    json!({
        "version": 1, "name": "debian", "system": "x86_64-linux", "kernel": "kernel", "initrd": "initrd",
        "cmdline": "console=ttyS0", "root": {"kind": "base", "path": "root.img", "format": "raw"},
        "shares": ["keys"], "user": "builder",
        "keys": {"tag": "keys", "file": "builder_ed25519.pub"},
        "host_key": {"kind": "provided", "tag": "keys", "file": "ssh_host_ed25519_key"},
        "power_off": "poweroff",
        "qemu": {"program": "qemu-system-x86_64"},
    })
}

fn parse(v: &Value) -> Result<Manifest, Problem> {
    Manifest::parse(v.to_string().as_bytes(), Path::new("/img/manifest.json"))
}

/// The manifest with the value at a JSON pointer set, or removed for `None`.
fn with(pointer: &str, value: Option<Value>) -> Value {
    let mut v = debian();
    let (parent, key) = pointer.rsplit_once('/').unwrap();
    let map = v.pointer_mut(parent).unwrap().as_object_mut().unwrap();
    match value {
        Some(value) => drop(map.insert(key.into(), value)),
        None => drop(map.remove(key)),
    }
    v
}

#[test]
fn the_debian_manifest_parses_and_survives_a_round_trip() {
    let m = parse(&debian()).unwrap();
    assert_eq!(m.root, Root::Base { path: "root.img".into(), format: Format::Raw });
    assert_eq!(parse(&serde_json::to_value(&m).unwrap()).unwrap(), m);
}

#[test]
fn the_shape_of_nixpkgs_parses() {
    let mut v = debian();
    let extra = json!({
        "root": {"kind": "blank", "label": "nixos", "fs": "ext4"},
        "store": {"paths": "store-paths", "label": "nix-store"},
        "shares": ["keys", "xchg", "shared", "certs"],
        "certs": {"tag": "certs", "file": "ca-certificates.crt"},
        "host_key": {"kind": "known", "public": "ssh-ed25519 AAAA root@nixos"},
        "tools": {"mkfs_ext4": "/nix/store/e/bin/mkfs.ext4", "mkfs_erofs": "mkfs.erofs"},
        "extra_systems": ["aarch64-linux", "x86_64-linux"],
    });
    v.as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
    let m = parse(&v).unwrap();
    assert!(matches!(m.root, Root::Blank { .. }));
    assert!(m.is_read_only("keys") && m.is_read_only("certs") && !m.is_read_only("xchg"));
    assert_eq!(parse(&serde_json::to_value(&m).unwrap()).unwrap(), m);
    assert_eq!(m.systems(), [System::X86_64Linux, System::Aarch64Linux]);
}

#[test]
fn what_is_wrong_is_named_with_the_file() {
    for (pointer, value, named) in [
        ("/version", Some(json!(2)), "version is 2"),
        ("/version", Some(json!("1")), "version is \"1\""),
        ("/version", None, "`version` is missing"),
        ("/kernal", Some(json!("x")), "unknown field `kernal`"),
        ("/root/size", Some(json!(3)), "unknown field `size`"),
        ("/keys/mode", Some(json!(3)), "unknown field `mode`"),
        ("/host_key/public", Some(json!("x")), "unknown field `public`"),
        ("/qemu/machine", Some(json!("q35")), "unknown field `machine`"),
        ("/root/kind", Some(json!("nfs")), "unknown variant `nfs`"),
        ("/root/format", Some(json!("vmdk")), "unknown variant `vmdk`"),
        ("/system", Some(json!("riscv64-linux")), "unknown variant `riscv64-linux`"),
        ("/kernel", None, "missing field `kernel`"),
        ("/power_off", Some(json!(" ")), "`power_off` is empty"),
        ("/user", Some(json!("-oProxyCommand=x")), "`user`"),
        ("/shares", Some(json!(["a,b"])), "`shares`"),
        ("/shares", Some(json!(["keys", "keys"])), "twice"),
        ("/shares", Some(json!([])), "`keys.tag`"),
        ("/keys/file", Some(json!("../x")), "`keys.file`"),
        ("/host_key/tag", Some(json!("certs")), "`host_key.tag`"),
        ("/certs", Some(json!({"tag": "certs", "file": "c"})), "`certs.tag`"),
        ("/tools", Some(json!({"mkfs": "x"})), "unknown field `mkfs`"),
        ("/root", Some(json!({"kind": "blank", "label": "a b", "fs": "ext4"})), "`root.label`"),
        ("/root", Some(json!({"kind": "blank", "label": "a", "fs": "xfs"})), "`root.fs`"),
        ("/store", Some(json!({"paths": "p", "label": "sixteen-letters-"})), "`store.label`"),
    ] {
        let problem = parse(&with(pointer, value)).unwrap_err();
        assert_eq!(problem.code, Code::BadManifest);
        assert!(problem.message.contains(named), "{pointer}: {}", problem.message);
        assert!(problem.message.contains("/img/manifest.json"), "{}", problem.message);
    }
    let twice = debian().to_string().replacen('{', "{\"user\":\"root\",", 1);
    let problem = Manifest::parse(twice.as_bytes(), Path::new("m")).unwrap_err();
    assert!(problem.message.contains("duplicate field `user`"), "{}", problem.message);
    assert!(Manifest::parse(b"{ nope", Path::new("m")).is_err());
    assert!(Manifest::parse(b"[]", Path::new("m")).is_err());
}
