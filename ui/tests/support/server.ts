import { createReadStream, readFileSync } from "node:fs";
import { stat } from "node:fs/promises";
import { type Server, createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { extname, join, normalize } from "node:path";
import { fileURLToPath } from "node:url";

const UI = fileURLToPath(new URL("../..", import.meta.url));

const TYPES: Readonly<Record<string, string>> = {
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript",
  ".css": "text/css",
};

/** The policy that the app's window has: the one of `tauri.conf.json`. */
export function policy(): string {
  const conf = JSON.parse(readFileSync(join(UI, "../tauri.conf.json"), "utf8"));
  return conf.app.security.csp;
}

/** Serves a built page (`dist` or `dist-test`) on a free loopback port, under the app's policy. */
export async function serve(folder: string): Promise<{ url: string; server: Server }> {
  const csp = policy();
  const server = createServer(async (request, response) => {
    const path = normalize(new URL(request.url ?? "/", "http://page").pathname);
    if (path === "/favicon.ico") return void response.writeHead(204).end();
    const file = join(UI, folder, path === "/" ? "index.html" : path);
    if (!(await stat(file).catch(() => undefined))?.isFile()) return void response.writeHead(404).end();
    const type = TYPES[extname(file)] ?? "application/octet-stream";
    response.writeHead(200, { "content-type": type, "content-security-policy": csp });
    createReadStream(file).pipe(response);
  });
  await new Promise<void>((ready) => server.listen(0, "127.0.0.1", ready));
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`, server };
}
