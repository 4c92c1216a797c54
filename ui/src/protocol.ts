/** The types that cross the boundary to the engine, in serde's JSON shape: `src-tauri/protocol/src`.
 * Made from there by `IGLOO_BLESS=1 cargo test -p igloo-protocol`; change nothing here. */

/** How QEMU runs the guest's processor. */
export type Accel = "hvf" | "kvm" | "tcg";

/** When a change of a setting takes effect. */
export type Applies = "now" | "next_start";

/** A build. */
export type Build = {
/** The derivation: its store path where a source can tell, else its name (`hello-2.12.1`).
 * `None`: a build runs, but no source can tell which. */
derivation: string | null,
/** How it is. */
state: BuildState,
/** Seconds since it started, where a source can tell. */
elapsed_s: number | null,
/** Processor seconds that it used so far, where a source can tell. */
cpu_s: number | null,
/** Where this is known from. */
source: BuildSource, };

/** How a build ended. */
export type BuildEnd = "built" | "not_built" | "builder_ended" | "unknown";

/** Where a build is known from. */
export type BuildSource = "guest_processes";

/** How a build is. */
export type BuildState = "running" | "session";

/** One of the builders that Igloo knows: one a system, each with a name of its own everywhere.
 *
 * A closed enum on purpose: it travels to `igloo-admin`, which derives every path and every
 * line from it and takes no name from its caller. */
export type BuilderId = "aarch64" | "x86_64";

/** One builder as faces show it. */
export type BuilderView = {
/** Which one. */
id: BuilderId,
/** Whether the settings enable it. */
enabled: boolean,
/** The systems that it builds: as promised before it ran, as seen in the guest after. */
systems: Array<System>,
/** Where in its life it is. */
phase: Phase,
/** When it entered this phase: milliseconds since the Unix epoch. */
since_ms: number,
/** The ssh alias. */
alias: string,
/** The loopback port that Nix connects to. */
port: number,
/** Virtual processors at the next start. */
cores: number,
/** Memory at the next start, in MiB. */
memory_mib: number,
/** The size of the disk at the next start, in GiB. */
disk_gib: number,
/** Whether the next start is ephemeral. */
ephemeral: boolean,
/** Whether the persistent disk will be made clean at the next start. */
reset_pending: boolean,
/** What runs differs from the settings in these; it takes effect at the next start. */
pending: Array<Pending>,
/** What runs, while something runs. */
running: GuestInfo | null,
/** The builds that run in the guest now. `None`: not known. */
builds: Array<Build> | null,
/** The builds that ended since the engine started, newest first: at most [`FinishedBuild::MOST`]. */
finished: Array<FinishedBuild>,
/** Something that does not stop the builder but that the user should know. */
warning: Problem | null,
/** Whether this machine's Nix is set up to build on it. */
setup: Setup,
/** Where the key is that the user logs in with. */
key_in: KeyPlace, };

/** What kind of problem it is. The CLI's exit codes are derived from it (`docs/exit-codes.md`). */
export type Code = "internal" | "usage" | "no_engine" | "engine_running" | "engine_failed" | "no_display" | "bad_settings" | "unknown_builder" | "disabled" | "wrong_phase" | "no_image" | "bad_manifest" | "bad_image" | "bad_disk" | "disk_full" | "missing_tool" | "port_taken" | "bad_key" | "keychain_failed" | "image_failed" | "vm_failed" | "vm_crashed" | "boot_timeout" | "host_key_mismatch" | "login_failed" | "daemon_failed" | "wrong_system" | "too_many_restarts" | "guest_unreachable" | "clock_off" | "cancelled" | "not_confirmed" | "not_allowed" | "admin_failed" | "file_changed" | "not_managed" | "proof_failed";

/** Everything that a face can ask the engine to do. */
export type Command = { "command": "start",
/** Which builder. */
builder: BuilderId, } | { "command": "stop",
/** Which builder. */
builder: BuilderId,
/** What to do about builds that run. */
mode: StopMode, } | { "command": "restart",
/** Which builder. */
builder: BuilderId,
/** What to do about builds that run. */
mode: StopMode, } | { "command": "reset",
/** Which builder. */
builder: BuilderId, } | { "command": "daemon_key",
/** Which builder. */
builder: BuilderId,
/** The public half in OpenSSH's one-line form. `None`: the key is taken out. */
public_key: string | null, } | { "command": "settings",
/** What changes. */
patch: SettingsPatch, };

