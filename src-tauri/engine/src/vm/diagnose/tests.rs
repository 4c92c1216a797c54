use super::*;

const NONE: Ended = Ended { status: Some(1), signal: None };

#[test]
fn causes_are_told_from_last_words() {
    let abort = Ended { status: None, signal: Some(6) };
    let shell_abort = Ended { status: Some(134), signal: None };
    for (ended, accel, stderr, console, code, part) in [
        (
            shell_abort,
            Accel::Hvf,
            "qemu-system-aarch64: HVF does not support GICv2 emulation",
            "",
            Code::VmFailed,
            "GICv2 emulation",
        ),
        (
            abort,
            Accel::Hvf,
            "qemu-system-aarch64: Property 'max-arm-cpu.sme' not found\n",
            "",
            Code::VmFailed,
            "too old",
        ),
        (
            shell_abort,
            Accel::Hvf,
            "ERROR:../target/arm/hvf/hvf.c:1: hvf_arch_init_vcpu: assertion failed",
            "",
            Code::VmFailed,
            "Apple's hypervisor",
        ),
        (shell_abort, Accel::Hvf, "", "", Code::VmFailed, "aborted while it set up hvf"),
        (abort, Accel::Kvm, "kvm_x: Assertion failed", "", Code::VmFailed, "aborted while it set up kvm"),
        (abort, Accel::Tcg, "x", "", Code::VmFailed, "signal 6"),
        (
            NONE,
            Accel::Tcg,
            "qemu-system-x86_64: -netdev user: Could not set up host forwarding rule 'tcp:127.0.0.1:1-:22'",
            "",
            Code::PortTaken,
            "in use",
        ),
        (
            NONE,
            Accel::Tcg,
            "qemu-system-x86_64: -drive file=d: Failed to get \"write\" lock\nIs another process using the image [d]?",
            "",
            Code::VmFailed,
            "another process has its disk open: -drive file=d: Failed",
        ),
        (NONE, Accel::Tcg, "q: Image is not in qcow2 format", "", Code::BadDisk, "damaged"),
        (
            NONE,
            Accel::Tcg,
            "qemu-system-x86_64: -drive x: Could not open '/img/root': No such file or directory",
            "",
            Code::BadImage,
            "/img/root",
        ),
        (
            NONE,
            Accel::Tcg,
            "qemu: could not open kernel file '/k': No such file or directory",
            "",
            Code::BadImage,
            "/k",
        ),
        (NONE, Accel::Tcg, "write: No space left on device", "", Code::DiskFull, "full"),
        (
            NONE,
            Accel::Tcg,
            "qemu-system-x86_64: cannot set up guest memory 'pc.ram': Cannot allocate memory",
            "",
            Code::VmFailed,
            "memory",
        ),
        (
            NONE,
            Accel::Kvm,
            "Could not access KVM kernel module: Permission denied\nqemu: failed to initialize kvm: x",
            "",
            Code::VmFailed,
            "/dev/kvm",
        ),
        (NONE, Accel::Kvm, "q: -accel kvm: invalid accelerator kvm", "", Code::VmFailed, "acceleration"),
        (Ended { status: None, signal: Some(9) }, Accel::Tcg, "", "", Code::VmCrashed, "killed"),
        (
            Ended { status: Some(0), signal: None },
            Accel::Tcg,
            "",
            "[1.0] VFS: Unable to mount root fs on x\n[1.0] Kernel panic - not syncing: VFS: Unable to mount root fs on x",
            Code::BadImage,
            "no root file system",
        ),
        (
            Ended { status: Some(0), signal: None },
            Accel::Tcg,
            "",
            "[1.0] Kernel panic - not syncing: Fatal exception",
            Code::VmCrashed,
            "Fatal exception",
        ),
        (NONE, Accel::Tcg, "strange words\n\n", "", Code::VmFailed, "(exit status 1): strange words"),
        (Ended::default(), Accel::Tcg, "", "", Code::VmFailed, "its process is gone"),
    ] {
        let p = diagnose(Stage::Start, ended, accel, stderr, console);
        assert_eq!(p.code, code, "{stderr} {console}: {p}");
        assert!(p.message.contains(part), "{stderr:?} {console:?}: {p}");
        assert!(!p.remedy.is_empty() && !p.remedy.ends_with('.') && !p.message.ends_with('.'));
    }
}

#[test]
fn a_running_machine_crashes_rather_than_fails() {
    let p = diagnose(Stage::Running, NONE, Accel::Tcg, "", "");
    assert_eq!(p.code, Code::VmCrashed);
    assert!(p.message.contains("without being asked"));
}

#[test]
fn a_long_or_dirty_line_is_cut() {
    let p = diagnose(Stage::Start, NONE, Accel::Tcg, &format!("\x1b[31m{}", "x".repeat(5000)), "");
    assert!(p.message.len() < 400 && !p.message.contains('\x1b'));
}
