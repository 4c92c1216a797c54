/** What a small Linux says while it boots. */
const BOOT = `SeaBIOS (version 1.16.3-debian-1.16.3-2)
[    0.000000] Booting Linux on physical CPU 0x0000000000 [0x610f0000]
[    0.000000] Linux version 6.12.57 (nixbld@localhost) (gcc 14.3.0, GNU ld 2.44) #1-NixOS SMP
[    0.000000] Machine model: linux,dummy-virt
[    0.000000] efi: UEFI not found.
[    0.000000] psci: probing for conduit method from DT.
[    0.000000] Kernel command line: console=ttyAMA0 panic=1 boot.panic_on_fail init=/nix/store/a3k1wz-nixos/init
[    0.012843] smp: Brought up 1 node, 4 CPUs
[    0.021955] pci 0000:00:01.0: [1af4:1000] type 00 class 0x020000
[    0.214018] virtio_blk virtio2: [vda] 83886080 512-byte logical blocks (42.9 GB/40.0 GiB)
[    0.341172] EXT4-fs (vda): mounted filesystem 0b1f2c r/w with ordered data mode
\x1b[1;32m<<< NixOS Stage 2 >>>\x1b[0m
running activation script...
setting up /etc...
starting systemd...
\x1b[32m[  OK  ]\x1b[0m Reached target Local File Systems.
\x1b[32m[  OK  ]\x1b[0m Started Network Time Synchronization.
\x1b[32m[  OK  ]\x1b[0m Listening on Nix Daemon Socket.
\x1b[32m[  OK  ]\x1b[0m Started SSH Daemon.
\x1b[32m[  OK  ]\x1b[0m Reached target Multi-User System.`.split("\n");

export function boot(): string[] {
  return [...BOOT];
}

/** A long log: the boot, then a builder at work. */
export function long(lines: number): string[] {
  const work = [
    "building",
    "unpacking sources",
    "patching sources",
    "configuring",
    "checking for gcc... yes",
  ];
  const rest = Array.from({ length: lines - BOOT.length }, (_, i) => {
    const time = (7 + i * 0.013).toFixed(6).padStart(12);
    return `[${time}] nix-daemon[412]: ${work[i % work.length]} (job ${i})${i % 5000 === 4999 ? " warning: slow" : ""}`;
  });
  return [...BOOT, ...rest];
}
