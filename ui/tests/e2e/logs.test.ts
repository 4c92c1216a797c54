import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import type { Page } from "playwright-core";
import { violations } from "../support/axe.ts";
import { type Bench, bench } from "../support/browser.ts";

let b: Bench;
let page: Page;
beforeAll(async () => void (b = await bench()));
afterAll(() => b.close());
afterEach(async () => {
  expect(b.complaints.splice(0)).toEqual([]);
  await page.context().close();
});

const box = () => page.getByRole("region", { name: "Console of aarch64-linux" });
const say = (...lines: string[]) => page.evaluate((all) => window.fake.say(all), lines);
const fromEnd = () => box().evaluate((e) => e.scrollHeight - e.scrollTop - e.clientHeight);
const follows = (yes: boolean) =>
  page.getByRole("button", { name: yes ? "Following" : "Follow", exact: true }).waitFor();

test("50,000 lines are there, a screenful is drawn, and the end is followed", async () => {
  page = await b.open("long-log", "logs");
  await box().getByText("(job 49979)").waitFor();
  expect(await box().locator(".line").count()).toBeLessThan(120);
  expect(await box().evaluate((e) => e.scrollHeight)).toBe(50_000 * 18);
  await say("a new line");
  await box().getByText("a new line").waitFor();
  await expect.poll(fromEnd).toBeLessThan(18);
});

test("scrolling up stops following, and new lines leave the place as it is", async () => {
  page = await b.open("long-log", "logs");
  await box().getByText("(job 49979)").waitFor();
  await box().hover();
  await page.mouse.wheel(0, -5000);
  await follows(false);
  // the wheel's own scrolling comes to its end
  let before = -1;
  await expect
    .poll(async () => {
      const last = before;
      before = await box().evaluate((e) => e.scrollTop);
      return before === last;
    })
    .toBe(true);
  await say("another");
  await expect.poll(() => box().evaluate((e) => e.scrollHeight)).toBe(50_001 * 18);
  expect(await box().evaluate((e) => e.scrollTop)).toBe(before);
  await page.getByRole("button", { name: "Go to the End" }).click();
  await follows(true);
  await box().getByText("another").waitFor();
});

test("every line can be reached by scrolling", async () => {
  page = await b.open("long-log", "logs");
  await box().getByText("(job 49979)").waitFor();
  await page.getByRole("button", { name: "Following" }).click();
  for (const part of [0, 0.25, 0.5, 0.75]) {
    await box().evaluate((e, p) => (e.scrollTop = e.scrollHeight * p), part);
    const number = Math.max(1, Math.round(50_000 * part));
    await expect.poll(() => box().locator(".n").allInnerTexts()).toContain(String(number));
  }
});

test("a search marks, counts and goes from match to match", async () => {
  page = await b.open("long-log", "logs");
  await box().getByText("(job 49979)").waitFor();
  await page.keyboard.press("Control+f");
  await page.keyboard.type("warning: slow");
  await page.getByText("1 of 9").waitFor();
  await box().locator(".now mark").getByText("warning: slow").waitFor();
  await page.keyboard.press("Enter");
  await page.getByText("2 of 9").waitFor();
  await box().getByText("(job 9999)").waitFor();
  await page.keyboard.press("Shift+Enter");
  await page.keyboard.press("Shift+Enter");
  await page.getByText("9 of 9").waitFor();
  await say("one more WARNING: SLOW");
  await page.getByText("9 of 10").waitFor();
  expect(await violations(page)).toEqual([]);
  await page.keyboard.press("Escape");
  expect(await box().locator("mark").count()).toBe(0);
  await page.keyboard.type("nowhere to be found");
  await page.getByText("not found", { exact: true }).waitFor();
});

test("colours of the console are left out, and all is copied", async () => {
  page = await b.open("idle", "logs");
  await box().getByText("<<< NixOS Stage 2 >>>").waitFor();
  await page.getByRole("button", { name: "Copy All" }).click();
  await page.getByRole("button", { name: "Copied" }).waitFor();
  const text = (await page.evaluate(() => window.fake.copied))[0] ?? "";
  expect(text.split("\n")).toHaveLength(20);
  expect(text).not.toContain("\x1b");
});

test("a log that can't be read says why, and is read at the next try", async () => {
  page = await b.open("idle", "queue");
  await page.evaluate(() =>
    window.fake.refuse.set("log", {
      code: "no_engine",
      message: "the log can't be read",
      remedy: "try again",
    }),
  );
  await page.getByRole("link", { name: "Logs" }).click();
  await page.getByRole("alert").getByText("The log can't be read").waitFor();
  await page.getByRole("button", { name: "Try Again" }).click();
  await box().getByText("Reached target Multi-User System").waitFor();
});
