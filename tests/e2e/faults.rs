//! What goes wrong is said with its cause and its remedy, by a documented exit code, and leaves nothing.

use crate::support::{Home, PATIENCE, free_port, tiny_image, wait_for};
use igloo_protocol::{BuilderId, Code, Phase};
use std::{
    fs,
    os::unix::fs::symlink,
    path::{Path, PathBuf},
};

/// A copy of the quick image's folder, linked but for one file.
pub fn image_but(home: &Home, changed: &str, content: &[u8]) -> PathBuf {
    let tiny = tiny_image();
    let whole = tiny.parent().unwrap();
    let copy = home.path().join("image");
    fs::create_dir_all(copy.join("tiny")).unwrap();
    for file in ["kernel", "initrd", "root.img"] {
        if file == changed {
            fs::write(copy.join(file), content).unwrap();
        } else {
            symlink(whole.join(file), copy.join(file)).unwrap();
        }
    }
    let manifest = fs::read(tiny.join("manifest.json")).unwrap();
    let manifest = if changed == "manifest.json" { content } else { &manifest };
    fs::write(copy.join("tiny/manifest.json"), manifest).unwrap();
    copy.join("tiny")
}

pub fn use_image(home: &Home, folder: &Path) {
    home.igloo(&["settings", "set", "builders.x86_64.image", folder.to_str().unwrap()]).ok();
}

/// A start fails so, and leaves nothing.
#[track_caller]
fn start_fails(home: &Home, code: Code) -> String {
    let run = home.igloo(&["start"]).failed(code);
    assert!(matches!(home.builder().phase, Phase::Failed { .. } | Phase::Stopped));
    home.assert_nothing_left();
    run.err
}

#[test]
fn a_second_engine_on_the_same_state() {
    let mut home = Home::new();
    let first = home.serve();
    let err = home.igloo(&["serve"]).failed(Code::EngineRunning).err;
    assert!(err.contains(&first.to_string()), "{err}");
    home.igloo(&["status"]).ok();
}

#[test]
fn no_engine() {
    let home = Home::new();
    let err = home.igloo(&["start"]).failed(Code::NoEngine).err;
    assert!(err.contains("igloo start --serve"), "{err}");
}

#[test]
fn garbage_settings() {
    let home = Home::new();
    fs::write(home.settings_file(), "builders = [[[").unwrap();
    let err = home.igloo(&["serve"]).failed(Code::BadSettings).err;
    assert!(err.contains("settings.toml"), "{err}");
    assert_eq!(fs::read_to_string(home.settings_file()).unwrap(), "builders = [[[");
    home.assert_nothing_left();
}

#[test]
fn settings_that_became_garbage_while_the_engine_runs() {
    let mut home = Home::new();
    home.serve();
    fs::write(home.settings_file(), "[builders.x86_64]\ncoers = 3\n").unwrap();
    home.igloo(&["settings", "list"]).failed(Code::BadSettings);
    let err = start_fails(&home, Code::BadSettings);
    assert!(err.contains("coers") && err.contains("builders.x86_64.cores"), "{err}");
}

#[test]
fn a_taken_port() {
    let mut home = Home::new();
    let other = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = other.local_addr().unwrap().port();
    home.serve();
    // a running engine says so when the port is chosen, and when it is needed
    home.igloo(&["settings", "set", "builders.x86_64.port", &port.to_string()]).failed(Code::PortTaken);
    let err = start_fails(&home, Code::PortTaken);
    assert!(err.contains(&std::process::id().to_string()), "names who has it: {err}");
    drop(other);
    home.igloo(&["start"]).ok();
}

#[test]
fn a_missing_qemu() {
    let mut home = Home::new();
    let image = image_but(&home, "manifest.json", &{
        let text = fs::read_to_string(tiny_image().join("manifest.json")).unwrap();
        text.replace("qemu-system-x86_64", "qemu-system-that-is-missing").into_bytes()
    });
    home.serve();
    use_image(&home, &image);
    let err = start_fails(&home, Code::MissingTool);
    assert!(err.contains("qemu-system-that-is-missing"), "{err}");
}

