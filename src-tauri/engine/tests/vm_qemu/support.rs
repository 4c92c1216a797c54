//! An image that starts at once and does nothing, and what to start it with.

use igloo_engine::{
    image::{Disks, Image},
    vm::{HostFacts, Hypervisor, MachineSpec, Qemu, RunDir, Setting, Vm},
};
use igloo_protocol::{BuilderId, Problem, Rung};
use serde_json::{Value, json};
use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
    sync::Mutex,
    time::Duration,
};

/// Much longer than anything here takes, also on a machine that is busy.
pub const LONG: Duration = Duration::from_secs(60);

/// `future`'s output, or a failed test.
pub async fn soon<T>(what: &str, future: impl Future<Output = T>) -> T {
    tokio::time::timeout(LONG, future).await.unwrap_or_else(|_| panic!("not in time: {what}"))
}

/// A folder with an image and room for all that a machine has.
pub struct Bench {
    pub dir: tempfile::TempDir,
    pub host: HostFacts,
}

impl Bench {
    pub fn new() -> Bench {
        Bench::with(|_| {})
    }

    /// With a manifest that `change` has changed.
    pub fn with(change: impl FnOnce(&mut Value)) -> Bench {
        let dir = tempfile::Builder::new().prefix("ig").tempdir().unwrap();
        let image = dir.path().join("image");
        fs::create_dir(&image).unwrap();
        fs::create_dir(dir.path().join("keys,1")).unwrap();
        fs::write(image.join("kernel"), halting_kernel()).unwrap();
        let base = fs::File::create(image.join("root.img")).unwrap();
        base.set_len(64 << 20).unwrap();
        let mut manifest = json!({
            "version": 1, "name": "halt", "system": "x86_64-linux", "kernel": "kernel", "cmdline": "nothing",
            "root": {"kind": "base", "path": "root.img", "format": "raw"},
            "shares": ["keys"], "user": "builder", "keys": {"tag": "keys", "file": "k"},
            "host_key": {"kind": "known", "public": "x"}, "power_off": "p",
        });
        change(&mut manifest);
        fs::write(image.join("manifest.json"), manifest.to_string()).unwrap();
        let host = HostFacts { kvm_opens: false, ..HostFacts::gather() };
        Bench { dir, host }
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    pub fn image(&self) -> Image {
        Image::open(&self.path("image")).unwrap()
    }

    pub fn disks(&self) -> Disks {
        Disks::new(self.path("disks"), &self.path("cache"), BuilderId::X86_64)
    }

    pub fn run(&self) -> RunDir {
        RunDir::new(self.path("run"))
    }

    pub fn qemu(&self) -> Qemu {
        Qemu::new(self.host.clone(), self.path("accel.json"))
    }

    /// A machine with a disk that is made for it.
    pub async fn spec(&self) -> MachineSpec {
        let disk = self.disks().prepare(&self.image(), 1, false, false).await.unwrap();
        self.spec_on(disk.path)
    }

    /// Starts a machine and checks that each rung is told once.
    pub async fn start(&self, qemu: &Qemu) -> Result<Vm, Problem> {
        let spec = self.spec().await;
        let rungs = Mutex::new(Vec::new());
        let vm = soon("start", qemu.start(&spec, &self.run(), &|r| rungs.lock().unwrap().push(r))).await?;
        assert_eq!(rungs.into_inner().unwrap(), [Rung::Process, Rung::Qmp]);
        Ok(vm)
    }

    /// A machine of this bench on a disk that is there.
    pub fn spec_on(&self, disk: PathBuf) -> MachineSpec {
        MachineSpec {
            id: BuilderId::X86_64,
            image: self.image(),
            disk,
            store: None,
            cores: 1,
            memory_mib: 64,
            shares: vec![("keys".into(), self.path("keys,1"))],
            ephemeral: false,
            accel: Setting::Auto,
        }
    }

    /// The processes that have this bench's folder in their arguments, as every QEMU of it has.
    fn processes(&self) -> Vec<String> {
        let folder = self.dir.path().to_string_lossy().into_owned();
        let ps = Command::new("ps").args(["-A", "-ww", "-o", "stat=,pid=,args="]).output().unwrap();
        let list = String::from_utf8_lossy(&ps.stdout).into_owned();
        let alive = list.lines().filter(|l| l.contains(&folder) && !l.starts_with('Z'));
        alive.filter_map(|l| l.split_whitespace().nth(1)).map(str::to_owned).collect()
    }

    pub fn is_any_process_left(&self) -> bool {
        !self.processes().is_empty()
    }

    pub fn assert_no_process(&self) {
        assert!(!self.is_any_process_left(), "a QEMU is left");
    }

    /// Nothing but logs is left of a run.
    pub fn assert_run_is_clear(&self) {
        assert!(!self.run().socket().exists());
        assert!(!self.run().path().join("vm.json").exists());
    }
}

/// A test that fails leaves no machine.
impl Drop for Bench {
    fn drop(&mut self) {
        for pid in self.processes() {
            drop(Command::new("kill").args(["-9", &pid]).status());
        }
    }
}

/// The names in a folder, sorted.
pub fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<_> =
        fs::read_dir(folder).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

/// An x86 kernel of the oldest boot protocol (no `HdrS`): QEMU loads it to segment 0x1000 and jumps
/// to its second sector, in real mode. `hlt; jmp -3`.
fn halting_kernel() -> Vec<u8> {
    let mut kernel = vec![0; 4096];
    kernel[0x200..0x203].copy_from_slice(&[0xf4, 0xeb, 0xfd]);
    kernel
}
