import { mkdir } from "node:fs/promises";
import type { Page } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type Bench, LARGE, type Look, SMALL, bench } from "./support/browser.ts";

/** Pictures of every page, into the folder that `PICTURES` names. */
const FOLDER = process.env["PICTURES"] ?? "pictures";

type Act = (page: Page) => Promise<unknown>;
const press = (name: string, page: Page): Promise<void> =>
  page.getByRole("button", { name, exact: true }).click();

const SHOTS: [name: string, scene: string, route: string, look?: Look, act?: Act][] = [
  ["builders", "ready", "builders", { wait: 130 }],
  ["builders-both", "both", "builders", { wait: 130, size: LARGE }],
  ["builders-small", "ready", "builders", { wait: 130, size: SMALL }],
  ["builders-stopped", "stopped", "builders"],
  ["builders-preparing", "preparing", "builders"],
  ["builders-booting", "booting", "builders"],
  ["builders-draining", "draining", "builders", { wait: 8 }],
  ["builders-failed", "crashed", "builders"],
  ["builders-pending", "pending", "builders", { wait: 60 }],
  ["builders-warning", "warning", "builders", { wait: 60 }],
  ["builders-drifted", "drifted", "builders", { wait: 8 }],
  ["builders-empty", "nothing-enabled", "builders"],
  ["builders-services", "services", "builders"],
  ["builders-loading", "silent", "builders"],
  ["builders-forced", "both", "builders", { wait: 60, forced: true }],
  ["no-engine", "no-engine", "builders"],
  ["queue", "ready", "queue", { wait: 4 }],
  ["queue-empty", "idle", "queue"],
  ["nix", "first-run", "nix"],
  ["nix-large", "first-run", "nix", { size: LARGE }],
  ["nix-in-place", "idle", "nix"],
  ["nix-darwin", "nix-darwin", "nix"],
  ["nix-obstacle", "obstacle", "nix"],
  ["settings", "ready", "settings/aarch64"],
  ["settings-small", "ready", "settings/aarch64", { size: SMALL }],
  ["logs", "ready", "logs"],
  ["logs-long", "long-log", "logs", { size: LARGE }],
  ["stop", "ready", "builders", { wait: 130 }, (p) => press("Stop aarch64-linux", p)],
  ["nix-consent", "first-run", "nix", {}, (p) => press("Apply…", p)],
  ["nix-report", "first-run", "nix", {}, (p) => press("Apply…", p).then(() => press("Continue", p))],
  ["nix-options", "first-run", "nix", { size: LARGE }, (p) => p.getByText("Options").click()],
  ["settings-general", "ready", "settings", {}, (p) => p.getByRole("radio", { name: "General" }).click()],
  ["settings-invalid", "ready", "settings/aarch64", {}, invalid],
  ["logs-search", "long-log", "logs", {}, (p) => p.getByRole("textbox").fill("unpacking")],
  ["welcome", "first-run", "welcome"],
  ["welcome-builder", "first-run", "welcome", {}, (p) => press("Get Started", p)],
  ["welcome-nix", "first-run", "welcome", {}, (p) => steps(p, 2)],
  ["welcome-build", "first-run", "welcome", {}, (p) => steps(p, 3)],
  ["welcome-small", "first-run", "welcome", { size: SMALL }],
];

async function invalid(page: Page): Promise<void> {
  const row = page.locator("[data-key='builders.aarch64.memory']");
  await row.getByRole("textbox").fill("100");
  await page.keyboard.press("Enter");
  await row.getByRole("alert").waitFor();
}

async function steps(page: Page, n: number): Promise<void> {
  await press("Get Started", page);
  for (let i = 1; i < n; i++) await press("Skip This Step", page);
  await page.getByRole("heading", { level: 1 }).waitFor();
}

let b: Bench;
beforeAll(async () => {
  await mkdir(FOLDER, { recursive: true });
  b = await bench();
});
afterAll(() => b.close());

test.for(SHOTS)("%s", async ([name, scene, route, look = {}, act]) => {
  for (const scheme of ["light", "dark"] as const) {
    const page = await b.open(scene, route, { ...look, scheme, still: true });
    await act?.(page);
    const picture = await page.screenshot({ path: `${FOLDER}/${name}-${scheme}.png` });
    expect(picture.length).toBeGreaterThan(1000);
    await page.context().close();
  }
});
