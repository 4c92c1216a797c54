import type { BuilderId, Snapshot, Usage } from "../protocol.ts";

/** How far back the sparklines go, in milliseconds. */
export const WINDOW_MS = 120_000;

/** What a guest used at a moment; shares from 0 to 1. */
export interface Sample {
  at: number;
  cpu: number;
  memory: number;
}

/** The samples of each builder, oldest first. */
export type History = Partial<Record<BuilderId, readonly Sample[]>>;

/** The history with what a snapshot tells. A builder that does not run has none. */
export function remember(history: History, snapshot: Snapshot, now: number): History {
  const next: History = {};
  for (const b of snapshot.builders) {
    const old = history[b.id] ?? [];
    const usage = b.running?.usage;
    if (usage) next[b.id] = [...recent(old, now), sample(usage, now)];
    else if (b.running) next[b.id] = recent(old, now);
  }
  return next;
}

/** One sample more than fits is kept, so that the line begins at the edge. */
function recent(samples: readonly Sample[], now: number): readonly Sample[] {
  const first = samples.findIndex((s) => s.at > now - WINDOW_MS);
  return first === -1 ? samples.slice(-1) : samples.slice(Math.max(0, first - 1));
}

function sample(usage: Usage, at: number): Sample {
  const memory = usage.memory_total > 0 ? usage.memory_used / usage.memory_total : 0;
  return { at, cpu: clamp(usage.cpu), memory: clamp(memory) };
}

function clamp(n: number): number {
  return Math.min(1, Math.max(0, n));
}

/** A sparkline's outline and area, as SVG paths. */
export interface Spark {
  line: string;
  area: string;
}

/** The samples as paths in a box of `width` by `height`; now is its right edge. `undefined`: too few. */
export function spark(
  samples: readonly Sample[],
  value: "cpu" | "memory",
  now: number,
  width: number,
  height: number,
): Spark | undefined {
  const points = samples.map((s) => {
    const x = width * (1 - (now - s.at) / WINDOW_MS);
    // a pixel of room, so that the line is not cut at the edges
    const y = 1 + (height - 2) * (1 - s[value]);
    return `${x.toFixed(1)} ${y.toFixed(1)}`;
  });
  const [first, last] = [points[0], points.at(-1)];
  if (first === undefined || last === undefined || points.length < 2) return undefined;
  const line = `M${points.join("L")}`;
  const x = (point: string): string => point.split(" ")[0] ?? "0";
  return { line, area: `${line}L${x(last)} ${height}L${x(first)} ${height}Z` };
}
