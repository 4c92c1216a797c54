import type { SetupPlan } from "../backend.ts";
import type { BuilderId, BuilderView, Code, Installation, Phase, Problem, Snapshot } from "../protocol.ts";
import { boot, long } from "./console.ts";
import {
  build,
  builder,
  ended,
  guest,
  inPhase,
  linuxBuilder,
  noImage,
  problem,
  snapshot,
  usage,
} from "./samples.ts";
import { external, installation, nothing, plan, snippet } from "./setup.ts";
import type { SetupOptions } from "../backend.ts";

/** What the fake begins with. */
export interface Scene {
  snapshot: Snapshot;
  /** Why there is no snapshot. */
  lost?: Problem;
  /** The snapshot never comes. */
  silent?: boolean;
  installation: Installation;
  plan: (id: BuilderId, options: SetupOptions) => SetupPlan;
  /** Whether the setup has been done. */
  setUp: boolean;
  /** The builders have no image. */
  noImage?: boolean;
  log: string[];
  page: string;
}

const builds = [
  build("linux-6.12.57", 754),
  build("nixos-system-igloo-25.11", 92),
  build("rustc-1.91.0", null, "session"),
];

const finished = (now: number) => [
  ended("zstd-1.5.7", 41, now - 95_000),
  ended("openssl-3.6.0", 388, now - 9 * 60_000, "not_built"),
  ended("perl-5.42.0", 512, now - 31 * 60_000),
];

const other = (): BuilderView => builder("x86_64", { enabled: false, setup: { state: "absent" } });

function scene(builders: BuilderView[], now: number, more: Partial<Scene> = {}): Scene {
  return {
    snapshot: snapshot(builders, now),
    installation: installation("determinate"),
    plan: () => nothing(),
    setUp: true,
    log: boot(),
    page: "builders",
    ...more,
  };
}

const phase =
  (p: Phase, more: Partial<BuilderView> = {}) =>
  (now: number) =>
    scene([inPhase("aarch64", p, now, more), other()], now);

const failed = (code: Code, message: string, remedy: string) =>
  phase({ phase: "failed", problem: problem(code, message, remedy) });

