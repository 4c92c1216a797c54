import { type Backend, type Stop, problemOf } from "../backend.ts";
import { MOST_LINES, matches, plain } from "../model/log.ts";
import type { BuilderId, Problem } from "../protocol.ts";

/** A builder's console: its lines, and what is searched for in them. */
export class Console {
  /** Changed in place, since there are many: `version` tells that they changed. */
  #lines: string[] = [];
  #version = $state(0);
  loading = $state(true);
  problem = $state.raw<Problem>();
  search = $state("");
  hits = $state.raw<readonly number[]>([]);
  /** Which of the hits is the one at hand; -1: none. */
  hit = $state(-1);
  #stop: Stop | undefined;
  #closed = false;
  #early: string[] | undefined = [];

  /** How many lines there are. */
  get count(): number {
    void this.#version;
    return this.#lines.length;
  }

  /** The lines from `first` to before `end`. */
  slice(first: number, end: number): readonly string[] {
    void this.#version;
    return this.#lines.slice(first, end);
  }

  text(): string {
    return this.#lines.join("\n");
  }

  /** Reads what is there and follows it. */
  async open(backend: Backend, builder: BuilderId): Promise<void> {
    [this.problem, this.loading] = [undefined, true];
    try {
      this.#stop = await backend.followLog(builder, (lines) => this.#arrive(lines));
      if (this.#closed) return this.#stop();
      const before = await backend.log(builder, MOST_LINES);
      const early = this.#early ?? [];
      this.#early = undefined;
      this.#append([...before, ...early]);
    } catch (error) {
      this.problem = problemOf(error);
    }
    this.loading = false;
  }

  close(): void {
    this.#closed = true;
    this.#stop?.();
  }

  /** Looks for a text from the top. */
  find(text: string): void {
    this.search = text;
    this.hits = matches(this.#lines, text);
    this.hit = this.hits.length > 0 ? 0 : -1;
  }

  /** Lines that come before those that are there already wait for them. */
  #arrive(lines: string[]): void {
    if (this.#early) this.#early.push(...lines);
    else this.#append(lines);
  }

  #append(lines: readonly string[]): void {
    const start = this.#lines.length;
    for (const line of lines) this.#lines.push(plain(line));
    const over = this.#lines.length - MOST_LINES;
    if (over > 0) this.#lines = this.#lines.slice(over);
    this.#version += 1;
    if (this.search === "") return;
    this.hits = over > 0 ? matches(this.#lines, this.search) : this.#moreHits(start);
    if (this.hit >= this.hits.length || (this.hit === -1 && this.hits.length > 0))
      this.hit = this.hits.length - 1;
  }

  #moreHits(start: number): readonly number[] {
    return [...this.hits, ...matches(this.#lines, this.search, start)];
  }
}
