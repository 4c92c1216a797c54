import { mkdir } from "node:fs/promises";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type Bench, LARGE, type Look, SMALL, bench } from "./support/browser.ts";

/** Pictures of every page, into the folder that `PICTURES` names. */
const FOLDER = process.env["PICTURES"] ?? "pictures";

const SHOTS: [name: string, scene: string, route: string, look?: Look][] = [
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
  ["builders-loading", "silent", "builders"],
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
  ["welcome", "first-run", "welcome"],
  ["welcome-small", "first-run", "welcome", { size: SMALL }],
];

let b: Bench;
beforeAll(async () => {
  await mkdir(FOLDER, { recursive: true });
  b = await bench();
});
afterAll(() => b.close());

test.for(SHOTS)("%s", async ([name, scene, route, look = {}]) => {
  for (const scheme of ["light", "dark"] as const) {
    const page = await b.open(scene, route, { ...look, scheme, still: true });
    const picture = await page.screenshot({ path: `${FOLDER}/${name}-${scheme}.png` });
    expect(picture.length).toBeGreaterThan(1000);
    await page.context().close();
  }
});
