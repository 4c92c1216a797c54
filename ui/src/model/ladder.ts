import type { BuilderView, Phase, Rung } from "../protocol.ts";
import { sentence } from "./format.ts";
import { AWAITED, REACHED, RUNGS, nextRung } from "./phase.ts";

/** How a rung is: reached, being climbed, not reached yet, or where the start ended. */
export type RungState = "reached" | "current" | "ahead" | "failed";

/** A rung as it is shown. */
export interface RungView {
  rung: Rung;
  text: string;
  state: RungState;
  /** Milliseconds from the start; `undefined`: not reached, or not known. */
  at: number | undefined;
}

/** The times of a start: milliseconds from it to each rung. */
export type Climbed = ReadonlyArray<readonly [Rung, number]>;

/** The whole ladder of a builder; `last` are the times of its last start, for when it failed. */
export function ladder(phase: Phase, climbed: Climbed, last: Climbed = []): RungView[] {
  const times = new Map(climbed.length > 0 ? climbed : last);
  const reached = reachedCount(phase, times);
  return RUNGS.map((rung, i) => ({
    rung,
    text: i === reached && at(phase) === "current" ? sentence(AWAITED[rung]) : REACHED[rung],
    state: i < reached ? "reached" : i > reached ? "ahead" : at(phase),
    at: i < reached ? times.get(rung) : undefined,
  }));
}

function reachedCount(phase: Phase, times: Map<Rung, number>): number {
  if (phase.phase === "preparing") return 0;
  if (phase.phase === "booting") {
    const next = nextRung(phase.rung);
    return next ? RUNGS.indexOf(next) : RUNGS.length;
  }
  if (phase.phase === "failed") return RUNGS.filter((rung) => times.has(rung)).length;
  return RUNGS.length;
}

function at(phase: Phase): RungState {
  if (phase.phase === "failed") return "failed";
  return phase.phase === "booting" ? "current" : "ahead";
}

/** How long the start took, in milliseconds; `undefined` while it is not known. */
export function startTime(b: BuilderView): number | undefined {
  return b.running?.climbed.find(([rung]) => rung === "systems")?.[1];
}