/** A number from 1 to 1024: of builds at a time, or how fast a builder is. */
export type Count = number;

/** A file system's use, in bytes. */
export type DiskUse = {
/** In use. */
used: number,
/** All there is. */
total: number, };

/** A file that is not as a builder needs it. */
export type Drift = {
/** Its path. */
path: string,
/** What differs, in one plain sentence. */
how: string, };

/** The engine itself, and the machine that it runs on. */
export type EngineInfo = {
/** Igloo's version. */
version: string,
/** [`API_VERSION`] */
api: number,
/** The engine's process id. */
pid: number,
/** When it started: milliseconds since the Unix epoch. */
started_ms: number,
/** Whether the settings have the app open when its user logs in. */
open_at_login: boolean,
/** Whether this machine runs on its battery. `None`: it has none, or can't tell. */
on_battery: boolean | null, };

/** The name of a feature that a derivation may require, such as `big-parallel`. */
export type Feature = string;

/** The features of a builder: at most 32, each once. */
export type Features = Array<Feature>;

/** A build that ended. */
export type FinishedBuild = {
/** As of [`Build::derivation`]. */
derivation: string | null,
/** How it ended. */
end: BuildEnd,
/** Seconds from its start to the look that found it gone, where a source can tell. */
elapsed_s: number | null,
/** When it was found gone: milliseconds since the Unix epoch. */
ended_ms: number, };

/** The virtual machine that runs. */
export type GuestInfo = {
/** The hypervisor's process id. */
pid: number,
/** How the guest's processor is run. */
accel: Accel,
/** Whether it writes to a throwaway disk. */
ephemeral: boolean,
/** Virtual processors that it has. */
cores: number,
/** Memory that it has, in MiB. */
memory_mib: number,
/** When it was started: milliseconds since the Unix epoch. */
started_ms: number,
/** Milliseconds from the start to each rung that was reached. Empty after an adoption. */
climbed: Array<[Rung, number]>,
/** The user to log in as. */
user: string,
/** The host key that the guest must show: type and base64. */
host_key: string,
/** The version of Nix in the guest. */
nix_version: string | null,
/** What its Nix can do for derivations that ask for it (`system-features`), as it says itself. Empty until then. */
features: Array<string>,
/** What it uses, as of the last look. */
usage: Usage | null, };

/** The public half of an ed25519 host key: `ssh-ed25519 <base64>`, without a comment. */
export type HostKey = string;

/** How far a builder's image is. */
export type ImageProgress = {
/** Whose image it is. */
builder: BuilderId,
/** What is done now. */
doing: ImageStep, };

/** What is done for an image. */
export type ImageStep = { "step": "nix" } & NixView | { "step": "store" };

/** Who installed Nix, or looks after its settings. */
export type InstallKind = "none" | "official" | "nix_installer" | "determinate" | "lix" | "nix_darwin" | "nix_os" | "debian";

/** How Nix is installed, as its files tell. */
export type Installation = {
/** By whom. */
kind: InstallKind,
/** The file that carries the user's own settings of Nix. `None`: they belong into the configuration of the
 * program that generates `nix.conf`. */
settings: ManagedFile | null,
/** The launchd label or systemd unit of the Nix daemon; `None`: none that can be restarted. */
daemon: string | null,
/** Whether Igloo may write `/etc/nix/machines`. */
machines_free: boolean,
/** Whether Nix reads `/etc/nix/machines`, as far as its files tell. */
machines_read: boolean,
/** Whether Nix has another way to build for Linux here (`external-builders`), as Determinate's native Linux
 * builder is. */
external_builders: boolean,
/** What stands in the way of a setup, or will, with what to do about it. */
obstacles: Array<Problem>, };

/** Where the private key is that the user logs in to a builder with. */
export type KeyPlace = { "place": "none" } | { "place": "keychain" } | { "place": "file",
/** Why not in the keychain. `None`: the settings say so, or it is not known. */
why: Problem | null, };

/** A builder's entry in `/etc/nix/machines`. */
export type Machine = {
/** Which builder. */
builder: BuilderId,
/** What it builds. */
systems: Systems,
/** How many builds Nix may give it at a time. */
max_jobs: Count,
/** How fast it is, relative to other builders; 1 when left out. */
speed_factor?: Count | null,
/** The features that it supports, such as `big-parallel`. */
features: Features,
/** The guest's host key, which Nix pins. */
host_key: HostKey, };

