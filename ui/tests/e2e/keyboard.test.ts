import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import type { Page } from "playwright-core";
import { type Bench, SMALL, bench } from "../support/browser.ts";

let b: Bench;
let page: Page;
beforeAll(async () => void (b = await bench()));
afterAll(() => b.close());
afterEach(async () => {
  expect(b.complaints.splice(0)).toEqual([]);
  await page.context().close();
});

/** What the focus is on, by its role and name as far as the page tells. */
const focus = () =>
  page.evaluate(() => {
    const e = document.activeElement as HTMLElement | null;
    if (!e || e === document.body) return "";
    const text = (e.getAttribute("aria-label") ?? e.textContent ?? "").replace(/\s+/g, " ").trim();
    return text || e.id || e.getAttribute("role") || e.tagName;
  });

/** Goes on by Tab until the focus is there. */
async function tabTo(name: RegExp): Promise<void> {
  for (let i = 0; i < 40; i++) {
    if (name.test(await focus())) return;
    await page.keyboard.press("Tab");
  }
  throw new Error(`the focus never came to ${name}`);
}

test("all of it works by keys alone: a start, a page, a setting, a dialog", async () => {
  page = await b.open("stopped", "builders", { size: SMALL });
  await tabTo(/^Start aarch64-linux/);
  await page.keyboard.press("Enter");
  await page.locator("[data-phase=ready]").waitFor();
  await tabTo(/^Show Log/);
  await page.keyboard.press("Enter");
  await page.getByRole("heading", { name: "Logs" }).waitFor();
  await expect.poll(focus).toBe("Logs");

  await page.keyboard.press("Control+4");
  await page.getByRole("heading", { name: "Settings", exact: true }).waitFor();
  await tabTo(/^aarch64-linux$/);
  await page.keyboard.press("ArrowRight");
  await page.locator("[data-key='builders.x86_64.cores']").waitFor();
  await page.keyboard.press("ArrowLeft");
  await page.locator("[data-key='builders.aarch64.cores']").waitFor();
  await tabTo(/^setting-builders-aarch64-ephemeral$/);
  await page.keyboard.press("Space");
  await page.locator("#setting-builders-aarch64-ephemeral[aria-checked=true]").waitFor();

  await page.keyboard.press("Control+1");
  await tabTo(/^Reset Disk…/);
  await page.keyboard.press("Enter");
  await page.getByRole("dialog").waitFor();
  await page.keyboard.press("Escape");
  await page.getByRole("dialog").waitFor({ state: "detached" });
  expect(await focus()).toMatch(/^Reset Disk/);
});

test("the sidebar is walked by arrows, and what has the focus is seen", async () => {
  page = await b.open("idle", "builders");
  await tabTo(/^Builders$/);
  await page.keyboard.press("ArrowDown");
  expect(await focus()).toBe("Queue");
  await page.keyboard.press("Enter");
  await page.getByRole("heading", { name: "Queue" }).waitFor();
  expect(await focus()).toBe("Queue");
  expect(await page.locator("nav [aria-current=page]").innerText()).toBe("Queue");
  const ring = await page.evaluate(
    () => document.activeElement && getComputedStyle(document.activeElement).outlineWidth,
  );
  expect(ring).toBe("3px");
});

test("everything that has the focus shows it and is in view", async () => {
  page = await b.open("ready", "builders", { size: SMALL });
  const seen = new Set<string>();
  for (let i = 0; i < 40; i++) {
    await page.keyboard.press("Tab");
    const at = await focus();
    if (at === "") break;
    seen.add(at);
    const shown = await page.evaluate(() => {
      const e = document.activeElement as HTMLElement;
      const r = e.getBoundingClientRect();
      const style = getComputedStyle(e);
      return { ring: style.outlineStyle !== "none", inView: r.top >= -1 && r.bottom <= innerHeight + 1 };
    });
    expect(shown, at).toEqual({ ring: true, inView: true });
  }
  for (const name of [/^Stop/, /^Restart/, /^Open Terminal/, /^Queue/, /^Change…/])
    expect(
      [...seen].some((s) => name.test(s)),
      String(name),
    ).toBe(true);
});
