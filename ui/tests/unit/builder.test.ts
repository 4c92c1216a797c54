import { expect, test } from "vitest";
import {
  actions,
  buildName,
  commandOf,
  hasCard,
  headline,
  mustAsk,
  pendingTexts,
  resources,
} from "../../src/model/builder.ts";
import { ladder, startTime } from "../../src/model/ladder.ts";
import { progress, starting } from "../../src/model/phase.ts";
import { builderRemedy, hasLog, warningRemedy } from "../../src/model/remedy.ts";
import { build, builder, climbed, inPhase, problem } from "../../src/fake/samples.ts";
import type { Code, Phase } from "../../src/protocol.ts";

const NOW = 1_800_000_000_000;
const FAILED = { phase: "failed", problem: problem("vm_failed", "it fell", "start it again") } as const;
const PHASES: Phase[] = [
  { phase: "stopped" },
  { phase: "preparing", step: "image" },
  { phase: "booting", rung: null },
  { phase: "booting", rung: "login" },
  { phase: "booting", rung: "systems" },
  { phase: "ready" },
  { phase: "draining", builds: 2 },
  { phase: "stopping" },
  FAILED,
];
const at = (phase: Phase) => inPhase("aarch64", phase, NOW);

test("every phase has its words", () => {
  const said = PHASES.map((p) => headline(at(p), NOW)).map((h) => `${h.tone}: ${h.word} ${h.detail}`.trim());
  expect(said).toEqual([
    "idle: Stopped",
    "busy: Starting reading the image",
    "busy: Starting starting the virtual machine",
    "busy: Starting asking nix-daemon",
    "busy: Starting almost there",
    "good: Ready no builds · up 1 h 12 min",
    "busy: Stopping after 2 builds",
    "busy: Stopping powering off",
    "bad: Failed",
  ]);
});

test("what is not known is left out", () => {
  expect(headline({ ...at({ phase: "ready" }), builds: null, running: null }, NOW).detail).toBe("");
});

test("every phase has its buttons", () => {
  expect(PHASES.map((p) => actions(at(p)))).toEqual([
    ["start"],
    ["cancel"],
    ["cancel"],
    ["cancel"],
    ["cancel"],
    ["stop", "restart"],
    ["stop_now"],
    [],
    ["start"],
  ]);
  expect(actions(builder("x86_64", { enabled: false }))).toEqual([]);
});

test("the user is asked when builds may be lost, also when nobody knows", () => {
  const ready = at({ phase: "ready" });
  expect(mustAsk(ready, "stop")).toBe(false);
  expect(mustAsk({ ...ready, builds: [build("hello-2.12.1", 1)] }, "stop")).toBe(true);
  expect(mustAsk({ ...ready, builds: null }, "restart")).toBe(true);
  expect(mustAsk({ ...ready, builds: null }, "start")).toBe(false);
});

test("buttons are commands", () => {
  const b = at({ phase: "ready" });
  expect(commandOf(b, "start", "wait")).toEqual({ command: "start", builder: "aarch64" });
  expect(commandOf(b, "stop", "wait")).toEqual({ command: "stop", builder: "aarch64", mode: "wait" });
  expect(commandOf(b, "cancel", "wait")).toMatchObject({ command: "stop", mode: "now" });
  expect(commandOf(b, "stop_now", "wait")).toMatchObject({ command: "stop", mode: "now" });
  expect(commandOf(b, "restart", "now")).toMatchObject({ command: "restart", mode: "now" });
});

test("a builder that was disabled while it runs keeps its card", () => {
  expect(hasCard(builder("x86_64", { enabled: false }))).toBe(false);
  expect(hasCard({ ...at({ phase: "ready" }), enabled: false })).toBe(true);
});

test("what takes effect later is told with its value, what runs with what it has", () => {
  const b = { ...at({ phase: "ready" }), cores: 6, memory_mib: 12288, ephemeral: true };
  expect(pendingTexts({ ...b, pending: ["cores", "memory", "disk", "ephemeral", "port", "image"] })).toEqual([
    "6 cores",
    "12 GiB memory",
    "40 GiB disk",
    "ephemeral on",
    "port 31022",
    "another image",
  ]);
  expect(resources(b)).toBe("4 cores · 8 GiB memory · 40 GiB disk");
});

test("a build's name leaves the store out", () => {
  expect(buildName(build("hello-2.12.1", 1))).toBe("hello-2.12.1");
  expect(buildName({ derivation: "hello" })).toBe("hello");
  expect(buildName({ derivation: null })).toBeUndefined();
});

test("a start only goes forward", () => {
  const way = PHASES.slice(1, 5).map((p) => progress(p) ?? NaN);
  expect([...way].sort((a, b) => a - b)).toEqual(way);
  expect(way.at(-1)).toBe(1);
  expect(progress({ phase: "ready" })).toBeUndefined();
  expect(starting({ phase: "ready" })).toBeUndefined();
});

test("the ladder says what was reached, what is awaited, and where it ended", () => {
  const states = (phase: Phase, last = climbed(null)) => ladder(phase, [], last).map((r) => r.state);
  const booting = ladder({ phase: "booting", rung: "banner" }, climbed("banner"));
  expect(booting.map((r) => r.state)).toEqual([
    ...Array(4).fill("reached"),
    "current",
    "ahead",
    "ahead",
    "ahead",
  ]);
  expect(booting[3]).toMatchObject({ text: "SSH answers", at: 4870 });
  expect(booting[4]).toMatchObject({ text: "Checking the host key", at: undefined });
  expect(states({ phase: "booting", rung: null })[0]).toBe("current");
  expect(states({ phase: "preparing", step: "disk" })).toEqual(Array(8).fill("ahead"));
  expect(states({ phase: "ready" })).toEqual(Array(8).fill("reached"));
  expect(states(FAILED, climbed("login")).slice(5)).toEqual(["reached", "failed", "ahead"]);
  expect(startTime(at({ phase: "ready" }))).toBe(6410);
});

test("each problem has the button that does its remedy", () => {
  const kind = (code: Code) => builderRemedy(problem(code, "", ""));
  expect(kind("no_image").kind).toBe("image");
  expect(kind("bad_image")).toMatchObject({ kind: "settings", field: "image" });
  expect(kind("port_taken")).toMatchObject({ kind: "settings", field: "port" });
  expect(kind("bad_disk").kind).toBe("reset");
  expect(kind("vm_crashed").kind).toBe("start");
  expect(kind("a_newer_code" as Code).kind).toBe("start");
  expect(warningRemedy(problem("guest_unreachable", "", ""))).toBeUndefined();
  expect(warningRemedy(problem("disk_full", "", ""))).toMatchObject({ field: "disk" });
  expect(hasLog(problem("boot_timeout", "", ""))).toBe(true);
  expect(hasLog(problem("port_taken", "", ""))).toBe(false);
});
