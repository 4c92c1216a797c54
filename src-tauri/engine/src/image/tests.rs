use super::*;
use serde_json::json;

/// A folder with a manifest and files of a few bytes.
fn folder() -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    for name in ["kernel", "root.img"] {
        fs::write(dir.path().join(name), name).unwrap();
    }
    let manifest = json!({
        "version": 1, "name": "t", "system": "x86_64-linux", "kernel": "kernel", "cmdline": "",
        "root": {"kind": "base", "path": "root.img", "format": "raw"}, "shares": ["keys"], "user": "builder",
        "keys": {"tag": "keys", "file": "k"}, "host_key": {"kind": "known", "public": "x"}, "power_off": "p",
    });
    fs::write(dir.path().join(MANIFEST), manifest.to_string()).unwrap();
    dir
}

#[test]
fn a_folder_and_its_manifest_are_the_same_image() {
    let dir = folder();
    let image = Image::open(dir.path()).unwrap();
    assert_eq!(Image::open(&dir.path().join(MANIFEST)).unwrap(), image);
    assert!(image.manifest.kernel.is_absolute());
    assert_eq!(image.qemu_program(), Path::new("qemu-system-x86_64"));
    assert_eq!(image.qemu_img(), Path::new("qemu-img"));
}

#[test]
fn a_missing_folder_is_no_image_and_a_missing_file_is_named() {
    let dir = folder();
    assert_eq!(Image::open(&dir.path().join("nope")).unwrap_err().code, Code::NoImage);

    fs::write(dir.path().join("kernel"), "").unwrap();
    let problem = Image::open(dir.path()).unwrap_err();
    assert_eq!(problem.code, Code::BadImage);
    assert!(problem.message.contains("kernel") && problem.message.contains("empty"), "{problem}");

    fs::remove_file(dir.path().join("kernel")).unwrap();
    fs::create_dir(dir.path().join("kernel")).unwrap();
    assert!(Image::open(dir.path()).unwrap_err().message.contains("not a regular file"));

    fs::remove_dir(dir.path().join("kernel")).unwrap();
    assert_eq!(Image::open(dir.path()).unwrap_err().code, Code::BadImage);

    fs::remove_file(dir.path().join(MANIFEST)).unwrap();
    assert_eq!(Image::open(dir.path()).unwrap_err().code, Code::NoImage);
}

#[test]
fn the_identity_follows_the_files() {
    let dir = folder();
    let before = Image::open(dir.path()).unwrap();
    fs::write(dir.path().join("kernel"), "another kernel").unwrap();
    let kernel = Image::open(dir.path()).unwrap();
    assert_ne!(kernel.identity(), before.identity());
    assert_eq!(kernel.base_identity(), before.base_identity());

    // same size, same time, other contents
    let base = dir.path().join("root.img");
    let time = fs::metadata(&base).unwrap().modified().unwrap();
    fs::write(&base, "Root.img").unwrap();
    fs::File::options().write(true).open(&base).unwrap().set_modified(time).unwrap();
    assert_ne!(Image::open(dir.path()).unwrap().base_identity(), before.base_identity());
}
