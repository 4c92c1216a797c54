import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import type { AxeResults } from "axe-core";
import type { Page } from "playwright-core";

const SOURCE = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];

/** What axe finds against WCAG 2.2 AA and its best practices, a line each. Run past the page's policy. */
export async function violations(page: Page): Promise<string[]> {
  // animations at their end, so that no colour is measured on its way
  await page.evaluate(() => {
    for (const a of document.getAnimations())
      if (a.effect?.getTiming().iterations === Infinity) a.cancel();
      else a.finish();
  });
  await page.evaluate(SOURCE);
  const results = await page.evaluate(async (tags): Promise<AxeResults> => {
    const axe = (globalThis as unknown as { axe: typeof import("axe-core") }).axe;
    return axe.run(document, { runOnly: tags });
  }, TAGS);
  return results.violations.flatMap((v) =>
    v.nodes.map((n) => `${v.id}: ${n.target.join(" ")}: ${n.failureSummary}`),
  );
}
