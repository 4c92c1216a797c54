use crate::support::{Bench, soon};
use igloo_engine::vm::{
    Hypervisor, MachineSpec, RunState, Setting, Vm,
    accel::{AccelMemory, Verdict, memory_key},
    tools,
};
use igloo_protocol::{Accel, Code};
use serde_json::json;
use std::{
    fs,
    net::{Ipv4Addr, TcpListener},
    path::Path,
    process::Command,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

fn kill_9(pid: u32) {
    assert!(Command::new("kill").args(["-9", &pid.to_string()]).status().unwrap().success());
}

async fn end(bench: &Bench, vm: &Vm) {
    vm.kill().await.unwrap();
    soon("exit", vm.exited()).await;
    bench.assert_no_process();
    bench.assert_run_is_clear();
}

#[tokio::test]
async fn a_machine_starts_listens_on_loopback_and_quits() {
    let bench = Bench::new();
    let vm = bench.start(&bench.qemu()).await.unwrap();
    assert_eq!(vm.status().await.unwrap(), RunState::Running);
    vm.power_button().await.unwrap();
    let record = vm.record();
    assert_eq!(bench.run().read().as_ref(), Some(record));
    assert_eq!((record.cores, record.memory_mib, record.accel), (1, 64, Accel::Tcg));
    assert_eq!(record.image, bench.image().identity());
    tokio::net::TcpStream::connect((Ipv4Addr::LOCALHOST, record.ssh_port)).await.unwrap();

    vm.quit().await.unwrap();
    let exit = soon("exit", vm.exited()).await;
    assert_eq!((exit.status, exit.reason.as_deref()), (Some(0), Some("host-qmp-quit")));
    assert!(exit.was_power_off());
    vm.quit().await.unwrap();
    assert_eq!(vm.status().await.unwrap_err().code, Code::VmCrashed);
    bench.assert_no_process();
    bench.assert_run_is_clear();
}

#[tokio::test]
async fn a_killed_machine_is_noticed_and_starts_again() {
    let bench = Bench::new();
    for _ in 0..2 {
        let vm = bench.start(&bench.qemu()).await.unwrap();
        kill_9(vm.record().pid);
        let exit = soon("exit", vm.exited()).await;
        assert_eq!((exit.signal, exit.was_power_off()), (Some(9), false));
        let problem = exit.problem(vm.record());
        assert_eq!(problem.code, Code::VmCrashed);
        assert!(problem.message.contains("was killed"), "{problem}");
        bench.assert_run_is_clear();
    }
}

/// The engine is gone in every way but one: its runtime is shut down with the task that waits for the
/// child. QEMU must live on in a process group of its own, and be found again.
#[test]
fn a_machine_outlives_its_engine_and_is_adopted() {
    let bench = Bench::new();
    let runtime = || tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let first = runtime();
    let record = first.block_on(async { bench.start(&bench.qemu()).await.unwrap().record().clone() });
    drop(first);

    let group = Command::new("ps").args(["-o", "pgid=", "-p", &record.pid.to_string()]).output().unwrap();
    assert_eq!(String::from_utf8_lossy(&group.stdout).trim(), record.pid.to_string());

    runtime().block_on(async {
        let adopted = bench.qemu().adopt(&bench.run()).await.unwrap().unwrap();
        assert_eq!(adopted.record(), &record);
        assert_eq!(adopted.status().await.unwrap(), RunState::Running);
        drop(adopted);

        let again = bench.qemu().adopt(&bench.run()).await.unwrap().unwrap();
        kill_9(record.pid);
        let exit = soon("exit", again.exited()).await;
        assert!(!exit.was_power_off());
        assert_eq!(exit.problem(again.record()).code, Code::VmCrashed);
        bench.assert_run_is_clear();
        assert!(bench.qemu().adopt(&bench.run()).await.unwrap().is_none());
    });
}

#[tokio::test]
async fn an_adopted_machine_is_stopped_like_any_other() {
    let bench = Bench::new();
    for quit in [true, false] {
        drop(bench.start(&bench.qemu()).await.unwrap());
        let vm = bench.qemu().adopt(&bench.run()).await.unwrap().unwrap();
        if quit {
            vm.quit().await.unwrap();
            assert!(soon("exit", vm.exited()).await.was_power_off());
        } else {
            end(&bench, &vm).await;
        }
        bench.assert_run_is_clear();
    }
}

#[tokio::test]
async fn a_machine_that_hangs_is_adopted_and_can_be_killed() {
    let bench = Bench::new();
    let vm = bench.start(&bench.qemu()).await.unwrap();
    let pid = vm.record().pid.to_string();
    drop(vm);
    assert!(Command::new("kill").args(["-STOP", &pid]).status().unwrap().success());
    let vm = bench.qemu().adopt(&bench.run()).await.unwrap().unwrap();
    assert_eq!(vm.status().await.unwrap_err().code, Code::VmCrashed);
    end(&bench, &vm).await;
}

#[tokio::test]
async fn a_strangers_process_and_socket_are_left_alone() {
    let bench = Bench::new();
    // its name has the folder of the bench, which ends it if the test fails
    let name = bench.path("stranger");
    std::os::unix::fs::symlink("/bin/sleep", &name).unwrap();
    let mut stranger = Command::new(name).arg("600").spawn().unwrap();
    let vm = bench.start(&bench.qemu()).await.unwrap();
    let record = vm.record().clone();
    drop(vm);

    // the process id is somebody else's now
    let mut wrong = record.clone();
    wrong.pid = stranger.id();
    bench.run().write(&wrong).unwrap();
    let adopted = bench.qemu().adopt(&bench.run()).await.unwrap().unwrap();
    assert_eq!(adopted.kill().await.unwrap_err().code, Code::VmFailed);
    drop(adopted);

    // the machine behind the socket is another one
    wrong.uuid = uuid::Uuid::new_v4();
    bench.run().write(&wrong).unwrap();
    assert!(bench.qemu().adopt(&bench.run()).await.unwrap().is_none());
    assert!(stranger.try_wait().unwrap().is_none());
    stranger.kill().unwrap();
    stranger.wait().unwrap();

    assert!(bench.run().socket().exists(), "another machine's socket was removed");
    bench.run().write(&record).unwrap();
    let vm = bench.qemu().adopt(&bench.run()).await.unwrap().unwrap();
    end(&bench, &vm).await;
}

#[tokio::test]
async fn a_taken_port_is_tried_again_and_not_for_ever() {
    let bench = Bench::new();
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let taken = listener.local_addr().unwrap().port();
    let free = || TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap().port();

    let asked = Arc::new(AtomicUsize::new(0));
    let count = asked.clone();
    let qemu = bench
        .qemu()
        .with_ports(move || Ok(if count.fetch_add(1, Ordering::SeqCst) < 2 { taken } else { free() }));
    let spec = bench.spec().await;
    let vm = soon("start", qemu.start(&spec, &bench.run(), &|_| ())).await.unwrap();
    assert_eq!(asked.load(Ordering::SeqCst), 3);
    end(&bench, &vm).await;

    let qemu = bench.qemu().with_ports(move || Ok(taken));
    let problem = soon("failure", qemu.start(&spec, &bench.run(), &|_| ())).await.err().unwrap();
    assert_eq!(problem.code, Code::PortTaken);
    bench.assert_no_process();
    bench.assert_run_is_clear();
}

#[tokio::test]
async fn a_start_that_fails_says_why_and_leaves_nothing() {
    for (change, code, part) in [
        ("program", Code::MissingTool, "is not installed"),
        ("kernel", Code::BadImage, "kernel"),
        ("args", Code::VmFailed, "no-such-option"),
        ("disk", Code::BadDisk, "damaged"),
        ("share", Code::VmFailed, "is not there"),
        ("tag", Code::BadImage, "`keys`"),
        ("memory", Code::VmFailed, "memory"),
    ] {
        let bench = Bench::with(|m| match change {
            "program" => m["qemu"] = json!({"program": "/nonexistent/qemu-system-x86_64"}),
            "args" => m["qemu"] = json!({"program": "qemu-system-x86_64", "args": ["-no-such-option"]}),
            _ => {}
        });
        let mut spec = bench.spec().await;
        match change {
            "kernel" => fs::remove_file(bench.path("image/kernel")).unwrap(),
            "disk" => fs::write(&spec.disk, "garbage").unwrap(),
            "share" => fs::remove_dir(&spec.shares[0].1).unwrap(),
            "tag" => spec.shares.clear(),
            "memory" => spec.memory_mib = 1 << 40,
            _ => {}
        }
        let started = soon(change, bench.qemu().start(&spec, &bench.run(), &|_| ())).await;
        let problem = started.err().unwrap();
        assert_eq!(problem.code, code, "{change}: {problem}");
        assert!(problem.message.contains(part), "{change}: {problem}");
        bench.assert_no_process();
        bench.assert_run_is_clear();
    }
}

#[tokio::test]
async fn two_machines_do_not_share_a_disk() {
    let (one, two) = (Bench::new(), Bench::new());
    let vm = one.start(&one.qemu()).await.unwrap();
    let spec = one.spec_on(vm.record().disk.clone());
    let problem = soon("failure", two.qemu().start(&spec, &two.run(), &|_| ())).await.err().unwrap();
    assert!(problem.message.contains("another process has its disk open"), "{problem}");
    two.assert_run_is_clear();
    end(&one, &vm).await;
}

#[tokio::test]
async fn a_cancelled_start_leaves_no_process() {
    let bench = Bench::new();
    let spec = bench.spec().await;
    let (qemu, run) = (bench.qemu(), bench.run());
    let (sender, reached) = tokio::sync::oneshot::channel();
    let sender = std::sync::Mutex::new(Some(sender));
    let on_rung = move |_| {
        if let Some(sender) = sender.lock().unwrap().take() {
            sender.send(()).unwrap();
        }
    };
    tokio::select! {
        biased;
        r = reached => r.unwrap(),
        _ = qemu.start(&spec, &run, &on_rung) => panic!("the start was not cancelled"),
    }
    bench.assert_run_is_clear();
    soon("the end of QEMU", async {
        while bench.is_any_process_left() {
            tokio::task::yield_now().await;
        }
    })
    .await;
}

/// A host whose acceleration seems fine. Its QEMU is a script that under kvm first notes the try
/// and then does `under_kvm`, where `$qemu` is the real one.
fn host_with_kvm(under_kvm: &str) -> Bench {
    let mut bench = Bench::with(|m| m["qemu"] = json!({"program": "./qemu.sh"}));
    let real = tools::find(Path::new("qemu-system-x86_64")).unwrap();
    let (script, tries) = (bench.path("image/qemu.sh"), bench.path("tries"));
    let text = format!(
        "#!/bin/sh\nqemu={}\ncase \"$*\" in *' -accel kvm '*) echo >>{}; {under_kvm};; esac\nexec $qemu \"$@\"\n",
        real.display(),
        tries.display(),
    );
    fs::write(&script, text).unwrap();
    fs::set_permissions(&script, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    bench.host.kvm_opens = true;
    bench.host.cpu_has_virtualization = true;
    bench.host.native = igloo_protocol::System::X86_64Linux;
    bench
}

fn tries(bench: &Bench) -> usize {
    fs::read_to_string(bench.path("tries")).unwrap_or_default().lines().count()
}

fn verdict(bench: &Bench) -> Option<Verdict> {
    let key = memory_key(&bench.path("image/qemu.sh"), &bench.host.os_release);
    AccelMemory::load(&bench.path("accel.json")).verdict(Accel::Kvm, &key)
}

#[tokio::test]
async fn an_acceleration_that_aborts_is_replaced_and_remembered() {
    let bench = host_with_kvm("kill -ABRT $$");
    let spec = bench.spec().await;

    // the user's own word is not overruled
    let forced = MachineSpec { accel: Setting::Kvm, ..spec.clone() };
    let problem = soon("kvm", bench.qemu().start(&forced, &bench.run(), &|_| ())).await.err().unwrap();
    assert!(problem.message.contains("aborted while it set up kvm"), "{problem}");
    assert_eq!((tries(&bench), verdict(&bench)), (1, None));

    for _ in 0..2 {
        let vm = soon("start", bench.qemu().start(&spec, &bench.run(), &|_| ())).await.unwrap();
        assert_eq!(vm.record().accel, Accel::Tcg);
        assert!(!bench.qemu().judge(&spec, &vm, false), "there is nothing slower than tcg to try");
        end(&bench, &vm).await;
        // tried once, then known
        assert_eq!((tries(&bench), verdict(&bench)), (2, Some(Verdict::Failed)));
    }
}

/// The real QEMU, translating whatever it was asked for.
const IN_TRUTH_TCG: &str = r#"set -- $(echo "$@" | sed 's/-accel kvm/-accel tcg/; s/-cpu host/-cpu max/')"#;

#[tokio::test]
async fn an_acceleration_under_which_no_guest_gets_ready_is_given_up() {
    let bench = host_with_kvm(IN_TRUTH_TCG);
    let (qemu, spec) = (bench.qemu(), bench.spec().await);
    let vm = bench.start(&qemu).await.unwrap();
    assert_eq!(vm.record().accel, Accel::Kvm);
    assert!(qemu.judge(&spec, &vm, false), "tcg was not tried yet");
    end(&bench, &vm).await;

    let vm = bench.start(&qemu).await.unwrap();
    assert_eq!((vm.record().accel, tries(&bench)), (Accel::Tcg, 1));
    end(&bench, &vm).await;
}

#[tokio::test]
async fn an_acceleration_that_worked_is_not_blamed() {
    let bench = host_with_kvm(IN_TRUTH_TCG);
    let (qemu, spec) = (bench.qemu(), bench.spec().await);
    let vm = bench.start(&qemu).await.unwrap();
    assert!(!qemu.judge(&spec, &vm, true));
    assert!(!qemu.judge(&spec, &vm, false));
    assert_eq!(verdict(&bench), Some(Verdict::Works));
    end(&bench, &vm).await;
}

#[tokio::test]
async fn a_guest_that_resets_is_a_crash() {
    let bench = Bench::new();
    let mut kernel = fs::read(bench.path("image/kernel")).unwrap();
    // mov al, 0xfe; out 0x64, al: the keyboard controller pulls the reset line
    kernel[0x200..0x204].copy_from_slice(&[0xb0, 0xfe, 0xe6, 0x64]);
    kernel[0x204..0x207].copy_from_slice(&[0xf4, 0xeb, 0xfd]);
    fs::write(bench.path("image/kernel"), kernel).unwrap();
    let vm = bench.start(&bench.qemu()).await.unwrap();
    let exit = soon("exit", vm.exited()).await;
    assert_eq!((exit.status, exit.reason.as_deref()), (Some(0), Some("guest-reset")));
    assert!(!exit.was_power_off());
    assert_eq!(exit.problem(vm.record()).code, Code::VmCrashed);
}
