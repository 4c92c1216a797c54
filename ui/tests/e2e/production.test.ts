import { readFileSync, readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type Bench, bench } from "../support/browser.ts";
import { policy } from "../support/server.ts";

const DIST = fileURLToPath(new URL("../../dist", import.meta.url));
const files = (folder = DIST): string[] =>
  readdirSync(folder).flatMap((name) => {
    const path = join(folder, name);
    return statSync(path).isDirectory() ? files(path) : [path];
  });
const text = (ending: string) =>
  files()
    .filter((f) => f.endsWith(ending))
    .map((f) => readFileSync(f, "utf8"));

let b: Bench;
beforeAll(async () => void (b = await bench("dist")));
afterAll(() => b.close());

test("the policy has nothing unsafe in it", () => {
  expect(policy()).toContain("default-src 'none'");
  expect(policy()).not.toMatch(/unsafe|\*|data:/);
});

test("what is shipped has no fake, and asks nobody else for anything", () => {
  const all = text(".js").join("\n");
  for (const trace of ["SeaBIOS", "too_many_restarts", "hello-2.12.1", "window.fake"])
    expect(all).not.toContain(trace);
  const hosts = [...all.matchAll(/https?:\/\/[\w.-]+/g)].map((m) => m[0]);
  // names of XML, and where the framework explains its errors
  expect(new Set(hosts.filter((h) => !/w3\.org$|svelte\.dev$/.test(h)))).toEqual(new Set());
  expect(text(".html").join("")).not.toMatch(/<style|<script(?![^>]*\bsrc=)|\bstyle=|\bon\w+=/);
  expect(text(".css").join("")).not.toMatch(/url\(|@import/);
});

test("what is read before the window is seen is small", () => {
  const html = text(".html").join("");
  const first = [...html.matchAll(/(?:src|href)="\.?\/?(assets\/[^"]+\.js)"/g)].map((m) => m[1] ?? "");
  const bytes = first.reduce((sum, name) => sum + statSync(join(DIST, name)).size, 0);
  expect(first.length).toBeGreaterThan(0);
  expect(bytes).toBeLessThan(120_000);
});

test("without the app the page says what is wrong and breaks nothing", async () => {
  const page = await b.open("ready");
  expect(await page.evaluate(() => "fake" in window)).toBe(false);
  await page.getByRole("button", { name: "Try Again" }).waitFor();
  expect(b.complaints).toEqual([]);
});
