import type { BuilderId, Phase, PrepareStep, Rung } from "../protocol.ts";

/** Every rung, lowest first: `phase.rs`, `Rung::ALL`. */
export const RUNGS: readonly Rung[] = [
  "process",
  "qmp",
  "port",
  "banner",
  "host_key",
  "login",
  "daemon",
  "systems",
];

/** Every step before the machine starts, in order: `phase.rs`, `PrepareStep`. */
export const STEPS: readonly PrepareStep[] = ["image", "store", "keys", "disk", "launch"];

/** Every builder, in the order in which faces show them: `builder.rs`, `BuilderId::ALL`. */
export const BUILDERS: readonly BuilderId[] = ["aarch64", "x86_64"];

/** The system that a builder's own guest is. */
export function system(id: BuilderId): string {
  return `${id}-linux`;
}

/** What holds once a rung is reached: `Rung::describe`. */
export const REACHED: Readonly<Record<Rung, string>> = {
  process: "Virtual machine started",
  qmp: "Guest is running",
  port: "Port is open",
  banner: "SSH answers",
  host_key: "Host key is the expected one",
  login: "Logged in",
  daemon: "nix-daemon answers",
  systems: "Builds the promised systems",
};

/** What is waited for until a rung is reached. */
export const AWAITED: Readonly<Record<Rung, string>> = {
  process: "starting the virtual machine",
  qmp: "waiting for the guest to run",
  port: "waiting for the port",
  banner: "waiting for SSH",
  host_key: "checking the host key",
  login: "logging in",
  daemon: "asking nix-daemon",
  systems: "checking what it builds",
};

/** What is done in a step: `PrepareStep::describe`. */
export const PREPARING: Readonly<Record<PrepareStep, string>> = {
  image: "reading the image",
  store: "making the store image",
  keys: "laying out the keys",
  disk: "preparing the disk",
  launch: "starting the virtual machine",
};

/** The rung after this one; the first after none. */
export function nextRung(rung: Rung | null): Rung | undefined {
  return RUNGS[rung === null ? 0 : RUNGS.indexOf(rung) + 1];
}

/** What happens in a start now; `undefined` in phases that are no start. */
export function starting(phase: Phase): string | undefined {
  if (phase.phase === "preparing") return PREPARING[phase.step];
  if (phase.phase !== "booting") return undefined;
  const next = nextRung(phase.rung);
  return next ? AWAITED[next] : "almost there";
}

/** How far a start is, 0 to 1; `undefined` in phases that are no start. */
export function progress(phase: Phase): number | undefined {
  const all = STEPS.length + RUNGS.length;
  if (phase.phase === "preparing") return STEPS.indexOf(phase.step) / all;
  if (phase.phase !== "booting") return undefined;
  const climbed = phase.rung === null ? 0 : RUNGS.indexOf(phase.rung) + 1;
  return (STEPS.length + climbed) / all;
}

/** Whether a virtual machine is there or is about to be: `Phase::is_up`. */
export function isUp(phase: Phase): boolean {
  return phase.phase !== "stopped" && phase.phase !== "failed";
}
