use super::*;

fn first(text: &str) -> Problem {
    explain(text).into_iter().next().unwrap_or_else(|| panic!("not known: {text}"))
}

/// The strings that users of the stock builders, of nix-darwin, vzvm and Determinate report, each as it is printed.
#[test]
fn every_known_string_has_its_cause() {
    for (text, code, part) in [
        ("qemu-system-aarch64: HVF does not support GICv2 emulation", Code::VmFailed, "interrupt controller"),
        ("qemu-system-aarch64: Property 'max-arm-cpu.sme' not found", Code::VmFailed, "too old"),
        ("hvf_arch_init_vcpu: code should not be reached", Code::VmFailed, "Apple's hypervisor"),
        ("Could not set up host forwarding rule 'tcp::31022-:22'", Code::PortTaken, "in use"),
        ("vzvm: cannot listen on 127.0.0.1:31022: Address already in use", Code::PortTaken, "listens"),
        ("nixos.qcow2 is a QEMU qcow2 image, not a raw disk", Code::BadDisk, "made for QEMU"),
        ("vzvm: Rosetta is not installed", Code::MissingTool, "no Rosetta"),
        ("rosetta error: unhandled auxillary vector type 29", Code::WrongSystem, "newer than this macOS"),
        ("$NIX_SSL_CERT_FILE should point to a valid file", Code::MissingTool, "certificates"),
        (
            "error: failed to start SSH connection to 'linux-builder'",
            Code::GuestUnreachable,
            "no ssh connection",
        ),
        (
            "ssh: Could not resolve hostname localhost: nodename nor servname",
            Code::GuestUnreachable,
            "own name",
        ),
        ("ssh: Could not resolve hostname linux-builder: x", Code::GuestUnreachable, "alias"),
        ("@ WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED! @", Code::HostKeyMismatch, "remembers"),
        ("Not allowed at this time", Code::GuestUnreachable, "turns everybody away"),
        ("Failed to find a machine for remote build!", Code::WrongSystem, "no machine that Nix knows"),
        ("Required system: 'aarch64-linux' with features {}", Code::WrongSystem, "of that system"),
        (
            "a 'aarch64-linux' with features {} is required to build '/nix/x.drv'",
            Code::WrongSystem,
            "nor does this one",
        ),
        ("- `nix.linux-builder.enable` requires `nix.enable`", Code::NotManaged, "own builder needs"),
        ("error: Determinate detected, aborting activation", Code::NotManaged, "both want"),
        (
            "error: custom settings in `/etc/nix/nix.custom.conf`, aborting activation",
            Code::NotManaged,
            "would be lost",
        ),
        ("error: Unexpected files in /etc, aborting activation", Code::NotManaged, "others wrote"),
        ("The Native Linux Builder is not currently available", Code::NotAllowed, "not granted"),
    ] {
        let problem = first(text);
        assert_eq!(problem.code, code, "{text}: {problem}");
        assert!(problem.message.contains(part), "{text}: {problem}");
        assert!(!problem.remedy.is_empty());
    }
}

/// Captured from Nix 2.26.3 and 2.34.8, with a machine that has no `kvm`.
#[test]
fn what_nix_prints_where_no_machine_fits_is_taken_apart() {
    for text in
        [include_str!("fixtures/no-machine-2.26.3.txt"), include_str!("fixtures/no-machine-2.34.8.txt")]
    {
        let problem = first(text);
        assert!(problem.message.contains("aarch64-linux has the feature kvm"), "{problem}");
    }
}

#[test]
fn the_nearest_to_the_root_comes_first_and_each_once() {
    let text = "ssh: connect to host 127.0.0.1 port 22: Connection refused\n\
        cannot build on 'x': error: failed to start SSH connection to 'x'\n\
        Failed to find a machine for remote build!\nerror: Unable to start any build;";
    let told = explain(text);
    assert!(told[0].message.contains("nothing listens"), "{told:?}");
    assert_eq!(told.len(), 4);
    assert_eq!(explain("all is well"), []);
}
