//! Images whose root is blank and whose store is an image of its own, as nixpkgs' are.

use crate::support::{Bench, names, soon};
use igloo_engine::{
    image::{Disk, Stores},
    vm::{Hypervisor, MachineSpec},
};
use igloo_protocol::{Code, Problem};
use serde_json::json;
use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::Command,
};

const GIB: u64 = 1 << 30;

/// A program beside the Nix that `cargo xtask test` prepares.
fn prepared(program: &str) -> PathBuf {
    let nix = std::env::var_os("IGLOO_TEST_NIX");
    PathBuf::from(nix.expect("IGLOO_TEST_NIX is not set: run `cargo xtask test --only unit`")).join(program)
}

/// A bench whose image is of two paths, and whose programs write down each call of them.
fn bench() -> Bench {
    let bench = Bench::with(|m| {
        m["root"] = json!({"kind": "blank", "label": "nixos", "fs": "ext4"});
        m["store"] = json!({"paths": "store-paths", "label": "nix-store"});
        m["tools"] = json!({"qemu_img": "./qemu-img", "mkfs_ext4": "./mkfs.ext4", "mkfs_erofs": "./mkfs.erofs", "tar": "./tar"});
    });
    for (tool, real) in [
        ("qemu-img", "qemu-img".into()),
        ("mkfs.ext4", "mkfs.ext4".into()),
        ("mkfs.erofs", prepared("mkfs.erofs")),
        ("tar", "tar".into()),
    ] {
        set_tool(&bench, tool, &format!("exec {} \"$@\"", real.display()));
    }
    let store = bench.path("nix/store");
    fs::create_dir_all(store.join("a-tool/bin")).unwrap();
    fs::write(store.join("a-tool/bin/tool"), "hello").unwrap();
    std::os::unix::fs::symlink("/nix/store/a-tool", store.join("b-link")).unwrap();
    fs::write(bench.path("image/store-paths"), format!("{0}/a-tool\n{0}/b-link\n", store.display())).unwrap();
    bench
}

/// Lets a tool of the image note its call, and then do this.
fn set_tool(bench: &Bench, name: &str, script: &str) {
    let file = bench.path("image").join(name);
    let text = format!("#!/bin/sh\necho {name} >> {}\n{script}\n", bench.path("calls").display());
    fs::write(&file, text).unwrap();
    fs::set_permissions(&file, fs::Permissions::from_mode(0o755)).unwrap();
}

/// The programs called since the last look, without `qemu-img`.
fn makers(bench: &Bench) -> Vec<String> {
    let calls = fs::read_to_string(bench.path("calls")).unwrap_or_default();
    let _ = fs::remove_file(bench.path("calls"));
    let mut makers: Vec<_> = calls.lines().filter(|call| *call != "qemu-img").map(str::to_owned).collect();
    makers.sort();
    makers
}

async fn store(bench: &Bench) -> Result<PathBuf, Problem> {
    let made = Stores::new(&bench.path("cache")).ensure(&bench.image()).await?;
    Ok(made.expect("the image needs a store image"))
}

async fn disk(bench: &Bench, gib: u64, ephemeral: bool, reset: bool) -> Result<Disk, Problem> {
    bench.disks().prepare(&bench.image(), gib, ephemeral, reset).await
}

fn run(program: &Path, args: &[&str], file: &Path) -> String {
    let out = Command::new(program).args(args).arg(file).output().unwrap();
    assert!(out.status.success(), "{out:?}");
    String::from_utf8_lossy(&out.stdout).into_owned()
}

/// What mkfs.ext4 said of itself in the file system on a disk.
fn label(bench: &Bench, disk: &Path) -> String {
    let raw = bench.path("raw");
    run(Path::new("qemu-img"), &["convert", "-f", "qcow2", "-O", "raw", &disk.to_string_lossy()], &raw);
    run(Path::new("/sbin/e2fsck"), &["-fn"], &raw);
    run(Path::new("/sbin/e2label"), &[], &raw).trim().to_owned()
}

