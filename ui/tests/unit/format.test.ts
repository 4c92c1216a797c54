import { expect, test } from "vitest";
import {
  bytes,
  clock,
  count,
  mebibytes,
  percent,
  pieces,
  sentence,
  share,
  span,
  tenths,
} from "../../src/model/format.ts";

const GIB = 1024 ** 3;

test("amounts have the unit that suits them, and a digit after the point where it tells something", () => {
  expect([0, 1023, 1024, 512 * 1024 ** 2, 4 * GIB, 2.14 * GIB, 39.1 * GIB].map(bytes)).toEqual([
    "0 B",
    "1023 B",
    "1 KiB",
    "512 MiB",
    "4 GiB",
    "2.1 GiB",
    "39 GiB",
  ]);
  expect(mebibytes(8192)).toBe("8 GiB");
});

test("a share says its unit once", () => {
  expect(share(2.1 * GIB, 7.8 * GIB)).toBe("2.1 of 7.8 GiB");
  expect(share(512 * 1024 ** 2, 8 * GIB)).toBe("512 MiB of 8 GiB");
});

test("percentages stay between 0 and 100", () => {
  expect([-0.1, 0, 0.344, 1.2].map(percent)).toEqual(["0%", "0%", "34%", "100%"]);
});

test("times", () => {
  expect([-3, 7.9, 92, 7509].map(clock)).toEqual(["0:00", "0:07", "1:32", "2:05:09"]);
  expect([1, 12 * 60_000, 3_600_000, 64 * 60_000, 50 * 3_600_000].map(span)).toEqual([
    "less than a minute",
    "12 min",
    "1 h",
    "1 h 4 min",
    "2 days",
  ]);
  expect(tenths(6410)).toBe("6.4 s");
});

test("counts", () => {
  expect([0, 1, 2, 50_000].map((n) => count(n, "build"))).toEqual([
    "no builds",
    "1 build",
    "2 builds",
    "50,000 builds",
  ]);
});

test("a sentence begins in upper case, a name stays as it is", () => {
  expect(sentence("the disk is full")).toBe("The disk is full");
  for (const name of [
    "builders.x86_64.cores must be",
    "igloo-admin told nothing",
    "/etc/nix is gone",
    "`builders =`",
  ])
    expect(sentence(name)).toBe(name);
});

test("code stands between backticks, and a lone one is text", () => {
  expect(pieces("run `igloo serve` or open Igloo")).toEqual([
    { text: "Run ", code: false },
    { text: "igloo serve", code: true },
    { text: " or open Igloo", code: false },
  ]);
  expect(pieces("`x` and `y").map((p) => p.text)).toEqual(["x", " and `y"]);
  expect(pieces("")).toEqual([]);
});
