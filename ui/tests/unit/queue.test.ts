import { expect, test } from "vitest";
import { finished, queue } from "../../src/model/queue.ts";
import { remember, spark, WINDOW_MS } from "../../src/model/history.ts";
import { build, builder, ended, guest, inPhase, snapshot, usage } from "../../src/fake/samples.ts";
import type { Build, FinishedBuild } from "../../src/protocol.ts";

const NOW = 1_800_000_000_000;
const ready = (builds: Build[] | null) =>
  snapshot([{ ...inPhase("aarch64", { phase: "ready" }, NOW), builds }, builder("x86_64")], NOW);
const stopped = snapshot([builder("aarch64"), builder("x86_64")], NOW);

test("what runs, what waits, and who can't tell", () => {
  const q = queue(ready([build("hello-2.12.1", 3), build("rustc-1.91.0", null, "session")]));
  expect(q.running.map((i) => [i.name, i.builder, i.elapsed])).toEqual([["hello-2.12.1", "aarch64", 3]]);
  expect(q.waiting.map((i) => i.name)).toEqual(["rustc-1.91.0"]);
  expect(q.unknown).toEqual([]);
  expect(queue(ready(null)).unknown).toEqual(["aarch64"]);
  expect(queue(stopped).unknown).toEqual([]);
});

test("two builds of the same derivation have keys of their own", () => {
  const nameless: Build = { ...build("x", 1), derivation: null };
  const keys = queue(ready([nameless, nameless])).running.map((i) => i.key);
  expect(new Set(keys).size).toBe(2);
});

test("builds that ended come from all builders, the newest first", () => {
  const [arm, intel] = [inPhase("aarch64", { phase: "ready" }, NOW), builder("x86_64")];
  const both = (more: FinishedBuild[]) =>
    finished(
      snapshot(
        [
          { ...arm, finished: [...more, ended("c-1", 3, NOW - 1), ended("a-1", 5, NOW - 9, "not_built")] },
          { ...intel, finished: [ended("b-1", 9, NOW - 4, "builder_ended")] },
        ],
        NOW,
      ),
    );
  expect(both([]).map((f) => [f.name, f.builder, f.elapsed, f.end])).toEqual([
    ["c-1", "aarch64", 3, "built"],
    ["b-1", "x86_64", 9, "builder_ended"],
    ["a-1", "aarch64", 5, "not_built"],
  ]);
  const after = both([ended("c-1", 2, NOW - 1)]);
  expect(new Set(after.map((f) => f.key)).size).toBe(4);
  const keys = both([]).map((f) => f.key);
  expect(after.map((f) => f.key)).toEqual(expect.arrayContaining(keys));
});

test("the history keeps two minutes of a builder that runs, and nothing of one that does not", () => {
  let history = {};
  for (let at = 0; at <= 200_000; at += 2000)
    history = remember(history, snapshot([inPhase("aarch64", { phase: "ready" }, NOW)], NOW), at);
  const samples = (history as ReturnType<typeof remember>).aarch64 ?? [];
  expect(samples.at(-1)?.at).toBe(200_000);
  expect(samples[0]?.at).toBe(200_000 - WINDOW_MS);
  expect(remember(history, stopped, 200_001)).toEqual({});
});

test("shares in the history stay between 0 and 1, whatever the guest says", () => {
  const odd = guest(NOW, 1, { usage: { ...usage(1.4, 2), memory_total: 0 } });
  const seen = remember(
    {},
    snapshot([inPhase("aarch64", { phase: "ready" }, NOW, { running: odd })], NOW),
    1,
  );
  expect(seen.aarch64).toEqual([{ at: 1, cpu: 1, memory: 0 }]);
});

test("a sparkline ends now, at the right edge, and needs two points", () => {
  const samples = [
    { at: NOW - 60_000, cpu: 1, memory: 0 },
    { at: NOW, cpu: 0, memory: 1 },
  ];
  expect(spark(samples, "cpu", NOW, 100, 20)).toEqual({
    line: "M50.0 1.0L100.0 19.0",
    area: "M50.0 1.0L100.0 19.0L100.0 20L50.0 20Z",
  });
  expect(spark(samples.slice(0, 1), "cpu", NOW, 100, 20)).toBeUndefined();
});
