import { emit } from "@tauri-apps/api/event";
import { clearMocks, mockIPC } from "@tauri-apps/api/mocks";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { problemOf } from "../../src/backend.ts";
import { tauri } from "../../src/tauri.ts";
import { builder, problem, snapshot } from "../../src/fake/samples.ts";
import type { ImageProgress, Problem, Snapshot } from "../../src/protocol.ts";

/** The app's side: every call with its arguments. */
let calls: [string, unknown][];
const answers = new Map<string, unknown>();

beforeEach(() => {
  calls = [];
  answers.clear();
  vi.stubGlobal("window", globalThis);
  mockIPC(
    (name, args) => {
      calls.push([name, args]);
      const answer = answers.get(name);
      if (answer instanceof Error) throw answer.cause;
      return answer;
    },
    { shouldMockEvents: true },
  );
});
afterEach(() => {
  clearMocks();
  vi.unstubAllGlobals();
});

test("every wish is the command of its name, with the arguments that the app takes", async () => {
  const plan = { version: 1, ops: [], files: [] };
  const options = { share_connection: true, substitutes: false, trust_user: false, beside_external: false };
  await tauri.snapshot();
  await tauri.command({ command: "start", builder: "aarch64" });
  await tauri.settings();
  await tauri.cancelImage();
  await tauri.log("x86_64", 10);
  await tauri.installation();
  await tauri.setupPlan("aarch64", options);
  await tauri.setupApply(plan);
  await tauri.setupUndo();
  await tauri.setupStatus();
  await tauri.servicePlan("stop");
  await tauri.openTerminal("aarch64");
  await tauri.terminals();
  await tauri.firstRunDone();
  await tauri.copy("text");
  await tauri.page();
  expect(calls).toEqual([
    ["snapshot", {}],
    ["command", { command: { command: "start", builder: "aarch64" } }],
    ["settings", {}],
    ["image_cancel", {}],
    ["log", { builder: "x86_64", lines: 10 }],
    ["installation", {}],
    ["setup_plan", { builder: "aarch64", options }],
    ["setup_apply", { plan }],
    ["setup_undo", {}],
    ["setup_status", {}],
    ["service_plan", { action: "stop" }],
    ["open_terminal", { builder: "aarch64" }],
    ["terminals", {}],
    ["first_run_done", {}],
    ["copy", { text: "text" }],
    ["page", {}],
  ]);
});

test("snapshots and the loss of the engine arrive until they are no longer wanted", async () => {
  const seen: Snapshot[] = [];
  const lost: Problem[] = [];
  const stop = await tauri.watch(
    (s) => seen.push(s),
    (p) => lost.push(p),
  );
  const s = snapshot([builder("aarch64")], 0);
  const p = problem("no_engine", "no engine runs", "open Igloo");
  await emit("snapshot", s);
  await emit("lost", p);
  stop();
  await emit("snapshot", s);
  expect([seen, lost]).toEqual([[s], [p]]);
});

test("a log is followed and left, and only the wanted builder's lines are handed on", async () => {
  const lines: string[] = [];
  const stop = await tauri.followLog("aarch64", (more) => lines.push(...more));
  await emit("log", { builder: "x86_64", lines: ["other"] });
  await emit("log", { builder: "aarch64", lines: ["a", "b"] });
  stop();
  expect(lines).toEqual(["a", "b"]);
  expect(calls.map(([name]) => name)).toEqual(["follow_log", "unfollow_log"]);
});

test("how far a builder's image is arrives until it is there, or can't be had", async () => {
  const seen: ImageProgress[] = [];
  const mine: ImageProgress = { builder: "aarch64", doing: { step: "store" } };
  const got = tauri.buildImage("aarch64", (p) => seen.push(p));
  await emit("image", { ...mine, builder: "x86_64" });
  await emit("image", mine);
  await got;
  await emit("image", mine);
  expect(seen).toEqual([mine]);
  expect(calls).toEqual([["image_build", { builder: "aarch64" }]]);
  const p = problem("image_failed", "Nix could not build the image", "try another nixpkgs");
  answers.set("image_build", new Error("", { cause: p }));
  await expect(tauri.buildImage("aarch64", (more) => seen.push(more))).rejects.toEqual(p);
  await emit("image", mine);
  expect(seen).toHaveLength(1);
});

test("a problem is handed on as it is, anything else becomes one", async () => {
  const p = problem("wrong_phase", "it is stopping", "wait");
  answers.set("command", new Error("", { cause: p }));
  await expect(tauri.command({ command: "start", builder: "aarch64" })).rejects.toEqual(p);
  expect(problemOf(p)).toBe(p);
  expect(problemOf("boom")).toMatchObject({ code: "internal", message: "boom" });
  expect(problemOf(new Error("bang")).message).toBe("bang");
  expect(problemOf(null).message).toBe("null");
});
