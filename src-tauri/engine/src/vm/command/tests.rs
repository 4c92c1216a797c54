use super::*;
use crate::{
    image::{Format, HostKey, Image, Manifest, Root, ShareFile, Store, Tools},
    vm::accel::Setting,
};
use igloo_protocol::BuilderId;

fn spec(id: BuilderId) -> MachineSpec {
    let manifest = Manifest {
        version: 1,
        name: "t".into(),
        system: id.system(),
        kernel: "/img/kernel".into(),
        initrd: None,
        cmdline: "console=x root=/dev/vda".into(),
        root: Root::Base { path: "/img/root".into(), format: Format::Raw },
        store: None,
        shares: vec!["keys".into(), "shared".into()],
        user: "builder".into(),
        certs: None,
        keys: ShareFile { tag: "keys".into(), file: "k".into() },
        host_key: HostKey::Known { public: "x".into() },
        power_off: "p".into(),
        extra_systems: vec![],
        qemu: None,
        tools: Tools::default(),
    };
    MachineSpec {
        id,
        image: Image::for_tests(manifest),
        disk: "/d/disk.qcow2".into(),
        store: None,
        cores: 2,
        memory_mib: 3072,
        shares: vec![("keys".into(), "/run/a,b".into()), ("shared".into(), "/s".into())],
        ephemeral: false,
        accel: Setting::Auto,
    }
}

fn host(os: Os) -> HostFacts {
    HostFacts {
        os,
        native: System::X86_64Linux,
        kvm_opens: true,
        cpu_has_virtualization: true,
        os_release: "1".into(),
    }
}

fn line(spec: &MachineSpec, accel: Accel, os: Os) -> String {
    let attempt = Attempt { accel, ssh_port: 4022, uuid: Uuid::from_u128(7), sandbox: true };
    let args = arguments(spec, &attempt, &host(os), &RunDir::new("/run/x"));
    let words: Vec<_> = args.iter().map(|a| a.to_string_lossy()).collect();
    words.join(" ").replace(" -", "\n-")
}

/// The lines that depend on the processor.
fn processor(spec: &MachineSpec, accel: Accel, os: Os) -> String {
    let line = line(spec, accel, os);
    let wanted = ["-machine", "-cpu", "-accel"];
    let lines: Vec<_> = line.lines().filter(|l| wanted.iter().any(|w| l.starts_with(w))).collect();
    lines.join(" ")
}

