import type { Backend, SetupOptions, SetupPlan, Stop, Terminal } from "../backend.ts";
import { RUNGS, STEPS } from "../model/phase.ts";
import { fromToml } from "../model/toml.ts";
import type {
  BuilderId,
  BuilderView,
  Command,
  ImageProgress,
  Plan,
  Problem,
  Report,
  ServiceAction,
  ServiceView,
  SettingView,
  Snapshot,
} from "../protocol.ts";
import { climbed, guest, imageSteps, noImage, problem, usage } from "./samples.ts";
import { SCENES, type Scene } from "./scenarios.ts";
import { FakeSettings } from "./settings.ts";
import { nothing, report, servicePlan } from "./setup.ts";

/** Milliseconds between two steps of anything that takes time. */
const TICK = 60;

/** An engine that is none: as the real one answers, from a scene. `calls` is what it was asked for. */
export class Fake implements Backend {
  readonly calls: string[] = [];
  readonly copied: string[] = [];
  readonly scene: Scene;
  /** What the next call of this name is rejected with. */
  readonly refuse = new Map<string, Problem>();
  #settings: FakeSettings;
  /** An image that comes stays at its second step as long as this is set. */
  hold = false;
  #image: { cancelled: boolean } | undefined;
  #onSnapshot = new Set<(s: Snapshot) => void>();
  #onLost = new Set<(p: Problem) => void>();
  #onLines = new Set<(lines: string[]) => void>();
  #run = 0;

  constructor(scene: Scene) {
    this.scene = scene;
    this.#settings = new FakeSettings(!scene.noImage);
  }

