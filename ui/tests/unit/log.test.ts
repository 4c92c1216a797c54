import { expect, test } from "vitest";
import { atEnd, highlight, matches, plain, step, visible } from "../../src/model/log.ts";
import { boot, long } from "../../src/fake/console.ts";

test("a console's line is its text", () => {
  expect(plain("\x1b[1;32m<<< NixOS Stage 2 >>>\x1b[0m")).toBe("<<< NixOS Stage 2 >>>");
  expect(plain("10%\r50%\r100%\r")).toBe("100%");
  expect(plain("\x1b]0;title\x07a\tb\x00")).toBe("a    b");
  expect(plain("\x1b[2J\x1b[1;1Hstart")).toBe("start");
  expect(boot().every((line) => !plain(line).includes("\x1b"))).toBe(true);
});

test("a search finds whatever the case, and only from where it is told", () => {
  const lines = ["Alpha", "beta", "ALPHA beta"];
  expect(matches(lines, "alpha")).toEqual([0, 2]);
  expect(matches(lines, "alpha", 1)).toEqual([2]);
  expect(matches(lines, "")).toEqual([]);
  expect(matches(long(50_000), "warning: slow").length).toBe(9);
});

test("what is found is marked, all of it, and the line stays whole", () => {
  const parts = highlight("ab AB ab", "ab");
  expect(parts.map((p) => p.text).join("")).toBe("ab AB ab");
  expect(parts.filter((p) => p.hit).length).toBe(3);
  expect(
    highlight("İx x", "x")
      .map((p) => p.text)
      .join(""),
  ).toBe("İx x");
  expect(highlight("a.c abc", ".").filter((p) => p.hit).length).toBe(1);
});

test("only the lines in view are drawn, and some around them", () => {
  expect(visible(50_000, 18_000, 360, 18, 10)).toEqual({ first: 990, end: 1030 });
  expect(visible(5, 0, 360, 18)).toEqual({ first: 0, end: 5 });
  expect(visible(0, 0, 360, 18)).toEqual({ first: 0, end: 0 });
  // the log was cut while its end was in view
  expect(visible(10, 9000, 360, 18)).toEqual({ first: 0, end: 10 });
});

test("the end is in view within one line", () => {
  expect(atEnd(640, 360, 1000, 18)).toBe(true);
  expect(atEnd(620, 360, 1000, 18)).toBe(false);
});

test("matches go around", () => {
  expect([step(0, 1, 3), step(2, 1, 3), step(0, -1, 3), step(-1, 1, 3), step(0, 1, 0)]).toEqual([
    1, 0, 2, 0, -1,
  ]);
});
