import type { BuilderId, BuilderView } from "../protocol.ts";

/** The three steps, after a page that says what they will do. */
export const STEPS = ["builder", "nix", "build"] as const;

export type Step = (typeof STEPS)[number];

/** The steps' names. */
export const STEP_TITLE: Readonly<Record<Step, string>> = {
  builder: "Start a builder",
  nix: "Let Nix use it",
  build: "Build something",
};

/** The builder to begin with: one that is enabled already (the engine enables the native one), else the first. */
export function suggested(builders: readonly BuilderView[]): BuilderId | undefined {
  return (builders.find((b) => b.enabled) ?? builders[0])?.id;
}

/** Whether a step has reached its end. `built`: a build was seen to end. */
export function isDone(step: Step, b: BuilderView | undefined, built: boolean): boolean {
  if (!b) return false;
  if (step === "builder") return b.phase.phase === "ready";
  return step === "nix" ? b.setup.state === "in_place" : built;
}

/** A first build for a terminal: tiny, needs no nixpkgs, and new each time, so that nothing answers from a cache. */
export function firstBuild(system: string): string {
  const expression =
    `derivation { name = "hello-from-igloo"; system = "${system}"; builder = "/bin/sh"; ` +
    'args = [ "-c" "echo hello > $out" ]; now = builtins.currentTime; }';
  return `nix-build --no-out-link -E '${expression}'`;
}
