import { type Backend, problemOf } from "../backend.ts";
import type { BuilderId, BuilderView, ImageStep, Problem } from "../protocol.ts";

/** The builders' images: who has none, and how far the one is that is made. */
export class ImageState {
  /** Whose image is made now. */
  builder = $state<BuilderId>();
  /** What is done for it; `undefined`: nothing was told yet. */
  doing = $state.raw<ImageStep>();
  #problems = $state.raw<Partial<Record<BuilderId, Problem>>>({});
  #missing = $state.raw<ReadonlySet<string>>(new Set());
  #backend: Backend;

  constructor(backend: Backend) {
    this.#backend = backend;
  }

  /** Looks who has none. Where that can't be told, a start tells it. */
  async look(): Promise<void> {
    const settings = await this.#backend.settings().catch(() => []);
    this.#missing = new Set(settings.filter((s) => s.value === null).map((s) => s.key));
  }

  /** Whether a builder has nothing to start from. */
  isMissing(b: BuilderView): boolean {
    if (b.phase.phase === "failed") return b.phase.problem.code === "no_image";
    return b.phase.phase === "stopped" && this.#missing.has(`builders.${b.id}.image`);
  }

  /** Why a builder's image could not be made. */
  problem(id: BuilderId): Problem | undefined {
    return this.#problems[id];
  }

  /** Makes a builder's image. Tells whether it is there. */
  async make(id: BuilderId): Promise<boolean> {
    const alone = this.builder === undefined;
    if (alone) [this.builder, this.doing] = [id, undefined];
    this.#problems = { ...this.#problems, [id]: undefined };
    try {
      await this.#backend.buildImage(id, (p) => (this.doing = p.doing));
      await this.look();
      return true;
    } catch (error) {
      const problem = problemOf(error);
      // who cancels knows it
      if (problem.code !== "cancelled") this.#problems = { ...this.#problems, [id]: problem };
      return false;
    } finally {
      if (alone) this.builder = undefined;
    }
  }

  cancel(): Promise<void> {
    return this.#backend.cancelImage();
  }
}
