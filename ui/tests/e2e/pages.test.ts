import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import type { Page } from "playwright-core";
import { COLOUR, violations } from "../support/axe.ts";
import { type Bench, LARGE, SMALL, bench } from "../support/browser.ts";

/** Every page and every state, as many see it: axe finds nothing, nothing is cut, the console is silent. */
const VIEWS: [scene: string, route: string][] = [
  ["ready", "builders"],
  ["both", "builders"],
  ["stopped", "builders"],
  ["preparing", "builders"],
  ["booting", "builders"],
  ["draining", "builders"],
  ["stopping", "builders"],
  ["no-image", "builders"],
  ["crashed", "builders"],
  ["port-taken", "builders"],
  ["bad-disk", "builders"],
  ["pending", "builders"],
  ["warning", "builders"],
  ["drifted", "builders"],
  ["nothing-enabled", "builders"],
  ["services", "builders"],
  ["silent", "builders"],
  ["no-engine", "builders"],
  ["ready", "queue"],
  ["idle", "queue"],
  ["unknown-builds", "queue"],
  ["first-run", "nix"],
  ["idle", "nix"],
  ["nix-darwin", "nix"],
  ["external", "nix"],
  ["obstacle", "nix"],
  ["no-nix", "nix"],
  ["ready", "settings"],
  ["ready", "settings/aarch64"],
  ["ready", "logs"],
  ["empty-log", "logs"],
  ["first-run", "welcome"],
];

let b: Bench;
beforeAll(async () => void (b = await bench()));
afterAll(() => b.close());
afterEach(() => expect(b.complaints.splice(0)).toEqual([]));

test.for(VIEWS)("%s at %s", async ([scene, route]) => {
  const page = await b.open(scene, route, { scheme: "light", size: SMALL, still: true });
  await page.locator("main > :not(.trouble)").first().waitFor();
  expect(await violations(page)).toEqual([]);
  expect(await overflow(page)).toBe(0);
  await page.emulateMedia({ colorScheme: "dark" });
  await page.setViewportSize(LARGE);
  // what has no colour was looked at
  expect(await violations(page, COLOUR), "dark").toEqual([]);
  expect(await overflow(page)).toBe(0);
  await page.context().close();
});

/** By how much something is wider than the page that it is on. */
const overflow = (page: Page) =>
  page.evaluate(() => {
    const main = document.querySelector("main");
    return main ? main.scrollWidth - main.clientWidth : -1;
  });

test("colours are those that the user forces, and states keep their words", async () => {
  const page = await b.open("both", "builders", { forced: true });
  const [fill, word] = await page.evaluate(() => {
    const current = document.querySelector("nav a[aria-current]");
    return [
      current && getComputedStyle(current).backgroundColor,
      matchMedia("(forced-colors: active)").matches,
    ];
  });
  expect(word).toBe(true);
  expect(fill).not.toBe("rgba(0, 0, 0, 0)");
  expect(await page.getByText("Ready", { exact: true }).isVisible()).toBe(true);
  await page.context().close();
});

test("what the first run will do fits into the smallest window", async () => {
  const page = await b.open("first-run", "welcome", { size: SMALL });
  await page.getByRole("button", { name: "Skip for Now" }).waitFor();
  expect(await page.locator("main").evaluate((e) => e.scrollHeight - e.clientHeight)).toBe(0);
  await page.context().close();
});

test("nothing moves for those who don't want it", async () => {
  const moving = (page: Page) =>
    page.evaluate(() => document.getAnimations().filter((a) => a.playState === "running").length);
  const lively = await b.open("booting", "builders");
  expect(await moving(lively)).toBeGreaterThan(0);
  const still = await b.open("booting", "builders", { still: true });
  expect(await moving(still)).toBe(0);
  await lively.context().close();
  await still.context().close();
});