/** A file that Igloo may write, or (where it says so) only looks at. Its path is known to `igloo-admin` alone. */
export type ManagedFile = "builder_key" | "builder_key_pub" | { "ssh_host": BuilderId } | "machines" | "nix_conf" | "nix_custom_conf" | "helper" | "linux_builder_job";

/** A setting of Nix that Igloo may write. Others (`post-build-hook`, `build-hook`, `substituters`, ...) would make
 * root run what a caller chose, and have no form here. */
export type NixSetting = "builders" | { "builders_use_substitutes": boolean } | { "extra_trusted_users": Users };

/** How far Nix is. */
export type NixView = {
/** Derivations that are built. */
built: Tally,
/** Store paths that are fetched. */
fetched: Tally,
/** Bytes that are downloaded, as they come: mostly compressed. */
downloaded: Tally,
/** Bytes that are unpacked into the store. */
unpacked: Tally,
/** What is built or fetched now: the store path's name, without its hash. */
now: string | null, };

/** One thing that `igloo-admin` can do. The helper derives every path and every line from it. */
export type Operation = "builder_key" | { "ssh_host": SshHost } | { "machine": Machine } | { "nix_setting": NixSetting } | "restart_nix_daemon" | { "linux_builder_service": ServiceAction };

/** How a run of `igloo-admin` ended. */
export type Outcome = "applied" | "unchanged" | "failed" | "undone" | "partly_undone" | "nothing_to_undo" | "status";

/** A setting that takes effect at the next start. */
export type Pending = "cores" | "memory" | "disk" | "ephemeral" | "port" | "image";

/** Where in its life a builder is. Derived from what probes say, never stored. */
export type Phase = { "phase": "stopped" } | { "phase": "preparing",
/** What is done now. */
step: PrepareStep, } | { "phase": "booting",
/** The last rung that was reached; `None` before the first. */
rung: Rung | null, } | { "phase": "ready" } | { "phase": "draining",
/** How many builds still run. */
builds: number, } | { "phase": "stopping" } | { "phase": "failed",
/** Why, and what to do. */
problem: Problem, };

/** What to change, and what the files looked like when the user said yes.
 *
 * Made by `igloo_admin::plan`; read only through [`Plan::from_json`]. */
export type Plan = {
/** [`PLAN_VERSION`]. */
version: number,
/** What to do, in this order. */
ops: Array<Operation>,
/** Every file that the operations touch, as it was seen. The helper refuses when one differs. */
files: Array<PlannedFile>,
/** When it was made, in microseconds since 1970. The helper refuses a plan that is old, or older than
 * the last change beside its files; so also one without a time, as the first Igloo wrote them. */
made_at?: number | null,
/** What the user should know before saying yes, in plain words. Left out of what the helper gets. */
warnings?: Array<string>, };

/** A file that a plan touches. */
export type PlannedFile = {
/** Which file. */
file: ManagedFile,
/** What was there. */
seen: Seen, };

/** What happens before a machine is started. */
export type PrepareStep = "image" | "store" | "keys" | "disk" | "launch";

/** Something that went wrong: a typed code, what happened and why, and what to do about it. */
export type Problem = {
/** What kind of problem it is. */
code: Code,
/** What happened, and the cause as far as it is known. One sentence, no full stop. */
message: string,
/** What the user can do. One sentence, no full stop. */
remedy: string, };

/** What a run of `igloo-admin` came to. The exit code is that of `problem`, or 0. */
export type Report = {
/** [`REPORT_VERSION`]. */
version: number,
/** The whole, in a word. */
outcome: Outcome,
/** The parts. */
steps: Array<StepReport>,
/** The public key that root's Nix logs in with (`ssh-ed25519 <base64> <comment>`), if there is one. */
public_key?: string | null,
/** Why it is not what was asked for. */
problem?: Problem | null, };

/** A rung of the readiness ladder, lowest first. The rung at which a start stopped is what the user is told. */
export type Rung = "process" | "qmp" | "port" | "banner" | "host_key" | "login" | "daemon" | "systems";

/** What was found in the place of a file. */
export type Seen = "absent" | "present" | { "sha256": Sha256 };

/** What can be done with nix-darwin's own Linux builder, in the order in which it is done. */
export type ServiceAction = "stop" | "wipe" | "start";

