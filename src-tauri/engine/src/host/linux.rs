//! Linux.

use crate::vm::accel::cpuinfo_has_virtualization;

/// Whether the processor can run a guest itself. Without the flag, `/dev/kvm` may open and still
/// never run one: a kernel that is itself a paravirtual guest does that.
pub fn cpu_has_virtualization() -> bool {
    // arm64 has no flag for it; there the device alone says enough
    cfg!(target_arch = "aarch64")
        || std::fs::read_to_string("/proc/cpuinfo").is_ok_and(|text| cpuinfo_has_virtualization(&text))
}

/// Whether this user may use KVM.
pub fn kvm_opens() -> bool {
    std::fs::OpenOptions::new().read(true).write(true).open("/dev/kvm").is_ok()
}
