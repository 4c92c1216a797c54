import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import type { Page } from "playwright-core";
import { violations } from "../support/axe.ts";
import type { FinishedBuild } from "../../src/protocol.ts";
import { type Bench, bench } from "../support/browser.ts";

let b: Bench;
let page: Page;
beforeAll(async () => void (b = await bench()));
afterAll(() => b.close());
afterEach(async () => {
  expect(b.complaints.splice(0)).toEqual([]);
  await page.context().close();
});

const card = (id = "aarch64") => page.locator(`[data-builder=${id}]`);
const phase = (name: string, id = "aarch64") =>
  page.locator(`[data-builder=${id}][data-phase=${name}]`).waitFor();
const commands = () =>
  page.evaluate(() =>
    window.fake.calls
      .filter((c) => c.startsWith("command "))
      .map((c) => JSON.parse(c.slice("command ".length))),
  );
const press = (name: string | RegExp) => page.getByRole("button", { name }).click();

test("a start is seen rung by rung until the builder is ready, and a stop until it is stopped", async () => {
  page = await b.open("stopped", "builders");
  await press("Start aarch64-linux");
  await phase("booting");
  expect(await card().getByRole("progressbar").isVisible()).toBe(true);
  await phase("ready");
  await press("Stop aarch64-linux");
  await phase("stopped");
  expect(await commands()).toEqual([
    { command: "start", builder: "aarch64" },
    { command: "stop", builder: "aarch64", mode: "wait" },
  ]);
});

test("the ladder says how far a start is, with its times", async () => {
  page = await b.open("booting", "builders");
  const rungs = card().getByRole("listitem");
  expect(await rungs.count()).toBe(8);
  expect(await rungs.nth(3).innerText()).toMatch(/SSH answers.*4\.9 s/s);
  expect(await card().locator("[aria-current=step]").innerText()).toContain("Logging in");
  await press("Cancel Start aarch64-linux");
  await phase("stopped");
  expect(await commands()).toEqual([{ command: "stop", builder: "aarch64", mode: "now" }]);
});

test("how a builder that runs was started can be unfolded", async () => {
  page = await b.open("idle", "builders");
  const last = card().getByText("Builds the promised systems");
  expect(await last.isVisible()).toBe(false);
  await card().getByText("Started in 6.4 s").click();
  await last.waitFor({ state: "visible" });
});

test("a stop while builds run asks: wait, now, or leave it", async () => {
  page = await b.open("ready", "builders");
  const dialog = page.getByRole("dialog", { name: "3 builds are running on aarch64-linux" });
  await press("Stop aarch64-linux");
  await dialog.waitFor();
  expect(await dialog.getByText("linux-6.12.57").isVisible()).toBe(true);
  expect(await violations(page)).toEqual([]);

  await page.keyboard.press("Escape");
  await dialog.waitFor({ state: "detached" });
  expect(await commands()).toEqual([]);
  expect(await page.evaluate(() => document.activeElement?.textContent?.trim())).toMatch(/^Stop/);

  await press("Stop aarch64-linux");
  await dialog.getByRole("button", { name: "Wait for Them" }).click();
  await phase("draining");
  await press("Stop Now aarch64-linux");
  await phase("stopped");
  expect((await commands()).map((c) => c.mode)).toEqual(["wait", "now"]);
});

test("the question keeps the focus, and begins at the answer that loses nothing", async () => {
  page = await b.open("ready", "builders");
  await press("Restart aarch64-linux");
  const focused = () =>
    page.evaluate(
      () => document.activeElement?.closest("dialog") && document.activeElement.textContent?.trim(),
    );
  expect(await focused()).toBe("Wait for Them");
  const seen = new Set<string | null | undefined>();
  for (let i = 0; i < 8; i++) {
    await page.keyboard.press("Tab");
    const at = await page.evaluate(() => {
      const e = document.activeElement;
      // the browser's own bar comes between the last and the first
      return e === document.body || e?.closest("dialog") ? "" : e?.outerHTML;
    });
    expect(at).toBe("");
    seen.add(await focused());
  }
  for (const name of ["Cancel", "Restart Now", "Wait for Them"]) expect(seen).toContain(name);
});

