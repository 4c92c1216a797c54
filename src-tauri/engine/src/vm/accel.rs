//! How the guest's processor is run: chosen by what really works on this host, not by what opens.

use igloo_protocol::{Accel, System};
use serde::{Deserialize, Serialize};
use std::{
    collections::BTreeMap,
    fs, io,
    path::{Path, PathBuf},
};

/// The user's choice.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Setting {
    /// The fastest that works.
    #[default]
    Auto,
    /// Always [`Accel::Hvf`].
    Hvf,
    /// Always [`Accel::Kvm`].
    Kvm,
    /// Always [`Accel::Tcg`].
    Tcg,
}

impl Setting {
    /// Every choice.
    pub const ALL: [Setting; 4] = [Setting::Auto, Setting::Hvf, Setting::Kvm, Setting::Tcg];

    /// The name in the settings file.
    pub const fn as_str(self) -> &'static str {
        match self {
            Setting::Auto => "auto",
            Setting::Hvf => "hvf",
            Setting::Kvm => "kvm",
            Setting::Tcg => "tcg",
        }
    }
}

/// The host's operating system, as far as QEMU's command line depends on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Os {
    /// Linux.
    Linux,
    /// macOS.
    Macos,
}

/// What is known of the host before a start.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HostFacts {
    /// Its operating system.
    pub os: Os,
    /// The system whose guests its processor can run without translation.
    pub native: System,
    /// `/dev/kvm` opens for reading and writing.
    pub kvm_opens: bool,
    /// The processor says that it can run guests.
    pub cpu_has_virtualization: bool,
    /// The kernel's release: a failure is forgotten when it changes.
    pub os_release: String,
}

impl HostFacts {
    /// Looks at this host. Reads two files on Linux, runs `sysctl` on macOS.
    pub fn gather() -> HostFacts {
        HostFacts {
            os: if std::env::consts::OS == "macos" { Os::Macos } else { Os::Linux },
            native: igloo_protocol::BuilderId::native().system(),
            kvm_opens: crate::host::kvm_opens(),
            cpu_has_virtualization: crate::host::cpu_has_virtualization(),
            os_release: crate::host::os_release(),
        }
    }

    /// The accelerator that this host has for guests of its own architecture.
    fn hardware(&self) -> Option<Accel> {
        match self.os {
            Os::Macos => self.cpu_has_virtualization.then_some(Accel::Hvf),
            Os::Linux => (self.kvm_opens && self.cpu_has_virtualization).then_some(Accel::Kvm),
        }
    }
}

/// Which accelerator to start a guest of `guest` with. `failed` says whether one has failed before
/// on this host. A guest of another architecture can only be translated, whatever the setting.
pub fn choose(facts: &HostFacts, setting: Setting, guest: System, failed: impl Fn(Accel) -> bool) -> Accel {
    if guest != facts.native {
        return Accel::Tcg;
    }
    match setting {
        Setting::Hvf => Accel::Hvf,
        Setting::Kvm => Accel::Kvm,
        Setting::Tcg => Accel::Tcg,
        Setting::Auto => facts.hardware().filter(|a| !failed(*a)).unwrap_or(Accel::Tcg),
    }
}

/// Whether `/proc/cpuinfo` of an x86 machine has the flag of Intel's or AMD's virtualization.
pub fn cpuinfo_has_virtualization(text: &str) -> bool {
    text.lines()
        .filter_map(|line| line.split_once(':'))
        .filter(|(key, _)| key.trim() == "flags")
        .any(|(_, flags)| flags.split_whitespace().any(|f| f == "vmx" || f == "svm"))
}

/// What an accelerator did before, with one QEMU on one kernel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// A guest became ready on it.
    Works,
    /// A guest did not come up on it.
    Failed,
}

/// What accelerators did before, in a small JSON file. Its keys name the QEMU and the kernel, so an
/// upgrade of either tries again. A file that can't be read counts as empty: it is only a memory.
#[derive(Clone, Debug)]
pub struct AccelMemory {
    file: PathBuf,
    verdicts: BTreeMap<String, Verdict>,
}

impl AccelMemory {
    /// The memory in `file`.
    pub fn load(file: &Path) -> AccelMemory {
        let verdicts =
            fs::read(file).ok().and_then(|bytes| serde_json::from_slice(&bytes).ok()).unwrap_or_default();
        AccelMemory { file: file.to_owned(), verdicts }
    }

    /// What is known of `accel` under `key` (see [`memory_key`]).
    pub fn verdict(&self, accel: Accel, key: &str) -> Option<Verdict> {
        self.verdicts.get(&format!("{accel} {key}")).copied()
    }

