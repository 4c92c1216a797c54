import { RUNGS } from "../model/phase.ts";
import type {
  Build,
  BuildEnd,
  BuilderId,
  BuilderView,
  Code,
  FinishedBuild,
  GuestInfo,
  ImageStep,
  Phase,
  Problem,
  Rung,
  ServiceView,
  Snapshot,
  Usage,
} from "../protocol.ts";

export const GIB = 1024 ** 3;

/** Milliseconds from a start to each rung, as seen on a quick machine. */
const CLIMB: Readonly<Record<Rung, number>> = {
  process: 120,
  qmp: 340,
  port: 410,
  banner: 4870,
  host_key: 4930,
  login: 5080,
  daemon: 5620,
  systems: 6410,
};

export function climbed(to: Rung | null): [Rung, number][] {
  const end = to === null ? 0 : RUNGS.indexOf(to) + 1;
  return RUNGS.slice(0, end).map((rung) => [rung, CLIMB[rung]]);
}

export function problem(code: Code, message: string, remedy: string): Problem {
  return { code, message, remedy };
}

/** What a start says that has nothing to start from. */
export function noImage(id: BuilderId): Problem {
  return problem(
    "no_image",
    `no image is chosen for the builder ${id}`,
    `choose one with \`igloo image use FOLDER --builder ${id}\``,
  );
}

/** How an image comes: Nix looks, fetches, and its store image is made. */
export function imageSteps(): ImageStep[] {
  const MIB = 1024 ** 2;
  const none = { done: 0, expected: 0 };
  const nix = {
    step: "nix",
    built: none,
    fetched: none,
    downloaded: none,
    unpacked: none,
    now: null,
  } as const;
  const at = (now: string, done: number, got: number): ImageStep => ({
    ...nix,
    now,
    built: { done: 0, expected: 3 },
    fetched: { done, expected: 412 },
    downloaded: { done: got * MIB, expected: 386 * MIB },
  });
  return [nix, at("linux-6.12.57", 96, 112), at("systemd-258.2", 371, 340), { step: "store" }];
}

export function build(name: string, elapsed: number | null, state: Build["state"] = "running"): Build {
  const hash = "0c0w2x3m3m1yhzjqmm9jq5s8c5k3w1f4";
  return {
    derivation: `/nix/store/${hash}-${name}.drv`,
    state,
    elapsed_s: elapsed,
    cpu_s: elapsed && elapsed * 1.7,
    source: "guest_processes",
  };
}

export function ended(
  name: string,
  seconds: number,
  ended_ms: number,
  end: BuildEnd = "built",
): FinishedBuild {
  return { derivation: build(name, null).derivation, end, elapsed_s: seconds, ended_ms };
}

export function usage(cpu: number, memory: number, disk = 12.4): Usage {
  return {
    cpu,
    memory_used: memory * GIB,
    memory_total: 7.8 * GIB,
    disk: { used: disk * GIB, total: 39.1 * GIB },
  };
}

export function guest(now: number, minutes: number, more: Partial<GuestInfo> = {}): GuestInfo {
  return {
    pid: 4242,
    accel: "hvf",
    ephemeral: false,
    cores: 4,
    memory_mib: 8192,
    started_ms: now - minutes * 60_000,
    climbed: climbed("systems"),
    user: "builder",
    host_key: "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJBWcxb/Blaqt1auOtE+F8QUWrUotiC5qBJ+UuEWdVCb",
    nix_version: "2.31.2",
    features: ["benchmark", "big-parallel"],
    usage: usage(0.34, 2.1),
    ...more,
  };
}

export function builder(id: BuilderId, more: Partial<BuilderView> = {}): BuilderView {
  const arm = id === "aarch64";
  return {
    id,
    enabled: arm,
    systems: [`${id}-linux`],
    phase: { phase: "stopped" },
    since_ms: 0,
    alias: arm ? "linux-builder" : "linux-builder-x86_64",
    port: arm ? 31022 : 31023,
    cores: 4,
    memory_mib: 8192,
    disk_gib: 40,
    ephemeral: false,
    reset_pending: false,
    pending: [],
    running: null,
    builds: null,
    finished: [],
    warning: null,
    setup: { state: "in_place" },
    key_in: { place: "keychain" },
    ...more,
  };
}

/** A builder in a phase, with what belongs to it. */
export function inPhase(
  id: BuilderId,
  phase: Phase,
  now: number,
  more: Partial<BuilderView> = {},
): BuilderView {
  const b = builder(id, { enabled: true, phase, since_ms: now - 60_000, ...more });
  switch (phase.phase) {
    case "booting":
      return {
        ...b,
        running: guest(now, 0, { climbed: climbed(phase.rung), usage: null, nix_version: null }),
      };
    case "ready":
    case "draining":
    case "stopping":
      return { ...b, running: more.running ?? guest(now, 72), builds: more.builds ?? [] };
    default:
      return b;
  }
}

export function snapshot(builders: BuilderView[], now: number): Snapshot {
  const engine = {
    version: "0.1.0",
    api: 1,
    pid: 4100,
    started_ms: now - 3_600_000,
    open_at_login: false,
    on_battery: null,
  };
  return { seq: 1, engine, builders, services: [] };
}

/** nix-darwin's own builder. */
export function linuxBuilder(more: Partial<ServiceView> = {}): ServiceView {
  return {
    label: "org.nixos.linux-builder",
    kind: "linux_builder",
    name: "nix-darwin's linux-builder",
    state: "running",
    pid: 812,
    port: 31022,
    working_directory: "/var/lib/linux-builder",
    ephemeral: true,
    disk_used: 7 * GIB,
    program: "/nix/store/8w0pdgbk1a5s8kqv1zmc1k0v6nxb3a2c-linux-builder-start",
    controllable: true,
    problem: null,
    ...more,
  };
}
