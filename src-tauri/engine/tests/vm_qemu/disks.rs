use crate::support::{Bench, names, soon};
use igloo_engine::image::Disk;
use igloo_protocol::{Code, Problem};
use sha2::{Digest, Sha256};
use std::{fs, path::Path, process::Command};

const GIB: u64 = 1 << 30;

async fn prepare(bench: &Bench, gib: u64) -> Result<Disk, Problem> {
    bench.disks().prepare(&bench.image(), gib, false, false).await
}

fn hash(file: &Path) -> String {
    format!("{:x?}", Sha256::digest(fs::read(file).unwrap()))
}

fn qemu_io(disk: &Path, command: &str) {
    let out = Command::new("qemu-io").args(["-f", "qcow2", "-c", command]).arg(disk).output().unwrap();
    assert!(out.status.success(), "{out:?}");
}

#[tokio::test]
async fn a_disk_is_made_once_grows_and_never_shrinks() {
    let bench = Bench::new();
    let made = prepare(&bench, 2).await.unwrap();
    assert_eq!((made.bytes, made.ephemeral, made.warning), (2 * GIB, false, None));
    assert_eq!(names(&bench.path("disks")), ["disk.json", "disk.qcow2"]);
    qemu_io(&made.path, "write -P 7 0 64k");

    let grown = prepare(&bench, 3).await.unwrap();
    assert_eq!((grown.bytes, &grown.warning), (3 * GIB, &None));
    let kept = prepare(&bench, 2).await.unwrap();
    assert_eq!(kept.bytes, 3 * GIB);
    let warning = kept.warning.unwrap();
    assert!(warning.message.contains("has 3 GiB and can't shrink to the 2 GiB"), "{warning}");
    qemu_io(&made.path, "read -P 7 0 64k");
}

#[tokio::test]
async fn a_disk_is_at_least_as_large_as_its_base() {
    let bench = Bench::new();
    fs::File::options().write(true).open(bench.path("image/root.img")).unwrap().set_len(2 * GIB).unwrap();
    assert_eq!(prepare(&bench, 1).await.unwrap().bytes, 2 * GIB);
}

#[tokio::test]
async fn an_ephemeral_disk_is_new_each_time_and_leaves_the_other_alone() {
    let bench = Bench::new();
    let (disks, image) = (bench.disks(), bench.image());
    let persistent = prepare(&bench, 1).await.unwrap().path;
    qemu_io(&persistent, "write -P 7 0 64k");
    let before = hash(&persistent);

    let first = disks.prepare(&image, 1, true, false).await.unwrap();
    assert!(first.ephemeral && first.path != persistent);
    qemu_io(&first.path, "write -P 9 0 64k");
    let second = disks.prepare(&image, 1, true, false).await.unwrap();
    // what the base has, neither the first one's nor the persistent one's
    qemu_io(&second.path, "read -P 0 0 64k");
    disks.discard_ephemeral().unwrap();
    disks.discard_ephemeral().unwrap();

    assert_eq!(names(&bench.path("disks")), ["disk.json", "disk.qcow2"]);
    assert_eq!(hash(&persistent), before);
    prepare(&bench, 1).await.unwrap();
    qemu_io(&persistent, "read -P 7 0 64k");
}

#[tokio::test]
async fn a_reset_makes_the_disk_clean() {
    let bench = Bench::new();
    let disk = prepare(&bench, 1).await.unwrap().path;
    qemu_io(&disk, "write -P 7 0 64k");
    bench.disks().prepare(&bench.image(), 1, false, true).await.unwrap();
    qemu_io(&disk, "read -P 0 0 64k");
    bench.disks().delete_persistent().unwrap();
    assert_eq!(names(&bench.path("disks")), Vec::<String>::new());
}

#[tokio::test]
async fn a_disk_that_igloo_did_not_make_is_left_alone() {
    let bench = Bench::new();
    fs::create_dir(bench.path("disks")).unwrap();
    let disk = bench.disks().persistent();
    fs::write(&disk, "mine").unwrap();
    for reset in [true, false] {
        let problem = bench.disks().prepare(&bench.image(), 1, false, reset).await.unwrap_err();
        assert_eq!(problem.code, Code::BadDisk);
        assert!(problem.message.contains("Igloo did not make"), "{problem}");
    }
    fs::write(disk.with_extension("json"), "{ garbage").unwrap();
    assert_eq!(bench.disks().delete_persistent().unwrap_err().code, Code::BadDisk);
    assert_eq!(fs::read_to_string(&disk).unwrap(), "mine");

    // nor is what a link in its place leads to
    fs::remove_file(&disk).unwrap();
    let real = prepare(&bench, 1).await.unwrap().path;
    let elsewhere = bench.path("elsewhere");
    fs::rename(&real, &elsewhere).unwrap();
    std::os::unix::fs::symlink(&elsewhere, &real).unwrap();
    assert_eq!(bench.disks().delete_persistent().unwrap_err().code, Code::BadDisk);
    assert!(elsewhere.exists());
}