test("where nobody knows whether builds run, it says so", async () => {
  page = await b.open("unknown-builds", "builders");
  await press("Stop aarch64-linux");
  await page.getByText("can’t tell whether builds are running").waitFor();
  await press("Wait, Then Stop");
  expect((await commands()).at(-1)).toMatchObject({ command: "stop", mode: "wait" });
});

test("a failure has its cause, its remedy and the button that does it", async () => {
  page = await b.open("port-taken", "builders");
  const alert = card().getByRole("alert");
  expect(await alert.innerText()).toContain("Port 31022 is taken by qemu-system-aarch64 (process 812)");
  await alert.getByRole("button", { name: "Change the Port…" }).click();
  await page.locator("[data-key='builders.aarch64.port'] input").waitFor();
  expect(await page.evaluate(() => document.activeElement?.id)).toBe("setting-builders-aarch64-port");
});

test("a builder that crashed starts again from its note", async () => {
  page = await b.open("crashed", "builders");
  expect(await card().getByRole("link", { name: "Show Log", exact: true }).getAttribute("href")).toBe(
    "#/logs/aarch64",
  );
  await press("Start Again");
  await phase("ready");
});

test("where a start ended is said", async () => {
  page = await b.open("booting", "builders");
  await page.evaluate(() =>
    window.fake.change("aarch64", (old) => ({
      ...old,
      running: null,
      phase: {
        phase: "failed",
        problem: { code: "login_failed", message: "the guest did not let ‘builder’ in", remedy: "reset it" },
      },
    })),
  );
  await phase("failed");
  const ended = card().locator("li.failed");
  expect(await ended.innerText()).toContain("Logged in");
  expect(await ended.innerText()).toContain("the start ended here");
  expect(await violations(page)).toEqual([]);
});

