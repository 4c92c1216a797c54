import type { BuilderId } from "../protocol.ts";
import { BUILDERS } from "./phase.ts";

/** The pages, in the order of the sidebar. */
export const PAGES = ["builders", "queue", "nix", "settings", "logs"] as const;

export type Page = (typeof PAGES)[number] | "welcome";

/** Where in the page the user is: `#/logs/x86_64`, `#/settings/aarch64/port`. */
export interface Route {
  page: Page;
  builder?: BuilderId;
  /** A setting's name below the builder. */
  field?: string;
}

/** The names of the pages. */
export const TITLE: Readonly<Record<Page, string>> = {
  builders: "Builders",
  queue: "Queue",
  nix: "Nix Settings",
  settings: "Settings",
  logs: "Logs",
  welcome: "Welcome",
};

/** The route that a hash or the app's `page()` names; the builders for what makes no sense. */
export function parseRoute(hash: string): Route {
  const [page, builder, field] = hash.replace(/^#?\/?/, "").split("/");
  const known = [...PAGES, "welcome" as const].find((p) => p === page);
  if (!known) return { page: "builders" };
  const id = BUILDERS.find((b) => b === builder);
  return { page: known, ...(id && { builder: id }), ...(id && field && { field }) };
}

/** The hash of a route. */
export function href(route: Route): string {
  return `#/${[route.page, route.builder, route.field].filter(Boolean).join("/")}`;
}
