import type { Build, BuilderView, Command, Pending, StopMode } from "../protocol.ts";
import { count, mebibytes, span } from "./format.ts";
import { isUp, starting } from "./phase.ts";

/** How a state looks. Never told by colour alone: a word is beside it. */
export type Tone = "idle" | "busy" | "good" | "warn" | "bad";

/** A builder's state in words. */
export interface Headline {
  word: string;
  /** What there is to say beside the word; may be empty. */
  detail: string;
  tone: Tone;
}

/** A builder's state at a moment (milliseconds since the Unix epoch). */
export function headline(b: BuilderView, now: number): Headline {
  switch (b.phase.phase) {
    case "stopped":
      return { word: "Stopped", detail: "", tone: "idle" };
    case "preparing":
    case "booting":
      return { word: "Starting", detail: starting(b.phase) ?? "", tone: "busy" };
    case "ready":
      return { word: "Ready", detail: ready(b, now), tone: "good" };
    case "draining":
      return { word: "Stopping", detail: `after ${count(b.phase.builds, "build")}`, tone: "busy" };
    case "stopping":
      return { word: "Stopping", detail: "powering off", tone: "busy" };
    case "failed":
      return { word: "Failed", detail: "", tone: "bad" };
  }
}

function ready(b: BuilderView, now: number): string {
  const builds = b.builds && count(b.builds.length, "build");
  const up = b.running && `up ${span(now - b.running.started_ms)}`;
  return [builds, up].filter(Boolean).join(" · ");
}

/** What a button of a builder does. */
export type Action = "start" | "cancel" | "stop" | "stop_now" | "restart";

/** What can be done with a builder now, the most likely first. */
export function actions(b: BuilderView): Action[] {
  switch (b.phase.phase) {
    case "stopped":
    case "failed":
      return b.enabled ? ["start"] : [];
    case "preparing":
    case "booting":
      return ["cancel"];
    case "ready":
      return ["stop", "restart"];
    case "draining":
      return ["stop_now"];
    case "stopping":
      return [];
  }
}

/** What a button says. */
export const ACTION_LABEL: Readonly<Record<Action, string>> = {
  start: "Start",
  cancel: "Cancel Start",
  stop: "Stop",
  stop_now: "Stop Now",
  restart: "Restart",
};

/** Whether builds may be lost by it, so that the user is asked first. */
export function mustAsk(b: BuilderView, action: Action): boolean {
  if (action !== "stop" && action !== "restart") return false;
  return b.phase.phase === "ready" && (b.builds === null || b.builds.length > 0);
}

/** What the engine is asked for. */
export function commandOf(b: BuilderView, action: Action, mode: StopMode): Command {
  const builder = b.id;
  switch (action) {
    case "start":
      return { command: "start", builder };
    case "restart":
      return { command: "restart", builder, mode };
    case "stop":
      return { command: "stop", builder, mode };
    case "cancel":
    case "stop_now":
      return { command: "stop", builder, mode: "now" };
  }
}

/** The builders that have a card of their own; the others are one line each. As in the tray. */
export function hasCard(b: BuilderView): boolean {
  return b.enabled || isUp(b.phase);
}

/** `4 cores · 8 GiB memory · 40 GiB disk`: what it has, or will have at the next start. */
export function resources(b: BuilderView): string {
  const has = b.running ?? b;
  return [count(has.cores, "core"), `${mebibytes(has.memory_mib)} memory`, `${b.disk_gib} GiB disk`].join(
    " · ",
  );
}

/** What takes effect at the next start, each as a short text. */
export function pendingTexts(b: BuilderView): string[] {
  return b.pending.map((what) => pendingText(b, what));
}

function pendingText(b: BuilderView, what: Pending): string {
  switch (what) {
    case "cores":
      return count(b.cores, "core");
    case "memory":
      return `${mebibytes(b.memory_mib)} memory`;
    case "disk":
      return `${b.disk_gib} GiB disk`;
    case "ephemeral":
      return b.ephemeral ? "ephemeral on" : "ephemeral off";
    case "port":
      return `port ${b.port}`;
    case "image":
      return "another image";
  }
}

/** A derivation's name for a list, without the store, the hash and `.drv`: `Build::name`. */
export function buildName(build: Pick<Build, "derivation">): string | undefined {
  if (build.derivation === null) return undefined;
  if (!build.derivation.startsWith("/nix/store/")) return build.derivation;
  const base = build.derivation.slice("/nix/store/".length);
  return base.slice(base.indexOf("-") + 1).replace(/\.drv$/, "");
}
