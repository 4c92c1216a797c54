import type { Server } from "node:http";
import { type Browser, type Page, chromium } from "playwright-core";
import type { Fake } from "../../src/fake/index.ts";
import { inject } from "vitest";
import { serve } from "./server.ts";

declare global {
  interface Window {
    fake: Fake;
  }
}

/** How a page is looked at. */
export interface Look {
  scheme?: "light" | "dark";
  size?: { width: number; height: number };
  still?: boolean;
  forced?: boolean;
  /** Seconds that pass before it is looked at: sparklines need some. */
  wait?: number;
}

export const SMALL = { width: 720, height: 480 };
export const LARGE = { width: 1100, height: 760 };

/** A browser, and the page with the fake backend in it. */
export class Bench {
  readonly browser: Browser;
  readonly url: string;
  /** What the pages' consoles complained about. */
  readonly complaints: string[] = [];
  #server: Server;

  constructor(browser: Browser, url: string, server: Server) {
    this.browser = browser;
    this.url = url;
    this.#server = server;
  }

  /** Opens a scene at a route. */
  async open(scene: string, route = "", look: Look = {}): Promise<Page> {
    const context = await this.browser.newContext({
      viewport: look.size ?? { width: 880, height: 620 },
      colorScheme: look.scheme ?? "light",
      reducedMotion: look.still ? "reduce" : "no-preference",
      forcedColors: look.forced ? "active" : "none",
      deviceScaleFactor: 1,
    });
    const page = await context.newPage();
    page.setDefaultTimeout(10_000);
    page.on("console", (m) => ["error", "warning"].includes(m.type()) && this.complaints.push(m.text()));
    page.on("pageerror", (error) => this.complaints.push(error.message));
    if (look.wait) await page.clock.install();
    await page.goto(`${this.url}?fake=${scene}${route && `#/${route}`}`);
    await page.locator("h1").first().waitFor();
    if (look.wait) await page.clock.runFor(look.wait * 1000);
    return page;
  }

  async close(): Promise<void> {
    await this.browser.close();
    this.#server.close();
  }
}

/** The browser that all tests share (`chromium.ts`), before the page of a folder. */
export async function bench(folder = "dist-test"): Promise<Bench> {
  const { url, server } = await serve(folder);
  return new Bench(await chromium.connect(inject("chromium")), url, server);
}
