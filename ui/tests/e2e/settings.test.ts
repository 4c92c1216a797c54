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

const row = (key: string) => page.locator(`[data-key="${key}"]`);
const patches = () =>
  page.evaluate(() =>
    window.fake.calls.filter((c) => c.includes('"settings"')).map((c) => JSON.parse(c.slice(8)).patch.set[0]),
  );

test("a value is set, told as set, and taken back to its default", async () => {
  page = await b.open("idle", "settings/aarch64");
  const memory = row("builders.aarch64.memory");
  await memory.getByRole("textbox").fill("4096");
  await page.keyboard.press("Enter");
  await memory.getByRole("button", { name: /Default of Memory/ }).click();
  await expect.poll(() => memory.getByRole("textbox").inputValue()).toBe("8192");
  expect(await memory.getByRole("button").count()).toBe(0);
  expect(await patches()).toEqual([
    ["builders.aarch64.memory", "4096"],
    ["builders.aarch64.memory", null],
  ]);
});

test("what is wrong is said at its field, in the engine's words, until it is right", async () => {
  page = await b.open("idle", "settings/aarch64");
  const cores = row("builders.aarch64.cores");
  const input = cores.getByRole("textbox");
  await input.fill("9000");
  await page.keyboard.press("Enter");
  const alert = cores.getByRole("alert");
  await alert.getByText("builders.aarch64.cores must be a whole number from 1 to 256, not 9000").waitFor();
  expect(await input.getAttribute("aria-invalid")).toBe("true");
  expect(await input.getAttribute("aria-describedby")).toContain((await alert.getAttribute("id")) ?? "?");
  expect(await input.inputValue()).toBe("9000");
  expect(await row("builders.aarch64.memory").getByRole("alert").count()).toBe(0);
  expect(await violations(page)).toEqual([]);
  await input.fill("6");
  await page.keyboard.press("Tab");
  await alert.waitFor({ state: "detached" });
  expect(await input.getAttribute("aria-invalid")).toBe("false");
});

test("Escape forgets what was typed, arrows count", async () => {
  page = await b.open("idle", "settings/aarch64");
  const input = row("builders.aarch64.cores").getByRole("textbox");
  await input.fill("12");
  await page.keyboard.press("Escape");
  expect(await input.inputValue()).toBe("4");
  await page.keyboard.press("ArrowUp");
  expect(await input.inputValue()).toBe("5");
  await page.keyboard.press("Enter");
  await expect.poll(patches).toEqual([["builders.aarch64.cores", "5"]]);
});

test("a value that another face changed is taken over", async () => {
  page = await b.open("idle", "settings/aarch64");
  await row("builders.aarch64.cores").waitFor();
  await page.evaluate(() =>
    window.fake.command({ command: "settings", patch: { set: [["builders.aarch64.cores", "7"]] } }),
  );
  await expect.poll(() => row("builders.aarch64.cores").getByRole("textbox").inputValue()).toBe("7");
});

test("switches and choices are sent at once", async () => {
  page = await b.open("idle", "settings/aarch64");
  await row("builders.aarch64.ephemeral").getByRole("switch", { name: "Ephemeral" }).click();
  await row("builders.aarch64.accel")
    .getByRole("combobox", { name: "Acceleration" })
    .selectOption("KVM (kvm)");
  await expect.poll(patches).toEqual([
    ["builders.aarch64.ephemeral", "true"],
    ["builders.aarch64.accel", '"kvm"'],
  ]);
});

test("the app's own settings have a place, and terminals are those that are installed", async () => {
  page = await b.open("idle", "settings");
  await page.getByRole("radio", { name: "General" }).click();
  const terminal = row("terminal").getByRole("combobox", { name: "Terminal" });
  await terminal.selectOption("Ghostty");
  await expect.poll(patches).toEqual([["terminal", '"ghostty"']]);
  await terminal.selectOption("The first that is found");
  await expect.poll(async () => (await patches()).at(-1)).toEqual(["terminal", null]);
  await row("notify.build_failed").getByRole("switch", { name: "Notify of failed builds" }).click();
  await expect.poll(async () => (await patches()).at(-1)).toEqual(["notify.build_failed", "false"]);
  expect(await violations(page)).toEqual([]);
});