#[tokio::test]
async fn a_store_image_is_made_once_and_holds_the_paths() {
    let bench = bench();
    let made = store(&bench).await.unwrap();
    assert_eq!(makers(&bench), ["mkfs.erofs", "tar"]);
    let folder = made.parent().unwrap();
    let stamp = fs::metadata(&made).unwrap().modified().unwrap();
    assert_eq!(store(&bench).await.unwrap(), made);
    assert_eq!(makers(&bench), Vec::<String>::new());
    assert_eq!(fs::metadata(&made).unwrap().modified().unwrap(), stamp);
    assert_eq!(names(folder).len(), 2, "the image and the lock: {:?}", names(folder));

    // the bench's store is below its own folder, and only `/nix/store/` is taken off
    let tool = format!("{}a-tool/bin/tool", bench.dir.path().display());
    let dump = run(&prepared("dump.erofs"), &["--cat", &format!("--path={tool}")], &made);
    assert_eq!(dump, "hello");
}

#[tokio::test]
async fn makers_of_one_store_image_at_once_make_it_once() {
    let bench = bench();
    let (a, b) = tokio::join!(store(&bench), store(&bench));
    assert_eq!(a.unwrap(), b.unwrap());
    assert_eq!(makers(&bench), ["mkfs.erofs", "tar"]);
}

#[tokio::test]
async fn a_damaged_store_image_is_made_anew() {
    let bench = bench();
    let made = store(&bench).await.unwrap();
    fs::File::options().write(true).open(&made).unwrap().set_len(2048).unwrap();
    makers(&bench);
    store(&bench).await.unwrap();
    assert_eq!(makers(&bench), ["mkfs.erofs", "tar"]);
    assert!(fs::metadata(&made).unwrap().len() > 2048);
}

#[tokio::test]
async fn a_program_that_fails_is_named_and_leaves_nothing() {
    for (tool, script, code, says) in [
        ("tar", "echo 'tar: /x: Cannot stat' >&2; exit 2", Code::BadImage, "tar could not make it"),
        ("mkfs.erofs", "cat > /dev/null; echo bad >&2; exit 1", Code::BadImage, "bad"),
        (
            "mkfs.erofs",
            "echo 'write: No space left on device' >&2; exit 1",
            Code::DiskFull,
            "not enough room",
        ),
        ("mkfs.erofs", "cat > /dev/null", Code::BadImage, "no good one"),
    ] {
        let bench = bench();
        set_tool(&bench, tool, script);
        let problem = store(&bench).await.unwrap_err();
        assert_eq!(problem.code, code, "{problem}");
        assert!(problem.message.contains(says), "{problem}");
        assert_eq!(names(&bench.path("cache/stores")), [".lock"]);
    }
    for (tool, package) in [("mkfs.erofs", "erofs-utils"), ("mkfs.ext4", "e2fsprogs"), ("tar", "tar")] {
        let bench = bench();
        fs::remove_file(bench.path("image").join(tool)).unwrap();
        let problem = if tool == "mkfs.ext4" {
            disk(&bench, 1, false, false).await.unwrap_err()
        } else {
            store(&bench).await.unwrap_err()
        };
        assert_eq!(problem.code, Code::MissingTool, "{problem}");
        assert!(problem.remedy.contains(package), "{problem:?}");
    }
}

#[tokio::test]
async fn a_list_that_is_none_is_refused() {
    let bench = bench();
    fs::write(bench.path("image/store-paths"), "relative\n").unwrap();
    let problem = store(&bench).await.unwrap_err();
    assert_eq!(problem.code, Code::BadImage);
    assert!(problem.message.contains("no absolute path"), "{problem}");
    assert_eq!(makers(&bench), Vec::<String>::new());
}

