import { createContext } from "svelte";
import { type Backend, problemOf } from "../backend.ts";
import { isUp } from "../model/phase.ts";
import { type History, remember } from "../model/history.ts";
import type { Climbed } from "../model/ladder.ts";
import { finished } from "../model/queue.ts";
import { type Route, href, parseRoute } from "../model/route.ts";
import { ImageState } from "./image.svelte.ts";
import type { BuilderId, BuilderView, Command, Problem, Snapshot } from "../protocol.ts";

/** What every page needs: the last snapshot, what it followed, and where the user is. */
export class App {
  readonly backend: Backend;
  readonly image: ImageState;
  snapshot = $state.raw<Snapshot>();
  /** When the snapshot came: milliseconds since the Unix epoch. */
  seenAt = $state(0);
  /** Why there is no snapshot, or no newer one. */
  lost = $state.raw<Problem>();
  /** What the last thing asked for came to, where no place on the page is nearer. */
  trouble = $state.raw<Problem>();
  history = $state.raw<History>({});
  route = $state.raw<Route>(parseRoute(location.hash));
  /** Milliseconds since the Unix epoch, a second apart while something runs. */
  now = $state(Date.now());
  /** The focus goes to the next page's title. */
  arrives = false;
  /** What was last done, for those who hear it. */
  said = $state("");

  readonly builders = $derived(this.snapshot?.builders ?? []);
  readonly finished = $derived(this.snapshot ? finished(this.snapshot) : []);
  readonly anyUp = $derived(this.builders.some((b) => isUp(b.phase)));
  #climbed = $state.raw<Partial<Record<BuilderId, Climbed>>>({});

  constructor(backend: Backend) {
    this.backend = backend;
    this.image = new ImageState(backend);
  }

  /** Looks, and goes on looking. */
  async connect(): Promise<void> {
    this.lost = undefined;
    try {
      await this.#watch();
      this.see(await this.backend.snapshot());
    } catch (error) {
      this.lost = problemOf(error);
    }
  }

  #watching: Promise<unknown> | undefined;

  async #watch(): Promise<void> {
    this.#watching ??= this.backend.watch(
      (snapshot) => this.see(snapshot),
      (problem) => (this.lost = problem),
    );
    await this.#watching;
  }

  /** Takes a snapshot in. An older one than that at hand is left out. */
  see(snapshot: Snapshot): void {
    const before = this.snapshot;
    const same = before?.engine.started_ms === snapshot.engine.started_ms;
    if (before && same && snapshot.seq < before.seq) return;
    const now = Date.now();
    this.history = remember(this.history, snapshot, now);
    this.#climbed = { ...this.#climbed, ...climbedIn(snapshot) };
    [this.snapshot, this.seenAt, this.now, this.lost] = [snapshot, now, now, undefined];
  }

  builder(id: BuilderId | undefined): BuilderView | undefined {
    return this.builders.find((b) => b.id === id);
  }

  /** The times of a builder's last start, as far as this window saw them. */
  climbed(id: BuilderId): Climbed {
    return this.#climbed[id] ?? [];
  }

  /** Seconds that a build runs by now. */
  elapsed(atSnapshot: number): number {
    return atSnapshot + (this.now - this.seenAt) / 1000;
  }

  /** Does something, and shows the problem where it fails. Tells whether it went well. */
  async attempt(what: () => Promise<unknown>): Promise<boolean> {
    this.trouble = undefined;
    try {
      await what();
      return true;
    } catch (error) {
      this.trouble = problemOf(error);
      return false;
    }
  }

  send(command: Command): Promise<boolean> {
    return this.attempt(() => this.backend.command(command));
  }

  /** Starts a builder, and enables it before where it is not. */
  async start(b: BuilderView): Promise<boolean> {
    if (!b.enabled && !(await this.set(b.id, "enabled", "true"))) return false;
    return this.send({ command: "start", builder: b.id });
  }

  /** Makes a builder's image, then starts it from that. */
  async getImage(id: BuilderId): Promise<void> {
    if (!(await this.image.make(id))) return;
    const b = this.builder(id);
    if (b?.phase.phase === "stopped" || b?.phase.phase === "failed") await this.start(b);
  }

  /** Changes one setting of a builder; a value in TOML's form. */
  set(builder: BuilderId, name: string, value: string): Promise<boolean> {
    return this.send({ command: "settings", patch: { set: [[`builders.${builder}.${name}`, value]] } });
  }

  /** For a page's title: takes the focus when the user came by a link in the page. */
  readonly title = (h1: HTMLElement): void => {
    if (this.arrives) h1.focus();
    this.arrives = false;
  };

  go(route: Route): void {
    location.hash = href(route);
  }
}

function climbedIn(snapshot: Snapshot): Partial<Record<BuilderId, Climbed>> {
  const found: Partial<Record<BuilderId, Climbed>> = {};
  for (const b of snapshot.builders) if (b.running?.climbed.length) found[b.id] = b.running.climbed;
  return found;
}

export const [useApp, provideApp] = createContext<App>();
