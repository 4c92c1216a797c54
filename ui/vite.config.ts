import { svelte } from "@sveltejs/vite-plugin-svelte";
import { defineConfig } from "vite";

/** `--mode test` makes the same page with the fake backend in it, in a folder that is never shipped. */
export default defineConfig(({ mode }) => ({
  base: "./",
  plugins: [svelte()],
  build: {
    outDir: mode === "production" ? "dist" : "dist-test",
    target: ["es2022", "safari15"],
    // the page's policy allows no data: addresses and no inline script
    assetsInlineLimit: 0,
    // one small file: no page is seen for a moment without its style
    cssCodeSplit: false,
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
  },
}));