#[test]
fn no_image() {
    let mut home = Home::new();
    home.serve();
    use_image(&home, Path::new("/nowhere/at/all"));
    start_fails(&home, Code::NoImage);
    home.igloo(&["settings", "unset", "builders.x86_64.image"]).ok();
    let err = start_fails(&home, Code::NoImage);
    assert!(err.contains("igloo image use"), "{err}");
}

#[test]
fn a_manifest_with_an_unknown_key() {
    let mut home = Home::new();
    let text = fs::read_to_string(tiny_image().join("manifest.json")).unwrap();
    let odd = text.replacen('{', "{\"surprise\": 1,", 1);
    let image = image_but(&home, "manifest.json", odd.as_bytes());
    home.serve();
    use_image(&home, &image);
    let err = start_fails(&home, Code::BadManifest);
    assert!(err.contains("surprise") && err.contains("manifest.json"), "{err}");
}

#[test]
fn an_image_with_an_empty_kernel() {
    let mut home = Home::new();
    let image = image_but(&home, "kernel", b"");
    home.serve();
    use_image(&home, &image);
    let err = start_fails(&home, Code::BadImage);
    assert!(err.contains("kernel"), "{err}");
}

#[test]
fn an_image_whose_root_is_garbage() {
    let mut home = Home::new();
    let image = image_but(&home, "root.img", &vec![0x5a; 64 << 20]);
    home.serve();
    use_image(&home, &image);
    let err = start_fails(&home, Code::BadDisk);
    assert!(err.contains("igloo reset") && err.contains("image"), "{err}");
}

#[test]
fn a_damaged_disk() {
    let mut home = Home::new();
    home.serve();
    home.igloo(&["start"]).ok();
    home.igloo(&["stop"]).ok();
    let disk = home.builder_dir(BuilderId::X86_64).join("disks/disk.qcow2");
    fs::write(&disk, b"not a disk").unwrap();
    let err = start_fails(&home, Code::BadDisk);
    assert!(err.contains("igloo reset"), "{err}");
    home.igloo(&["reset", "--yes"]).ok();
    home.igloo(&["start"]).ok();
}

#[test]
fn a_full_disk() {
    let mut home = Home::new();
    let small = home.path().join("state");
    fs::create_dir_all(&small).unwrap();
    let mount = crate::support::SmallDisk::mount(&small, "8m");
    home.serve();
    let err = start_fails(&home, Code::DiskFull);
    assert!(err.contains("full") || err.contains("room"), "{err}");
    home.kill_engine();
    drop(mount);
}

#[test]
fn a_wrong_host_key() {
    let mut home = Home::ready();
    let machine = home.qemu();
    home.kill_engine();
    // another installation's key: the guest still shows the old one
    fs::remove_dir_all(home.builder_dir(BuilderId::X86_64).join("keys")).unwrap();
    home.serve();
    let problem = home.failure();
    assert_eq!(problem.code, Code::HostKeyMismatch);
    assert!(problem.message.contains("SHA256:"), "{problem}");
    wait_for("the machine to be ended", PATIENCE, || (!crate::support::alive(machine)).then_some(()));
    home.igloo(&["start"]).ok();
}

#[test]
fn a_disabled_or_unknown_builder() {
    let mut home = Home::new();
    home.serve();
    home.igloo(&["start", "aarch64"]).failed(Code::Disabled);
    home.igloo(&["start", "riscv"]).failed(Code::UnknownBuilder);
}

#[test]
fn the_port_of_a_stopped_builder_closes_at_once() {
    let mut home = Home::new();
    let port = free_port();
    home.serve();
    home.igloo(&["settings", "set", "builders.x86_64.port", &port.to_string()]).ok();
    let mut nix = std::net::TcpStream::connect(("127.0.0.1", port)).unwrap();
    assert_eq!(std::io::Read::read(&mut nix, &mut [0; 8]).unwrap(), 0);
    wait_for("the reason in the log", PATIENCE, || {
        home.engine_log().contains("the builder is stopped").then_some(())
    });
}
