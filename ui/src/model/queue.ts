import type { Build, BuildEnd, BuilderId, BuilderView, Snapshot } from "../protocol.ts";
import { buildName } from "./builder.ts";

/** A build as the queue shows it. */
export interface QueueItem {
  key: string;
  builder: BuilderId;
  name: string;
  derivation: string | null;
  /** Seconds at the time of the snapshot; `null`: not known. */
  elapsed: number | null;
}

/** A build that ended. */
export interface Finished extends QueueItem {
  end: BuildEnd;
  /** Milliseconds since the Unix epoch. */
  at: number;
}

/** How a build ended, in words before a time. */
export const END: Readonly<Record<BuildEnd, string>> = {
  built: "Built",
  not_built: "Failed or interrupted",
  builder_ended: "Ended with its builder",
  unknown: "Ended",
};

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

/** The builds of all builders that ended since the engine started, newest first. */
export function finished(snapshot: Snapshot): Finished[] {
  const all = snapshot.builders.flatMap((b) =>
    b.finished.map((f, i) => ({
      // counted from the oldest, which stays where it is when another one ends
      key: `${b.id}/${f.ended_ms}/${b.finished.length - i}`,
      builder: b.id,
      name: buildName(f) ?? "A build",
      derivation: f.derivation,
      elapsed: f.elapsed_s,
      end: f.end,
      at: f.ended_ms,
    })),
  );
  return all.sort((a, b) => b.at - a.at);
}