    /// Whether `accel` has failed under `key`.
    pub fn failed(&self, accel: Accel, key: &str) -> bool {
        self.verdict(accel, key) == Some(Verdict::Failed)
    }

    /// Remembers a verdict. Old ones are forgotten all at once when there are many: each costs one try.
    ///
    /// # Errors
    /// When the file can't be written.
    pub fn remember(&mut self, accel: Accel, key: &str, verdict: Verdict) -> io::Result<()> {
        const KEPT: usize = 16;
        if self.verdicts.len() >= KEPT {
            self.verdicts.clear();
        }
        self.verdicts.insert(format!("{accel} {key}"), verdict);
        crate::files::write_json(&self.file, &self.verdicts)
    }
}

/// The key of a verdict: this QEMU (by the resolved program's path, size and time of change, so that
/// no process has to be run to learn its version) on this kernel.
pub fn memory_key(program: &Path, os_release: &str) -> String {
    let real = fs::canonicalize(program).unwrap_or_else(|_| program.to_owned());
    let stamp = crate::image::stamp(&real).unwrap_or_default();
    format!("{} {stamp} {os_release}", real.display())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn facts(os: Os, native: System, kvm_opens: bool, cpu: bool) -> HostFacts {
        HostFacts { os, native, kvm_opens, cpu_has_virtualization: cpu, os_release: "1".into() }
    }

    #[test]
    fn what_works_is_chosen() {
        use Accel::*;
        use System::*;
        let linux = facts(Os::Linux, X86_64Linux, true, true);
        let mac = facts(Os::Macos, Aarch64Linux, false, true);
        let never = |_| false;
        for (facts, setting, guest, wanted) in [
            (linux.clone(), Setting::Auto, X86_64Linux, Kvm),
            (linux.clone(), Setting::Tcg, X86_64Linux, Tcg),
            (linux.clone(), Setting::Auto, Aarch64Linux, Tcg),
            (linux.clone(), Setting::Kvm, Aarch64Linux, Tcg),
            // opens, but the processor has no flag: never runs a guest
            (facts(Os::Linux, X86_64Linux, true, false), Setting::Auto, X86_64Linux, Tcg),
            (facts(Os::Linux, X86_64Linux, false, true), Setting::Auto, X86_64Linux, Tcg),
            // the user's word is taken
            (facts(Os::Linux, X86_64Linux, true, false), Setting::Kvm, X86_64Linux, Kvm),
            (mac.clone(), Setting::Auto, Aarch64Linux, Hvf),
            (mac.clone(), Setting::Auto, X86_64Linux, Tcg),
            (facts(Os::Macos, Aarch64Linux, false, false), Setting::Auto, Aarch64Linux, Tcg),
        ] {
            assert_eq!(choose(&facts, setting, guest, never), wanted, "{facts:?} {setting:?} {guest}");
        }
        assert_eq!(choose(&linux, Setting::Auto, X86_64Linux, |a| a == Kvm), Tcg);
        assert_eq!(choose(&linux, Setting::Kvm, X86_64Linux, |a| a == Kvm), Kvm);
    }

    #[test]
    fn a_flag_is_a_whole_word_in_the_flags_line() {
        assert!(cpuinfo_has_virtualization("model name : x\nflags\t\t: fpu vmx sse\n"));
        assert!(cpuinfo_has_virtualization("flags : svm"));
        assert!(!cpuinfo_has_virtualization("flags : fpu vmx_x\nvmx flags : vmx"));
        assert!(!cpuinfo_has_virtualization(""));
    }

    #[test]
    fn a_failure_is_remembered_until_qemu_or_the_kernel_changes() {
        let dir = tempfile::tempdir().unwrap();
        let (file, qemu) = (dir.path().join("accel.json"), dir.path().join("qemu"));
        fs::write(&qemu, "one").unwrap();
        let key = memory_key(&qemu, "6.1");
        let mut memory = AccelMemory::load(&file);
        assert_eq!(memory.verdict(Accel::Kvm, &key), None);
        memory.remember(Accel::Kvm, &key, Verdict::Failed).unwrap();

        let memory = AccelMemory::load(&file);
        assert!(memory.failed(Accel::Kvm, &key));
        assert!(!memory.failed(Accel::Hvf, &key));
        assert!(!memory.failed(Accel::Kvm, &memory_key(&qemu, "6.2")));
        fs::write(&qemu, "another").unwrap();
        assert!(!memory.failed(Accel::Kvm, &memory_key(&qemu, "6.1")));

        fs::write(&file, "{ garbage").unwrap();
        assert!(!AccelMemory::load(&file).failed(Accel::Kvm, &key));
    }
}