/** Which service it is. */
export type ServiceKind = "linux_builder" | "rosetta_builder" | "virby" | "determinate_vm" | "determinate_native";

/** How a service is. */
export type ServiceState = "running" | "on_demand" | "failing" | "stopped" | "disabled" | "unknown";

/** One service as faces show it. */
export type ServiceView = {
/** [`ServiceKind::label`] */
label: string,
/** Which one. */
kind: ServiceKind,
/** [`ServiceKind::name`] */
name: string,
/** How it is. */
state: ServiceState,
/** The process that launchd started. */
pid: number | null,
/** The loopback port that it listens on while it runs. */
port: number | null,
/** Where its disk and its keys are. */
working_directory: string | null,
/** Whether it is configured to forget everything at each start. `None`: not known. */
ephemeral: boolean | null,
/** What its disk takes up on this machine, in bytes. `None`: not known. */
disk_used: number | null,
/** What launchd runs. */
program: string | null,
/** Whether Igloo can start and stop it. */
controllable: boolean,
/** What is wrong with it. */
problem: Problem | null, };

/** One setting as it is in force. */
export type SettingView = {
/** Its dotted name in `settings.toml` (`builders.x86_64.cores`). */
key: string,
/** The value in force, in TOML's form. `None`: there is none. */
value: string | null,
/** The value without the user's choice, in TOML's form. */
default: string | null,
/** Whether the settings file sets it. */
set: boolean,
/** What it does, in one sentence for a person. */
effect: string,
/** When a change of it takes effect. */
applies: Applies, };

/** A change of one or several settings, by their dotted names in `settings.toml`
 * (`builders.x86_64.cores`), with the values as text in TOML's form. */
export type SettingsPatch = {
/** Settings to set, in order. `None` goes back to the default. */
set: Array<[string, string | null]>, };

/** Whether this machine's Nix is set up to build on a builder, as far as its files tell. */
export type Setup = { "state": "unknown" } | { "state": "absent" } | { "state": "in_place" } | { "state": "drifted",
/** What differs, one entry a file. */
files: Array<Drift>, };

/** The SHA-256 of a file's bytes, in lower-case hexadecimal. */
export type Sha256 = string;

/** All that a face shows, at one moment. */
export type Snapshot = {
/** Counts up with every change. */
seq: number,
/** The engine itself. */
engine: EngineInfo,
/** Every known builder, in the order of [`BuilderId::ALL`]. */
builders: Array<BuilderView>,
/** Services of other programs that build for Linux here. */
services: Array<ServiceView>, };

/** A builder's ssh host alias. */
export type SshHost = {
/** Which builder. */
builder: BuilderId,
/** The loopback TCP port that it is reached on. */
port: number,
/** Whether root's connections share one (ssh's `ControlMaster`). It halves the time of small builds,
 * and some versions of Nix can't live with it, so it is for the caller to know that this one can:
 * 2.16 hangs (NixOS/nix#8329); Determinate Nix, which opens masters of its own, fails with "protocol
 * mismatch, got 'started'" (DeterminateSystems/nix-src#441, NixOS/nix#14132). */
share_connection: boolean, };

/** One step of a run. */
export type StepReport = {
/** What it is about, in plain words. */
what: string,
/** What became of it. */
state: StepState,
/** Why it failed or was left alone. */
problem?: Problem | null, };

/** What became of a step. */
export type StepState = "done" | "unchanged" | "failed" | "not_reached" | "rolled_back" | "undone" | "left_alone" | "in_place" | "edited" | "gone";

/** What a stop does about builds that run. */
export type StopMode = "wait" | "now";

/** A Nix system that a builder can build. */
export type System = "aarch64-linux" | "x86_64-linux";

/** The systems of a builder: at least one, each once. */
export type Systems = Array<System>;

/** How far something is. */
export type Tally = {
/** What is done. */
done: number,
/** What there is to do, as far as it is known by now; it grows. */
expected: number, };

/** What a guest uses. */
export type Usage = {
/** Share of all its processors in use since the look before, 0 to 1. */
cpu: number,
/** Memory in use, in bytes: the total less what is available. */
memory_used: number,
/** All its memory, in bytes. */
memory_total: number,
/** The file system that holds the store. */
disk: DiskUse, };

/** The name of a user of this machine. Groups (`@admin`) and everybody (`*`) have no form here. */
export type User = string;

/** Users of this machine: 1 to 8, each once. */
export type Users = Array<User>;
