import { type Backend, problemOf } from "../backend.ts";
import { type Choice, groups } from "../model/settings.ts";
import { tomlString } from "../model/toml.ts";
import type { Problem, SettingView } from "../protocol.ts";

/** The settings, and what went wrong with which. */
export class SettingsState {
  views = $state.raw<readonly SettingView[]>();
  problem = $state.raw<Problem>();
  /** Problems by the names of their settings. */
  wrong = $state.raw<Readonly<Record<string, Problem>>>({});
  #terminals = $state.raw<readonly Choice[]>([]);
  #backend: Backend;
  readonly groups = $derived(groups(this.views ?? [], this.#terminals));

  constructor(backend: Backend) {
    this.#backend = backend;
  }

  async load(): Promise<void> {
    try {
      this.views = await this.#backend.settings();
      this.problem = undefined;
    } catch (error) {
      this.problem = problemOf(error);
    }
  }

  /** Which terminals there are, for the setting that chooses one. */
  async loadTerminals(): Promise<void> {
    const terminals = await this.#backend.terminals().catch(() => []);
    this.#terminals = terminals.map((t) => ({ value: tomlString(t.id), label: t.name }));
  }

  /** Sets a setting, in TOML's form, or with `null` goes back to its default. Tells whether it was taken. */
  async set(key: string, value: string | null): Promise<boolean> {
    try {
      await this.#backend.command({ command: "settings", patch: { set: [[key, value]] } });
    } catch (error) {
      this.wrong = { ...this.wrong, [key]: problemOf(error) };
      return false;
    }
    const { [key]: _mended, ...others } = this.wrong;
    this.wrong = others;
    await this.load();
    return true;
  }
}
