import { mount } from "svelte";
import Window from "./Window.svelte";
import type { Backend } from "./backend.ts";
import { tauri } from "./tauri.ts";
import "./styles/tokens.css";
import "./styles/base.css";
import "./styles/controls.css";

/** The app, or in a test build what `?fake=` names. Production builds leave the fake out whole. */
async function backend(): Promise<Backend> {
  if (import.meta.env.MODE !== "production") {
    const scenario = new URLSearchParams(location.search).get("fake");
    if (scenario !== null) return (await import("./fake/index.ts")).fake(scenario);
  }
  return tauri;
}

void backend().then((made) => {
  const target = document.getElementById("app");
  if (target) mount(Window, { target, props: { backend: made } });
});