/** Every scene by its name in `?fake=`. */
export const SCENES: Readonly<Record<string, (now: number) => Scene>> = {
  ready: (now) =>
    scene(
      [
        inPhase("aarch64", { phase: "ready" }, now, { builds, finished: finished(now) }),
        builder("x86_64", { enabled: true, setup: { state: "absent" } }),
      ],
      now,
      { plan },
    ),
  both: (now) =>
    scene(
      [
        inPhase("aarch64", { phase: "ready" }, now, { builds }),
        inPhase("x86_64", { phase: "booting", rung: "port" }, now, { setup: { state: "absent" } }),
      ],
      now,
    ),
  idle: phase({ phase: "ready" }, { builds: [] }),
  stopped: phase({ phase: "stopped" }),
  preparing: phase({ phase: "preparing", step: "disk" }),
  booting: phase({ phase: "booting", rung: "host_key" }),
  draining: phase({ phase: "draining", builds: 2 }, { builds: builds.slice(0, 2) }),
  stopping: phase({ phase: "stopping" }),
  "no-image": (now) => ({
    ...phase({ phase: "failed", problem: noImage("aarch64") })(now),
    noImage: true,
  }),
  crashed: failed(
    "too_many_restarts",
    "the builder failed three times within five minutes; the last time: the guest's kernel panicked",
    "look at its log, then start it again",
  ),
  "port-taken": failed(
    "port_taken",
    "port 31022 is taken by qemu-system-aarch64 (process 812)",
    "stop what uses it, or choose another port with `igloo settings set builders.aarch64.port PORT`",
  ),
  "bad-disk": failed(
    "bad_disk",
    "the disk has errors that can't be repaired",
    "reset it with `igloo reset aarch64`",
  ),
  pending: phase(
    { phase: "ready" },
    {
      builds: [],
      cores: 6,
      memory_mib: 12288,
      ephemeral: true,
      pending: ["cores", "memory", "ephemeral"],
      reset_pending: true,
    },
  ),
  warning: (now) =>
    scene(
      [
        inPhase("aarch64", { phase: "ready" }, now, {
          builds: [],
          running: guest(now, 3000, { ephemeral: true, usage: usage(0.97, 7.3, 37.2) }),
          warning: problem(
            "disk_full",
            "the builder's disk is nearly full",
            "collect garbage in it, or make it larger",
          ),
        }),
        other(),
      ],
      now,
    ),
  "unknown-builds": (now) => {
    const b = { ...inPhase("aarch64", { phase: "ready" }, now), builds: null };
    return scene([b, other()], now);
  },
  drifted: (now) =>
    scene(
      [
        inPhase("aarch64", { phase: "ready" }, now, {
          builds: [],
          setup: {
            state: "drifted",
            files: [
              { path: "/etc/nix/machines", how: "the builder’s line is gone" },
              {
                path: "/etc/ssh/ssh_config.d/100-igloo-aarch64.conf",
                how: "it names port 31022, and the builder listens on 31044",
              },
            ],
          },
        }),
        other(),
      ],
      now,
      { plan },
    ),
  "nothing-enabled": (now) => scene([builder("aarch64", { enabled: false }), other()], now),
  "nix-darwin": (now) =>
    scene(
      [inPhase("aarch64", { phase: "ready" }, now, { builds: [], setup: { state: "absent" } }), other()],
      now,
      {
        installation: installation("nix_darwin"),
        plan: (id) => snippet(id),
        setUp: false,
      },
    ),
  external: (now) =>
    scene(
      [inPhase("aarch64", { phase: "ready" }, now, { builds: [], setup: { state: "absent" } }), other()],
      now,
      {
        installation: installation("determinate", { external_builders: true }),
        plan: external,
        setUp: false,
      },
    ),
  obstacle: (now) =>
    scene(
      [inPhase("aarch64", { phase: "ready" }, now, { builds: [], setup: { state: "absent" } }), other()],
      now,
      {
        installation: installation("official", {
          obstacles: [
            problem(
              "not_managed",
              "`builders =` in /etc/nix/nix.conf turns all builders off",
              "remove that line, then look again",
            ),
          ],
        }),
        plan,
        setUp: false,
      },
    ),
  services: (now) => {
    const made = scene([builder("aarch64"), other()], now);
    const virby = linuxBuilder({
      label: "org.nixos.virbyd",
      kind: "virby",
      name: "virby",
      state: "failing",
      pid: null,
      port: 31222,
      ephemeral: null,
      disk_used: null,
      controllable: false,
      problem: problem(
        "vm_failed",
        "virby ended with exit code 1, and launchd starts it again",
        "it keeps no log",
      ),
    });
    made.snapshot = { ...made.snapshot, services: [linuxBuilder(), virby] };
    return made;
  },
  "no-nix": (now) =>
    scene([inPhase("aarch64", { phase: "stopped" }, now), other()], now, {
      installation: installation("none"),
    }),
  "first-run": (now) =>
    scene(
      [
        builder("aarch64", { enabled: true, setup: { state: "absent" } }),
        builder("x86_64", { enabled: false, setup: { state: "absent" } }),
      ],
      now,
      { page: "welcome", plan, setUp: false, noImage: true, installation: installation("official") },
    ),
  "no-engine": (now) =>
    scene([], now, { lost: problem("no_engine", "no engine runs", "run `igloo serve` or open Igloo") }),
  silent: (now) => scene([], now, { silent: true }),
  "long-log": (now) =>
    scene([inPhase("aarch64", { phase: "ready" }, now, { builds }), other()], now, { log: long(50_000) }),
  "empty-log": (now) => scene([inPhase("aarch64", { phase: "stopped" }, now), other()], now, { log: [] }),
};