test("a reset is only done after a yes", async () => {
  page = await b.open("bad-disk", "builders");
  await card().getByRole("alert").getByRole("button", { name: "Reset Disk…" }).click();
  await press("Cancel");
  expect(await commands()).toEqual([]);
  await card().getByRole("alert").getByRole("button", { name: "Reset Disk…" }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Reset Disk" }).click();
  await card().getByText("The disk will be made clean at the next start").waitFor();
  expect(await commands()).toEqual([{ command: "reset", builder: "aarch64" }]);
});

test("ephemeral is a switch, and what waits for the next start is said", async () => {
  page = await b.open("pending", "builders");
  await card().getByText("6 cores, 12 GiB memory, ephemeral on").waitFor();
  await card().getByRole("switch", { name: "Ephemeral" }).click();
  await page.locator("[role=switch][aria-checked=false]").waitFor();
  expect(await commands()).toEqual([
    { command: "settings", patch: { set: [["builders.aarch64.ephemeral", "false"]] } },
  ]);
});

test("a builder can be enabled, a terminal opened, and what fails is said", async () => {
  page = await b.open("idle", "builders");
  await press("Enable x86_64-linux");
  await phase("stopped", "x86_64");
  await page.evaluate(() =>
    window.fake.refuse.set("open_terminal", {
      code: "missing_tool",
      message: "no terminal was found",
      remedy: "name one in the settings",
    }),
  );
  await press("Open Terminal in aarch64-linux");
  await page.getByRole("alert").getByText("No terminal was found").waitFor();
  expect(await violations(page)).toEqual([]);
  await press("Dismiss");
  await press("Open Terminal in aarch64-linux");
  await expect
    .poll(() => page.evaluate(() => window.fake.calls.filter((c) => c.startsWith("open_terminal")).length))
    .toBe(2);
  expect(await page.getByRole("alert").count()).toBe(0);
});

const service = (label = "org.nixos.linux-builder") => page.locator(`[data-service="${label}"]`);
const asked = (name: string) => page.evaluate((n) => window.fake.calls.filter((c) => c.startsWith(n)), name);

test("other programs' builders have a card each, with what is wrong", async () => {
  page = await b.open("services", "builders");
  await service().getByText("port 31022 · 7 GiB on disk · ephemeral · builds not known").waitFor();
  const virby = service("org.nixos.virbyd");
  await virby.getByText("Virby ended with exit code 1, and launchd starts it again").waitFor();
  expect(await virby.getByRole("button").count()).toBe(0);
  expect(await violations(page)).toEqual([]);
});

test("nix-darwin's builder is stopped and started after the steps were shown", async () => {
  page = await b.open("services", "builders");
  await press("Stop… nix-darwin's linux-builder");
  const dialog = page.getByRole("dialog", { name: "Stop nix-darwin's linux-builder?" });
  await dialog.getByText("its guest is powered off first").waitFor();
  expect(await violations(page)).toEqual([]);
  await dialog.getByRole("button", { name: "Cancel" }).click();
  expect(await asked("setup_apply")).toEqual([]);
  await press("Stop… nix-darwin's linux-builder");
  await dialog.getByRole("button", { name: "Continue" }).click();
  await page.locator("[data-service][data-state=stopped]").waitFor();
  await press("Start… nix-darwin's linux-builder");
  await page.getByRole("dialog").getByRole("button", { name: "Continue" }).click();
  await page.locator("[data-service][data-state=running]").waitFor();
  expect(await asked("setup_apply")).toEqual(["setup_apply 1", "setup_apply 1"]);
});

test("a wipe of what runs says that it is stopped, and a refusal is shown", async () => {
  page = await b.open("services", "builders");
  await press("Wipe Disk… nix-darwin's linux-builder");
  const dialog = page.getByRole("dialog", { name: "Wipe the disk of nix-darwin's linux-builder?" });
  expect(await dialog.getByRole("listitem").count()).toBe(3);
  await page.evaluate(() =>
    window.fake.refuse.set("setup_apply", {
      code: "not_allowed",
      message: "the right was refused",
      remedy: "try again",
    }),
  );
  await dialog.getByRole("button", { name: "Continue" }).click();
  await page.getByRole("alert").getByText("The right was refused").waitFor();
});

test("an engine that went away and came back is followed", async () => {
  page = await b.open("idle", "builders");
  await page.evaluate(() =>
    window.fake.lose({ code: "no_engine", message: "no engine runs", remedy: "open Igloo" }),
  );
  await page.getByRole("heading", { name: "No engine runs" }).waitFor();
  await press("Try Again");
  await page.getByRole("heading", { name: "No engine runs" }).waitFor();
  await page.evaluate(() => delete window.fake.scene.lost);
  await press("Try Again");
  await phase("ready");
});

test("builds come, run and go in the queue", async () => {
  page = await b.open("ready", "queue");
  const running = page.getByRole("region", { name: /^Running/ });
  await running.getByText("linux-6.12.57").waitFor();
  expect(await running.getByText("12:3").first().isVisible()).toBe(true);
  await page
    .getByRole("region", { name: /^Waiting/ })
    .getByText("rustc-1.91.0")
    .waitFor();
  await page.evaluate(() =>
    window.fake.change("aarch64", (old) => {
      const [first] = old.builds ?? [];
      const gone: FinishedBuild = {
        derivation: first?.derivation ?? null,
        end: "built",
        elapsed_s: 754,
        ended_ms: Date.now(),
      };
      return { ...old, builds: old.builds?.slice(1) ?? null, finished: [gone, ...old.finished] };
    }),
  );
  const finished = page.getByRole("region", { name: /^Finished/ });
  await finished.getByText("linux-6.12.57").waitFor();
  await finished.getByText("took 12:34").waitFor();
  await finished
    .getByText(/^Built .* ago$/)
    .first()
    .waitFor();
  await finished.getByText("Failed or interrupted 9 min ago").waitFor();
  expect(await violations(page)).toEqual([]);
});

test("CPU and memory draw lines as time goes by", async () => {
  page = await b.open("idle", "builders", { wait: 20 });
  const line = (await card().locator("svg.cpu path.line").getAttribute("d")) ?? "";
  expect(line.split("L").length).toBeGreaterThan(5);
});
