import { invoke } from "@tauri-apps/api/core";
import { listen } from "@tauri-apps/api/event";
import type { Backend, SetupPlan, Stop, Terminal } from "./backend.ts";
import type {
  BuilderId,
  ImageProgress,
  Installation,
  Problem,
  Report,
  SettingView,
  Snapshot,
} from "./protocol.ts";

/** The payload of the event `log`. */
interface LogLines {
  builder: BuilderId;
  lines: string[];
}

/** The app, by its commands and events. */
export const tauri: Backend = {
  snapshot: () => invoke<Snapshot>("snapshot"),
  watch,
  command: (command) => invoke("command", { command }),
  settings: () => invoke<SettingView[]>("settings"),
  buildImage,
  cancelImage: () => invoke("image_cancel"),
  log: (builder, lines) => invoke<string[]>("log", { builder, lines }),
  followLog,
  installation: () => invoke<Installation>("installation"),
  setupPlan: (builder, options) => invoke<SetupPlan>("setup_plan", { builder, options }),
  setupApply: (plan) => invoke<Report>("setup_apply", { plan }),
  setupUndo: () => invoke<Report>("setup_undo"),
  setupStatus: () => invoke<Report>("setup_status"),
  servicePlan: (action) => invoke<SetupPlan>("service_plan", { action }),
  openTerminal: (builder) => invoke("open_terminal", { builder }),
  terminals: () => invoke<Terminal[]>("terminals"),
  firstRunDone: () => invoke("first_run_done"),
  copy: (text) => invoke("copy", { text }),
  page: () => invoke<string>("page"),
};

async function watch(onSnapshot: (s: Snapshot) => void, onLost: (p: Problem) => void): Promise<Stop> {
  const stops = await Promise.all([
    listen<Snapshot>("snapshot", (event) => onSnapshot(event.payload)),
    listen<Problem>("lost", (event) => onLost(event.payload)),
  ]);
  return () => stops.forEach((stop) => stop());
}

async function buildImage(builder: BuilderId, onProgress: (p: ImageProgress) => void): Promise<void> {
  const stop = await listen<ImageProgress>("image", (event) => {
    if (event.payload.builder === builder) onProgress(event.payload);
  });
  try {
    await invoke("image_build", { builder });
  } finally {
    stop();
  }
}

async function followLog(builder: BuilderId, onLines: (lines: string[]) => void): Promise<Stop> {
  const stop = await listen<LogLines>("log", (event) => {
    if (event.payload.builder === builder) onLines(event.payload.lines);
  });
  try {
    await invoke("follow_log", { builder });
  } catch (problem) {
    stop();
    throw problem;
  }
  return () => {
    stop();
    void invoke("unfollow_log", { builder });
  };
}