#[tokio::test]
async fn a_damaged_disk_is_told_with_the_way_out() {
    let bench = Bench::new();
    let disk = prepare(&bench, 1).await.unwrap().path;
    let good = fs::read(&disk).unwrap();
    let mut no_header = good.clone();
    no_header[..512].fill(0xa5);
    let mut bad_tables = good.clone();
    let l1 = u64::from_be_bytes(good[40..48].try_into().unwrap()) as usize;
    bad_tables[l1..l1 + 8].copy_from_slice(&(1 << 63 | 0x7fff_0000u64).to_be_bytes());
    let mut marked = good.clone();
    marked[79] |= 2; // incompatible feature bit 1: corrupt
    for bytes in [&no_header, &bad_tables, &marked, &good[..100].to_vec(), &Vec::new()] {
        fs::write(&disk, bytes).unwrap();
        let problem = prepare(&bench, 1).await.unwrap_err();
        assert_eq!(problem.code, Code::BadDisk, "{problem}");
        assert!(problem.remedy.contains("igloo reset x86_64"), "{}", problem.remedy);
        assert_eq!(&fs::read(&disk).unwrap(), bytes);
    }
    bench.disks().prepare(&bench.image(), 1, false, true).await.unwrap();
}

#[tokio::test]
async fn a_disk_over_another_base_is_refused_and_over_a_moved_one_taken() {
    let bench = Bench::new();
    let disk = prepare(&bench, 1).await.unwrap().path;
    qemu_io(&disk, "write -P 7 0 64k");
    fs::rename(bench.path("image"), bench.path("moved")).unwrap();
    let moved = igloo_engine::image::Image::open(&bench.path("moved")).unwrap();
    bench.disks().prepare(&moved, 1, false, false).await.unwrap();
    qemu_io(&disk, "read -P 7 0 64k");

    let before = hash(&disk);
    fs::write(bench.path("moved/root.img"), vec![1; 64 << 20]).unwrap();
    let other = igloo_engine::image::Image::open(&bench.path("moved")).unwrap();
    let problem = bench.disks().prepare(&other, 1, false, false).await.unwrap_err();
    assert_eq!(problem.code, Code::BadDisk);
    assert!(problem.message.contains("another image"), "{problem}");
    assert_eq!(hash(&disk), before);
}

#[tokio::test]
async fn a_full_host_is_told_and_nothing_is_left() {
    let bench = Bench::new();
    let disks = bench.disks().with_min_free(u64::MAX);
    for ephemeral in [true, false] {
        let problem = disks.prepare(&bench.image(), 1, ephemeral, false).await.unwrap_err();
        assert_eq!(problem.code, Code::DiskFull, "{problem}");
        assert!(problem.message.contains("MiB are free"), "{problem}");
    }
    assert_eq!(names(&bench.path("disks")), Vec::<String>::new());
}

#[tokio::test]
async fn a_missing_or_failing_qemu_img_leaves_nothing() {
    for (script, code) in [
        (None, Code::MissingTool),
        (Some("echo 'qemu-img: x: No space left on device' >&2; exit 1"), Code::DiskFull),
        (
            Some("echo '{\"virtual-size\": 1}'; [ $1 = info ] || { echo half >\"$9\"; exit 1; }"),
            Code::BadDisk,
        ),
    ] {
        let bench = Bench::with(|m| m["qemu"] = serde_json::json!({"program": "bin/qemu-system-x86_64"}));
        fs::create_dir(bench.path("image/bin")).unwrap();
        let tool = bench.path("image/bin/qemu-img");
        fs::write(&tool, format!("#!/bin/sh\n{}\n", script.unwrap_or_default())).unwrap();
        let mode = std::os::unix::fs::PermissionsExt::from_mode(if script.is_some() { 0o755 } else { 0o644 });
        fs::set_permissions(&tool, mode).unwrap();
        let problem = prepare(&bench, 1).await.unwrap_err();
        assert_eq!(problem.code, code, "{problem}");
        assert_eq!(names(&bench.path("disks")), Vec::<String>::new());
    }
}

#[tokio::test]
async fn what_a_killed_engine_left_is_swept() {
    let bench = Bench::new();
    fs::create_dir(bench.path("disks")).unwrap();
    fs::write(bench.path("disks/.igloo-Ab12"), "half").unwrap();
    fs::write(bench.path("disks/mine"), "kept").unwrap();
    prepare(&bench, 1).await.unwrap();
    assert_eq!(names(&bench.path("disks")), ["disk.json", "disk.qcow2", "mine"]);
}

#[tokio::test]
async fn a_disk_in_use_is_told() {
    let bench = Bench::new();
    let vm = bench.start(&bench.qemu()).await.unwrap();
    let problem = prepare(&bench, 1).await.unwrap_err();
    assert!(problem.message.contains("Another process has the disk"), "{problem}");
    vm.kill().await.unwrap();
    soon("exit", vm.exited()).await;
    prepare(&bench, 1).await.unwrap();
}
