import { type Backend, type SetupOptions, type SetupPlan, problemOf } from "../backend.ts";
import { canUndo } from "../model/setup.ts";
import type { BuilderId, Installation, Problem, Report } from "../protocol.ts";

/** What is going on with Nix' files. */
export type Busy = "looking" | "applying" | "undoing";

/** The setup of Nix for one builder: what is there, what would be done, and what was done. */
export class SetupState {
  installation = $state.raw<Installation>();
  plan = $state.raw<SetupPlan>();
  /** What Igloo has changed so far. */
  status = $state.raw<Report>();
  /** What the last apply or undo came to. */
  report = $state.raw<Report>();
  problem = $state.raw<Problem>();
  busy = $state<Busy>();
  options = $state<SetupOptions>({
    share_connection: false,
    substitutes: false,
    trust_user: false,
    beside_external: false,
  });
  readonly undoable = $derived(canUndo(this.status?.steps ?? []));
  /** Whether Nix has another way to build for Linux, beside which the user may want Igloo's. */
  readonly external = $derived(
    this.options.beside_external || (this.plan?.owner && this.installation?.machines_free) === true,
  );
  #backend: Backend;
  #look = 0;

  constructor(backend: Backend) {
    this.#backend = backend;
  }

  /** Looks at the files and makes the plan anew. The answer to an older question is left out. */
  async look(builder: BuilderId): Promise<void> {
    const look = (this.#look += 1);
    this.busy = "looking";
    const options = { ...this.options };
    try {
      const [installation, status] = await Promise.all([
        this.#backend.installation(),
        this.#backend.setupStatus().catch(() => undefined),
      ]);
      if (look !== this.#look) return;
      [this.installation, this.status] = [installation, status];
      const plan = installation.kind === "none" ? undefined : await this.#backend.setupPlan(builder, options);
      if (look !== this.#look) return;
      [this.plan, this.problem] = [plan, undefined];
    } catch (error) {
      if (look !== this.#look) return;
      [this.plan, this.problem] = [undefined, problemOf(error)];
    }
    this.busy = undefined;
  }

  apply(builder: BuilderId): Promise<void> {
    const plan = this.plan?.plan;
    return plan ? this.#run("applying", builder, () => this.#backend.setupApply(plan)) : Promise.resolve();
  }

  undo(builder: BuilderId): Promise<void> {
    return this.#run("undoing", builder, () => this.#backend.setupUndo());
  }

  async #run(busy: Busy, builder: BuilderId, what: () => Promise<Report>): Promise<void> {
    this.report = undefined;
    this.busy = busy;
    let problem: Problem | undefined;
    try {
      this.report = await what();
    } catch (error) {
      problem = problemOf(error);
    }
    await this.look(builder);
    this.problem = problem ?? this.problem;
  }
}
