//! QEMU's command line, from a machine's description. Pure.

use super::{
    MachineSpec, RunDir,
    accel::{HostFacts, Os},
};
use igloo_protocol::{Accel, System};
use std::{
    ffi::{OsStr, OsString},
    os::unix::ffi::{OsStrExt, OsStringExt},
    path::Path,
};
use uuid::Uuid;

/// QEMU's translation buffer, in MiB: the default of a gigabyte is mostly memory that is never given back.
const TCG_BUFFER_MIB: u32 = 256;

/// What differs between two tries to start the same machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Attempt {
    /// How the guest's processor is run.
    pub accel: Accel,
    /// The loopback port that leads to the guest's port 22.
    pub ssh_port: u16,
    /// The machine's identity, by which it is known again.
    pub uuid: Uuid,
    /// Whether QEMU locks itself in (seccomp; Linux only, and not every QEMU is built with it).
    pub sandbox: bool,
}

/// The arguments for QEMU, without the program.
pub fn arguments(spec: &MachineSpec, attempt: &Attempt, host: &HostFacts, run: &RunDir) -> Vec<OsString> {
    let mut args = Args::default();
    args.add("-name", format!("igloo-{}", spec.id));
    args.add("-uuid", attempt.uuid.to_string());
    args.add("-nodefaults", "").add("-display", "none").add("-no-reboot", "");
    args.add("-smp", spec.cores.to_string()).add("-m", format!("{}M", spec.memory_mib));
    args.processor(spec.image.manifest.system, attempt.accel);
    if attempt.sandbox && host.os == Os::Linux {
        args.add("-sandbox", "on,obsolete=deny,elevateprivileges=deny,spawn=deny,resourcecontrol=deny");
    }
    args.boot(spec);
    args.disk(&spec.disk);
    if let Some(store) = &spec.store {
        args.store(store);
    }
    // loopback only; the guest itself may reach out, because Nix in it fetches from substituters
    args.add("-netdev", format!("user,id=net,hostfwd=tcp:127.0.0.1:{}-:22", attempt.ssh_port));
    args.add("-device", "virtio-net-pci,netdev=net,romfile=");
    args.add("-device", "virtio-rng-pci");
    args.add("-device", "virtio-balloon-pci,free-page-reporting=on,deflate-on-oom=on");
    for (tag, folder) in &spec.shares {
        args.share(tag, folder, spec.image.manifest.is_read_only(tag));
    }
    args.add_path("-chardev", "file,id=console,append=on,path=", &run.console(), "");
    args.add("-serial", "chardev:console");
    args.add_path("-chardev", "socket,id=qmp,server=on,wait=off,path=", &run.socket(), "");
    args.add("-mon", "chardev=qmp,mode=control");
    if let Some(qemu) = &spec.image.manifest.qemu {
        args.0.extend(qemu.args.iter().map(OsString::from));
    }
    args.0
}

#[derive(Default)]
struct Args(Vec<OsString>);

impl Args {
    /// An option and its value; an empty value is none.
    fn add(&mut self, option: &str, value: impl Into<OsString>) -> &mut Self {
        self.0.push(option.into());
        let value = value.into();
        if !value.is_empty() {
            self.0.push(value);
        }
        self
    }

    /// An option whose value has a path in the middle. QEMU ends a path at a comma, unless it is doubled.
    fn add_path(&mut self, option: &str, before: &str, path: &Path, after: &str) {
        let mut value = before.as_bytes().to_vec();
        for byte in path.as_os_str().as_bytes() {
            value.extend(std::iter::repeat_n(*byte, if *byte == b',' { 2 } else { 1 }));
        }
        value.extend(after.as_bytes());
        self.add(option, OsString::from_vec(value));
    }

    fn processor(&mut self, guest: System, accel: Accel) {
        let machine = match (guest, accel) {
            (System::X86_64Linux, _) => "q35",
            // some boards have only version 2
            (System::Aarch64Linux, Accel::Kvm) => "virt,gic-version=max",
            // newer QEMU: "HVF does not support GICv2 emulation"
            (System::Aarch64Linux, _) => "virt,gic-version=3",
        };
        let cpu = match (guest, accel) {
            (_, Accel::Hvf | Accel::Kvm) => "host",
            (System::X86_64Linux, Accel::Tcg) => "max",
            // `max` has pointer authentication, which is slow to translate
            (System::Aarch64Linux, Accel::Tcg) => "cortex-a57",
        };
        // no thread=: QEMU uses one a processor wherever that is safe for this pair of architectures
        let accel = match accel {
            Accel::Tcg => format!("tcg,tb-size={TCG_BUFFER_MIB}"),
            other => other.to_string(),
        };
        self.add("-machine", machine).add("-cpu", cpu).add("-accel", accel);
    }

    fn boot(&mut self, spec: &MachineSpec) {
        let manifest = &spec.image.manifest;
        self.add("-kernel", manifest.kernel.clone());
        if let Some(initrd) = &manifest.initrd {
            self.add("-initrd", initrd.clone());
        }
        self.0.push("-append".into());
        self.0.push(OsStr::new(&manifest.cmdline).to_owned());
    }

    fn disk(&mut self, disk: &Path) {
        let options = ",if=none,id=root,format=qcow2,cache=writeback,discard=unmap,detect-zeroes=unmap";
        self.add_path("-drive", "file=", disk, options);
        self.add("-device", "virtio-blk-pci,drive=root,serial=root,bootindex=1");
    }

    /// The guest finds it by its label. Raw and read-only, so many machines may share it.
    fn store(&mut self, image: &Path) {
        self.add_path("-drive", "file=", image, ",if=none,id=store,format=raw,read-only=on");
        self.add("-device", "virtio-blk-pci,drive=store,serial=store");
    }

    /// Read-only where the guest must not write: not who may log in, its own host key, nor whom the host trusts.
    fn share(&mut self, tag: &str, folder: &Path, read_only: bool) {
        let read_only = if read_only { ",readonly=on" } else { "" };
        let after = format!(",mount_tag={tag},security_model=mapped-xattr{read_only}");
        self.add_path("-virtfs", "local,path=", &crate::files::absolute(folder.to_owned()), &after);
    }
}

#[cfg(test)]
mod tests;