#[tokio::test]
async fn a_blank_root_is_formatted_once_for_all_starts() {
    let bench = bench();
    let made = disk(&bench, 2, false, false).await.unwrap();
    assert_eq!((made.bytes, label(&bench, &made.path).as_str()), (2 * GIB, "nixos"));
    assert_eq!(makers(&bench), ["mkfs.ext4"]);

    let thrown = disk(&bench, 2, true, false).await.unwrap();
    assert_eq!((thrown.bytes, label(&bench, &thrown.path).as_str()), (2 * GIB, "nixos"));
    bench.disks().discard_ephemeral().unwrap();
    disk(&bench, 2, false, true).await.unwrap();
    disk(&bench, 2, false, false).await.unwrap();
    assert_eq!(makers(&bench), Vec::<String>::new());

    // what stays does not need the template
    fs::remove_dir_all(bench.path("cache")).unwrap();
    let kept = disk(&bench, 2, false, false).await.unwrap();
    assert_eq!((label(&bench, &kept.path).as_str(), makers(&bench)), ("nixos", vec![]));
}

#[tokio::test]
async fn a_disk_grows_with_its_file_system() {
    let bench = bench();
    let made = disk(&bench, 1, false, false).await.unwrap();
    let (raw, file) = (bench.path("mine.raw"), bench.path("file"));
    let convert = |from: &str, a: &Path, to: &str, b: &Path| {
        run(Path::new("qemu-img"), &["convert", "-f", from, "-O", to, &a.to_string_lossy()], b);
    };
    convert("qcow2", &made.path, "raw", &raw);
    fs::write(&file, "mine").unwrap();
    let write = format!("write {} mine", file.display());
    run(Path::new("/sbin/debugfs"), &["-w", "-R", &write], &raw);
    convert("raw", &raw, "qcow2", &made.path);

    let grown = disk(&bench, 3, false, false).await.unwrap();
    assert_eq!((grown.bytes, grown.warning), (3 * GIB, None));
    convert("qcow2", &grown.path, "raw", &raw);
    let blocks = run(Path::new("/sbin/dumpe2fs"), &["-h"], &raw);
    assert!(blocks.lines().any(|l| l.starts_with("Block count:") && l.ends_with(" 786432")), "{blocks}");
    assert_eq!(run(Path::new("/sbin/debugfs"), &["-R", "cat mine"], &raw), "mine");
    assert_eq!(names(&bench.path("disks")), ["disk.json", "disk.qcow2"]);
}

#[tokio::test]
async fn a_disk_that_cant_grow_starts_as_it_is_and_says_so() {
    let bench = bench();
    disk(&bench, 1, false, false).await.unwrap();
    set_tool(&bench, "e2fsck", "echo 'No space left on device' >&2; exit 8");
    let kept = disk(&bench, 2, false, false).await.unwrap();
    let warning = kept.warning.unwrap();
    assert_eq!((kept.bytes, warning.code), (GIB, Code::DiskFull));
    assert!(warning.message.contains("has 1 GiB as before"), "{warning}");
    assert_eq!(names(&bench.path("disks")), ["disk.json", "disk.qcow2"]);
    assert_eq!(label(&bench, &kept.path), "nixos");
}

#[tokio::test]
async fn a_damaged_template_is_made_anew() {
    let bench = bench();
    disk(&bench, 1, true, false).await.unwrap();
    bench.disks().discard_ephemeral().unwrap();
    let template = bench.path("cache/blank/ext4-nixos-1073741824.qcow2");
    fs::write(&template, "not a disk").unwrap();
    let made = disk(&bench, 1, true, false).await.unwrap();
    assert_eq!(label(&bench, &made.path), "nixos");
    assert_eq!(makers(&bench), ["mkfs.ext4", "mkfs.ext4"]);
}

#[tokio::test]
async fn qemu_takes_the_disks_and_the_four_shares() {
    let bench = bench();
    let (disk, store) = (disk(&bench, 1, false, false).await.unwrap(), store(&bench).await.unwrap());
    let shares = ["certs", "keys", "shared", "xchg"].map(|tag| (tag.to_owned(), bench.path(tag)));
    for (_, folder) in &shares {
        fs::create_dir(folder).unwrap();
    }
    let spec = MachineSpec { store: Some(store), shares: shares.into(), ..bench.spec_on(disk.path) };
    let vm = soon("start", bench.qemu().start(&spec, &bench.run(), &|_| {})).await.unwrap();
    vm.kill().await.unwrap();
    soon("exit", vm.exited()).await;
}
