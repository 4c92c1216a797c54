import type { ServiceAction, ServiceState, ServiceView } from "../protocol.ts";
import type { Tone } from "./builder.ts";
import { bytes } from "./format.ts";

const WORD: Readonly<Record<ServiceState, string>> = {
  running: "Running",
  on_demand: "On demand",
  failing: "Failing",
  stopped: "Stopped",
  disabled: "Disabled",
  unknown: "Unknown",
};

const TONE: Readonly<Record<ServiceState, Tone>> = {
  running: "good",
  on_demand: "idle",
  failing: "bad",
  stopped: "idle",
  disabled: "idle",
  unknown: "idle",
};

/** How a service is, in words and a colour. */
export function serviceHead(s: ServiceView): { word: string; tone: Tone; detail: string } {
  const facts = [
    s.port !== null && `port ${s.port}`,
    s.disk_used !== null && `${bytes(s.disk_used)} on disk`,
    s.ephemeral && "ephemeral",
    s.state === "running" && "builds not known",
  ];
  return { word: WORD[s.state], tone: TONE[s.state], detail: facts.filter(Boolean).join(" · ") };
}

/** What can be done with a service now; what is most likely wanted comes last. */
export function serviceActions(s: ServiceView): readonly ServiceAction[] {
  if (!s.controllable || s.state === "unknown") return [];
  return s.state === "stopped" || s.state === "disabled" ? ["wipe", "start"] : ["wipe", "stop"];
}

export const SERVICE_LABEL: Readonly<Record<ServiceAction, string>> = {
  start: "Start…",
  stop: "Stop…",
  wipe: "Wipe Disk…",
};