#[test]
fn a_native_machine_under_kvm() {
    insta::assert_snapshot!(line(&spec(BuilderId::X86_64), Accel::Kvm, Os::Linux), @r"
    -name igloo-x86_64
    -uuid 00000000-0000-0000-0000-000000000007
    -nodefaults
    -display none
    -no-reboot
    -smp 2
    -m 3072M
    -machine q35
    -cpu host
    -accel kvm
    -sandbox on,obsolete=deny,elevateprivileges=deny,spawn=deny,resourcecontrol=deny
    -kernel /img/kernel
    -append console=x root=/dev/vda
    -drive file=/d/disk.qcow2,if=none,id=root,format=qcow2,cache=writeback,discard=unmap,detect-zeroes=unmap
    -device virtio-blk-pci,drive=root,serial=root,bootindex=1
    -netdev user,id=net,hostfwd=tcp:127.0.0.1:4022-:22
    -device virtio-net-pci,netdev=net,romfile=
    -device virtio-rng-pci
    -device virtio-balloon-pci,free-page-reporting=on,deflate-on-oom=on
    -virtfs local,path=/run/a,,b,mount_tag=keys,security_model=mapped-xattr,readonly=on
    -virtfs local,path=/s,mount_tag=shared,security_model=mapped-xattr
    -chardev file,id=console,append=on,path=/run/x/console.log
    -serial chardev:console
    -chardev socket,id=qmp,server=on,wait=off,path=/run/x/qmp.sock
    -mon chardev=qmp,mode=control
    ");
}

#[test]
fn a_foreign_machine_translated() {
    insta::assert_snapshot!(line(&spec(BuilderId::Aarch64), Accel::Tcg, Os::Linux), @r"
    -name igloo-aarch64
    -uuid 00000000-0000-0000-0000-000000000007
    -nodefaults
    -display none
    -no-reboot
    -smp 2
    -m 3072M
    -machine virt,gic-version=3
    -cpu cortex-a57
    -accel tcg,tb-size=256
    -sandbox on,obsolete=deny,elevateprivileges=deny,spawn=deny,resourcecontrol=deny
    -kernel /img/kernel
    -append console=x root=/dev/vda
    -drive file=/d/disk.qcow2,if=none,id=root,format=qcow2,cache=writeback,discard=unmap,detect-zeroes=unmap
    -device virtio-blk-pci,drive=root,serial=root,bootindex=1
    -netdev user,id=net,hostfwd=tcp:127.0.0.1:4022-:22
    -device virtio-net-pci,netdev=net,romfile=
    -device virtio-rng-pci
    -device virtio-balloon-pci,free-page-reporting=on,deflate-on-oom=on
    -virtfs local,path=/run/a,,b,mount_tag=keys,security_model=mapped-xattr,readonly=on
    -virtfs local,path=/s,mount_tag=shared,security_model=mapped-xattr
    -chardev file,id=console,append=on,path=/run/x/console.log
    -serial chardev:console
    -chardev socket,id=qmp,server=on,wait=off,path=/run/x/qmp.sock
    -mon chardev=qmp,mode=control
    ");
}

#[test]
fn a_native_machine_on_a_mac_with_what_the_image_adds() {
    let mut spec = spec(BuilderId::Aarch64);
    spec.shares.clear();
    spec.image.manifest.initrd = Some("/img/initrd".into());
    let args = vec!["-device".into(), "virtio-gpu-pci".into()];
    spec.image.manifest.qemu = Some(crate::image::QemuOptions { program: "q".into(), args });
    insta::assert_snapshot!(line(&spec, Accel::Hvf, Os::Macos), @r"
    -name igloo-aarch64
    -uuid 00000000-0000-0000-0000-000000000007
    -nodefaults
    -display none
    -no-reboot
    -smp 2
    -m 3072M
    -machine virt,gic-version=3
    -cpu host
    -accel hvf
    -kernel /img/kernel
    -initrd /img/initrd
    -append console=x root=/dev/vda
    -drive file=/d/disk.qcow2,if=none,id=root,format=qcow2,cache=writeback,discard=unmap,detect-zeroes=unmap
    -device virtio-blk-pci,drive=root,serial=root,bootindex=1
    -netdev user,id=net,hostfwd=tcp:127.0.0.1:4022-:22
    -device virtio-net-pci,netdev=net,romfile=
    -device virtio-rng-pci
    -device virtio-balloon-pci,free-page-reporting=on,deflate-on-oom=on
    -chardev file,id=console,append=on,path=/run/x/console.log
    -serial chardev:console
    -chardev socket,id=qmp,server=on,wait=off,path=/run/x/qmp.sock
    -mon chardev=qmp,mode=control
    -device virtio-gpu-pci
    ");
}

#[test]
fn nixpkgs_builder_on_a_mac() {
    let mut spec = spec(BuilderId::Aarch64);
    let manifest = &mut spec.image.manifest;
    manifest.root = Root::Blank { label: "nixos".into(), fs: "ext4".into() };
    manifest.store = Some(Store { paths: "/nix/store/i/store-paths".into(), label: "nix-store".into() });
    manifest.certs = Some(ShareFile { tag: "certs".into(), file: "ca-certificates.crt".into() });
    manifest.initrd = Some("/nix/store/t/initrd".into());
    spec.store = Some("/c/store-0.erofs".into());
    spec.shares =
        ["certs", "keys", "shared", "xchg"].map(|tag| (tag.into(), Path::new("/s").join(tag))).into();
    insta::assert_snapshot!(line(&spec, Accel::Hvf, Os::Macos), @r"
    -name igloo-aarch64
    -uuid 00000000-0000-0000-0000-000000000007
    -nodefaults
    -display none
    -no-reboot
    -smp 2
    -m 3072M
    -machine virt,gic-version=3
    -cpu host
    -accel hvf
    -kernel /img/kernel
    -initrd /nix/store/t/initrd
    -append console=x root=/dev/vda
    -drive file=/d/disk.qcow2,if=none,id=root,format=qcow2,cache=writeback,discard=unmap,detect-zeroes=unmap
    -device virtio-blk-pci,drive=root,serial=root,bootindex=1
    -drive file=/c/store-0.erofs,if=none,id=store,format=raw,read-only=on
    -device virtio-blk-pci,drive=store,serial=store
    -netdev user,id=net,hostfwd=tcp:127.0.0.1:4022-:22
    -device virtio-net-pci,netdev=net,romfile=
    -device virtio-rng-pci
    -device virtio-balloon-pci,free-page-reporting=on,deflate-on-oom=on
    -virtfs local,path=/s/certs,mount_tag=certs,security_model=mapped-xattr,readonly=on
    -virtfs local,path=/s/keys,mount_tag=keys,security_model=mapped-xattr,readonly=on
    -virtfs local,path=/s/shared,mount_tag=shared,security_model=mapped-xattr
    -virtfs local,path=/s/xchg,mount_tag=xchg,security_model=mapped-xattr
    -chardev file,id=console,append=on,path=/run/x/console.log
    -serial chardev:console
    -chardev socket,id=qmp,server=on,wait=off,path=/run/x/qmp.sock
    -mon chardev=qmp,mode=control
    ");
}

#[test]
fn every_pair_of_guest_and_accelerator() {
    use Accel::*;
    let all: Vec<_> = BuilderId::ALL
        .into_iter()
        .flat_map(|id| [Hvf, Kvm, Tcg].map(|accel| processor(&spec(id), accel, Os::Linux)))
        .collect();
    insta::assert_snapshot!(all.join("\n"), @r"
    -machine virt,gic-version=3 -cpu host -accel hvf
    -machine virt,gic-version=max -cpu host -accel kvm
    -machine virt,gic-version=3 -cpu cortex-a57 -accel tcg,tb-size=256
    -machine q35 -cpu host -accel hvf
    -machine q35 -cpu host -accel kvm
    -machine q35 -cpu max -accel tcg,tb-size=256
    ");
}

#[test]
fn the_forward_is_on_loopback_only() {
    for id in BuilderId::ALL {
        let line = line(&spec(id), Accel::Tcg, Os::Linux);
        let forwards: Vec<_> = line.match_indices("hostfwd=").map(|(at, _)| &line[at..]).collect();
        assert_eq!(forwards.len(), 1);
        assert!(forwards[0].starts_with("hostfwd=tcp:127.0.0.1:4022-:22\n"), "{line}");
    }
}
