/**
 * The types that cross the boundary to the engine, in serde's JSON shape: `src-tauri/protocol/src`.
 * Written by hand until they are generated from there; nothing but types may stand here.
 */

/** `builder.rs` */
export type BuilderId = "aarch64" | "x86_64";
export type System = "aarch64-linux" | "x86_64-linux";
export type Accel = "hvf" | "kvm" | "tcg";

/** `problem.rs`: the names of `Code`. Others may come from a newer engine. */
export type Code = string;

/** What went wrong: a lower-case sentence each, without a full stop. */
export interface Problem {
  code: Code;
  message: string;
  remedy: string;
}

/** `phase.rs` */
export type PrepareStep = "image" | "keys" | "disk" | "launch";
export type Rung = "process" | "qmp" | "port" | "banner" | "host_key" | "login" | "daemon" | "systems";
export type Phase =
  | { phase: "stopped" }
  | { phase: "preparing"; step: PrepareStep }
  | { phase: "booting"; rung: Rung | null }
  | { phase: "ready" }
  | { phase: "draining"; builds: number }
  | { phase: "stopping" }
  | { phase: "failed"; problem: Problem };

/** `snapshot.rs` */
export interface Snapshot {
  seq: number;
  engine: EngineInfo;
  builders: BuilderView[];
}

export interface EngineInfo {
  version: string;
  api: number;
  pid: number;
  /** Milliseconds since the Unix epoch. */
  started_ms: number;
}

export interface BuilderView {
  id: BuilderId;
  enabled: boolean;
  systems: System[];
  phase: Phase;
  /** When it entered this phase: milliseconds since the Unix epoch. */
  since_ms: number;
  alias: string;
  port: number;
  cores: number;
  memory_mib: number;
  disk_gib: number;
  ephemeral: boolean;
  reset_pending: boolean;
  pending: Pending[];
  running: GuestInfo | null;
  /** `null`: not known. */
  builds: Build[] | null;
  warning: Problem | null;
  setup: Setup;
}

export type Setup =
  { state: "unknown" } | { state: "absent" } | { state: "in_place" } | { state: "drifted"; files: Drift[] };

export interface Drift {
  path: string;
  how: string;
}

export type Pending = "cores" | "memory" | "disk" | "ephemeral" | "port" | "image";

export interface GuestInfo {
  pid: number;
  accel: Accel;
  ephemeral: boolean;
  cores: number;
  memory_mib: number;
  /** Milliseconds since the Unix epoch. */
  started_ms: number;
  /** Milliseconds from the start to each rung that was reached. */
  climbed: [Rung, number][];
  user: string;
  host_key: string;
  nix_version: string | null;
  features: string[];
  usage: Usage | null;
}

export interface Usage {
  /** 0 to 1, of all its processors. */
  cpu: number;
  /** Bytes. */
  memory_used: number;
  /** Bytes. */
  memory_total: number;
  disk: DiskUse;
}

export interface DiskUse {
  /** Bytes. */
  used: number;
  /** Bytes. */
  total: number;
}

export interface Build {
  /** Store path of the derivation, or its name; `null`: a build runs, but no source can tell which. */
  derivation: string | null;
  state: BuildState;
  elapsed_s: number | null;
  cpu_s: number | null;
  source: "guest_processes";
}

/** `session`: a connection is open for it, but nothing of it runs yet (or any more). */
export type BuildState = "running" | "session";

/** `command.rs` */
export type Command =
  | { command: "start"; builder: BuilderId }
  | { command: "stop"; builder: BuilderId; mode: StopMode }
  | { command: "restart"; builder: BuilderId; mode: StopMode }
  | { command: "reset"; builder: BuilderId }
  | { command: "daemon_key"; builder: BuilderId; public_key: string | null }
  | { command: "settings"; patch: SettingsPatch };

export type StopMode = "wait" | "now";

export interface SettingsPatch {
  /** Dotted name, and the value in TOML's form; `null` goes back to the default. */
  set: [string, string | null][];
}

/** `answers.rs` */
export interface SettingView {
  key: string;
  /** In TOML's form. */
  value: string | null;
  default: string | null;
  set: boolean;
  effect: string;
  applies: Applies;
}

export type Applies = "now" | "next_start";

/** `installation.rs` */
export interface Installation {
  kind: InstallKind;
  settings: ManagedFile | null;
  daemon: string | null;
  machines_free: boolean;
  obstacles: Problem[];
}

export type InstallKind =
  "none" | "official" | "nix_installer" | "determinate" | "lix" | "nix_darwin" | "nix_os" | "debian";

/** `plan.rs` */
export type ManagedFile =
  "builder_key" | "builder_key_pub" | { ssh_host: BuilderId } | "machines" | "nix_conf" | "nix_custom_conf";

/** What to change. The page only hands it back; what is in it is for `igloo-admin`. */
export interface Plan {
  version: number;
  ops: unknown[];
  files: PlannedFile[];
  warnings?: string[];
}

export interface PlannedFile {
  file: ManagedFile;
  seen: "absent" | "present" | { sha256: string };
}

/** `plan/report.rs` */
export interface Report {
  version: number;
  outcome: Outcome;
  steps: StepReport[];
  public_key?: string;
  problem?: Problem;
}

export type Outcome =
  "applied" | "unchanged" | "failed" | "undone" | "partly_undone" | "nothing_to_undo" | "status";

export interface StepReport {
  what: string;
  state: StepState;
  problem?: Problem;
}

export type StepState =
  | "done"
  | "unchanged"
  | "failed"
  | "not_reached"
  | "rolled_back"
  | "undone"
  | "left_alone"
  | "in_place"
  | "edited"
  | "gone";