  /** Changes a builder, as the engine would tell. */
  change(id: BuilderId, change: (b: BuilderView) => BuilderView): void {
    const old = this.scene.snapshot;
    const builders = old.builders.map((b) => (b.id === id ? change(b) : b));
    this.scene.snapshot = { ...old, seq: old.seq + 1, builders };
    for (const tell of this.#onSnapshot) tell(this.scene.snapshot);
  }

  /** The engine goes away. */
  lose(p: Problem): void {
    this.scene.lost = p;
    for (const tell of this.#onLost) tell(p);
  }

  /** The console says something. */
  say(lines: string[]): void {
    this.scene.log.push(...lines);
    for (const tell of this.#onLines) tell(lines);
  }

  #asked(what: string): void {
    this.calls.push(what);
    const name = what.split(" ")[0] ?? what;
    const refusal = this.refuse.get(name);
    this.refuse.delete(name);
    if (refusal) throw refusal;
  }

  async snapshot(): Promise<Snapshot> {
    if (this.scene.silent) return new Promise(() => undefined);
    if (this.scene.lost) throw this.scene.lost;
    return this.scene.snapshot;
  }

  async watch(onSnapshot: (s: Snapshot) => void, onLost: (p: Problem) => void): Promise<Stop> {
    this.#onSnapshot.add(onSnapshot);
    this.#onLost.add(onLost);
    return () => {
      this.#onSnapshot.delete(onSnapshot);
      this.#onLost.delete(onLost);
    };
  }

  async command(command: Command): Promise<void> {
    this.#asked(`command ${JSON.stringify(command)}`);
    switch (command.command) {
      case "start":
        return void this.#start(command.builder);
      case "stop":
        return void this.#stop(command.builder, command.mode === "wait");
      case "restart":
        return void this.#stop(command.builder, false).then(() => this.#start(command.builder));
      case "reset":
        return this.change(command.builder, (b) => ({ ...b, reset_pending: true }));
      case "settings":
        for (const [key, value] of command.patch.set) this.#set(key, value);
    }
  }

  #set(key: string, value: string | null): void {
    this.#settings.set(key, value);
    const [, id, name] = /^builders\.(aarch64|x86_64)\.(\w+)$/.exec(key) ?? [];
    if (!id || !name) return;
    const shown = this.#settings.views().find((v) => v.key === key)?.value ?? "";
    const fields: Record<string, string> = { memory: "memory_mib", disk: "disk_gib" };
    this.change(id as BuilderId, (b) => ({ ...b, [fields[name] ?? name]: fromToml(shown) }));
  }

  async #start(id: BuilderId): Promise<void> {
    const run = (this.#run += 1);
    if (this.#settings.value(`builders.${id}.image`) === null)
      return this.change(id, (b) => ({ ...b, phase: { phase: "failed", problem: noImage(id) } }));
    for (const step of STEPS) {
      this.change(id, (b) => ({ ...b, phase: { phase: "preparing", step }, running: null, builds: null }));
      if (await this.#over(run)) return;
    }
    for (const rung of [null, ...RUNGS.slice(0, -1)]) {
      const running = guest(Date.now(), 0, { climbed: climbed(rung), usage: null, nix_version: null });
      this.change(id, (b) => ({ ...b, phase: { phase: "booting", rung }, running }));
      if (await this.#over(run)) return;
    }
    const running = guest(Date.now(), 0, { usage: usage(0.08, 0.6) });
    this.change(id, (b) => ({ ...b, phase: { phase: "ready" }, running, builds: [], pending: [] }));
  }

  async #stop(id: BuilderId, wait: boolean): Promise<void> {
    const run = (this.#run += 1);
    const building = this.scene.snapshot.builders.find((b) => b.id === id)?.builds?.length ?? 0;
    if (wait && building > 0)
      return this.change(id, (b) => ({ ...b, phase: { phase: "draining", builds: building } }));
    this.change(id, (b) => ({ ...b, phase: { phase: "stopping" } }));
    if (await this.#over(run)) return;
    this.change(id, (b) => ({ ...b, phase: { phase: "stopped" }, running: null, builds: null }));
  }

  async #over(run: number): Promise<boolean> {
    await new Promise((resolve) => setTimeout(resolve, TICK));
    return run !== this.#run;
  }

  async settings(): Promise<SettingView[]> {
    this.#asked("settings");
    return this.#settings.views();
  }

  async buildImage(builder: BuilderId, onProgress: (p: ImageProgress) => void): Promise<void> {
    this.#asked(`image_build ${builder}`);
    if (this.#image)
      throw problem(
        "wrong_phase",
        "an image is being made already",
        "wait until it is there, then try again",
      );
    const work = (this.#image = { cancelled: false });
    try {
      for (const [i, doing] of imageSteps().entries()) {
        onProgress({ builder, doing });
        do {
          await new Promise((resolve) => setTimeout(resolve, TICK));
          if (work.cancelled)
            throw problem("cancelled", "the image was cancelled before it was whole", "get it again");
        } while (this.hold && i === 1);
      }
    } finally {
      this.#image = undefined;
    }
    this.#settings.set(`builders.${builder}.image`, '"/state/images/0c0w2x"');
  }

  async cancelImage(): Promise<void> {
    this.#asked("image_cancel");
    if (this.#image) this.#image.cancelled = true;
  }

  async log(_builder: BuilderId, lines: number): Promise<string[]> {
    this.#asked("log");
    return this.scene.log.slice(-lines);
  }

  async followLog(_builder: BuilderId, onLines: (lines: string[]) => void): Promise<Stop> {
    this.#asked("follow_log");
    this.#onLines.add(onLines);
    return () => void this.#onLines.delete(onLines);
  }

  async installation() {
    this.#asked("installation");
    return this.scene.installation;
  }

  async setupPlan(builder: BuilderId, options: SetupOptions): Promise<SetupPlan> {
    this.#asked(`setup_plan ${builder} ${JSON.stringify(options)}`);
    const b = this.scene.snapshot.builders.find((view) => view.id === builder);
    return b?.setup.state === "in_place" ? nothing() : this.scene.plan(builder, options);
  }

  async setupApply(plan: Plan): Promise<Report> {
    this.#asked(`setup_apply ${plan.ops.length}`);
    if (this.#serve(plan)) return { version: 1, outcome: "applied", steps: [] };
    const id: BuilderId = JSON.stringify(plan.ops).includes("x86_64") ? "x86_64" : "aarch64";
    this.scene.setUp = true;
    this.change(id, (b) => ({ ...b, setup: { state: "in_place" } }));
    return report("applied", "done", id);
  }

  async setupUndo(): Promise<Report> {
    this.#asked("setup_undo");
    this.scene.setUp = false;
    for (const b of this.scene.snapshot.builders)
      this.change(b.id, (old) => ({ ...old, setup: { state: "absent" } }));
    return report("undone", "undone", "aarch64");
  }

  async setupStatus(): Promise<Report> {
    this.#asked("setup_status");
    return this.scene.setUp
      ? report("status", "in_place", "aarch64")
      : { version: 1, outcome: "status", steps: [] };
  }

  async servicePlan(action: ServiceAction): Promise<SetupPlan> {
    this.#asked(`service_plan ${action}`);
    const running = this.scene.snapshot.services.some((s) => s.controllable && s.state === "running");
    return servicePlan(action === "wipe" && running ? ["stop", "wipe", "start"] : [action]);
  }

  /** Does to the service what a plan says; tells whether it was one of those. */
  #serve(plan: Plan): boolean {
    const actions = plan.ops.flatMap((op) =>
      typeof op === "object" && "linux_builder_service" in op ? [op.linux_builder_service] : [],
    );
    const last = actions.at(-1);
    if (last === undefined) return false;
    const old = this.scene.snapshot;
    const change = (s: ServiceView): ServiceView =>
      s.controllable && last !== "wipe" ? { ...s, state: last === "stop" ? "stopped" : "running" } : s;
    this.scene.snapshot = { ...old, seq: old.seq + 1, services: old.services.map(change) };
    for (const tell of this.#onSnapshot) tell(this.scene.snapshot);
    return true;
  }

  async openTerminal(builder: BuilderId): Promise<void> {
    this.#asked(`open_terminal ${builder}`);
  }

  async terminals(): Promise<Terminal[]> {
    return [
      { id: "terminal", name: "Terminal" },
      { id: "iterm2", name: "iTerm2" },
      { id: "ghostty", name: "Ghostty" },
    ];
  }

  async firstRunDone(): Promise<void> {
    this.#asked("first_run_done");
  }

  async copy(text: string): Promise<void> {
    this.#asked("copy");
    this.copied.push(text);
  }

  async page(): Promise<string> {
    return this.scene.page;
  }
}

/** The fake for a scene's name. It is also at `window.fake`, for tests to play the engine. */
export function fake(name: string): Fake {
  const make = SCENES[name];
  if (!make) throw problem("usage", `there is no scene ${name}`, Object.keys(SCENES).join(", "));
  const made = new Fake(make(Date.now()));
  (globalThis as { fake?: Fake }).fake = made;
  keepAlive(made);
  return made;
}

/** What a guest uses goes up and down, so that the sparklines have something to draw: two minutes at once, then
 * with each second. */
function keepAlive(made: Fake): void {
  const wave = (i: number): number => 0.42 + 0.25 * Math.sin(i / 3.1) + 0.16 * Math.sin(i / 1.3);
  let i = 0;
  setInterval(() => {
    i += 1;
    for (const b of made.scene.snapshot.builders) {
      const used = b.running?.usage;
      if (!b.running || !used || b.phase.phase !== "ready") continue;
      const next = { ...used, cpu: b.builds?.length ? wave(i) : 0.02 + 0.02 * Math.abs(Math.sin(i)) };
      made.change(b.id, (old) => (old.running ? { ...old, running: { ...old.running, usage: next } } : old));
    }
  }, 2000);
}
