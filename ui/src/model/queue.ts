import type { Build, BuilderId, BuilderView, Snapshot } from "../protocol.ts";
import { buildName } from "./builder.ts";

/** The most finished builds that are remembered. */
const MOST_FINISHED = 200;

/** A build as the queue shows it. */
export interface QueueItem {
  key: string;
  builder: BuilderId;
  name: string;
  derivation: string | null;
  /** Seconds at the time of the snapshot; `null`: not known. */
  elapsed: number | null;
}

/** A build that is over. Nothing tells whether it succeeded. */
export interface Finished extends QueueItem {
  /** Milliseconds since the Unix epoch. */
  at: number;
  /** The builder went away under it. */
  interrupted: boolean;
}

/** Everything that the queue's page shows. */
export interface Queue {
  running: QueueItem[];
  waiting: QueueItem[];
  /** Builders that run, but can't tell what they build. */
  unknown: BuilderId[];
}

/** The queue of a snapshot. */
export function queue(snapshot: Snapshot): Queue {
  const items = (state: Build["state"]): QueueItem[] =>
    snapshot.builders.flatMap((b) =>
      keyed(b)
        .filter(({ build }) => build.state === state)
        .map((k) => k.item),
    );
  const unknown = snapshot.builders.filter((b) => serves(b) && b.builds === null).map((b) => b.id);
  return { running: items("running"), waiting: items("session"), unknown };
}

function serves(b: BuilderView): boolean {
  return b.phase.phase === "ready" || b.phase.phase === "draining";
}

/** A builder's builds with keys that stay the same from one snapshot to the next. */
function keyed(b: BuilderView): { build: Build; item: QueueItem }[] {
  const seen = new Map<string, number>();
  return (b.builds ?? []).map((build) => {
    const id = `${b.id}/${build.derivation ?? "?"}`;
    const n = seen.get(id) ?? 0;
    seen.set(id, n + 1);
    const name = buildName(build) ?? (build.state === "session" ? "A connection" : "A build");
    return {
      build,
      item: {
        key: `${id}/${n}`,
        builder: b.id,
        name,
        derivation: build.derivation,
        elapsed: build.elapsed_s,
      },
    };
  });
}

/** The finished builds, newest first, after one snapshot followed another. */
export function finish(
  done: readonly Finished[],
  before: Snapshot,
  after: Snapshot,
  now: number,
): readonly Finished[] {
  const ended = before.builders.flatMap((old) => endedIn(old, after, now));
  return ended.length === 0 ? done : [...ended, ...done].slice(0, MOST_FINISHED);
}

function endedIn(old: BuilderView, after: Snapshot, now: number): Finished[] {
  const next = after.builders.find((b) => b.id === old.id);
  const alive = next !== undefined && serves(next);
  // a look that failed says nothing about the builds
  if (alive && next.builds === null) return [];
  const left = new Set(next && alive ? keyed(next).map((k) => k.item.key) : []);
  return keyed(old)
    .filter(({ build, item }) => build.state === "running" && !left.has(item.key))
    .map(({ item }) => ({ ...item, key: `${item.key}@${now}`, at: now, interrupted: !alive }));
}
