import type {
  BuilderId,
  Command,
  ImageProgress,
  Installation,
  Plan,
  Problem,
  Report,
  ServiceAction,
  SettingView,
  Snapshot,
} from "./protocol.ts";

/** Ends what it was given for. */
export type Stop = () => void;

/** What a setup of Nix may do beyond the least, each only on the user's word. */
export interface SetupOptions {
  /** Builds share one ssh connection. */
  share_connection: boolean;
  /** The builder fetches from substituters itself what it can. */
  substitutes: boolean;
  /** The user becomes one of Nix' trusted users, which is as much as root. */
  trust_user: boolean;
  /** The builder comes beside the other way that Nix has to build for Linux. */
  beside_external: boolean;
}

/** What a setup would do, made without privilege. */
export interface SetupPlan {
  /** `null`: there is nothing that igloo-admin may do. */
  plan: Plan | null;
  /** What would be done, a sentence each. */
  steps: string[];
  /** A unified diff; empty: nothing would be changed. */
  diff: string;
  warnings: string[];
  /** The line that does the same in a terminal. */
  command: string | null;
  /** Why Igloo does not do the rest, where another program owns the place. */
  owner: Problem | null;
  /** What to put into the user's own configuration, where that generates the files. */
  snippet: string | null;
}

/** A terminal program that is installed. */
export interface Terminal {
  id: string;
  name: string;
}

/**
 * All that the page asks of the world. Every promise rejects with a {@link Problem}, which is shown as it is.
 */
export interface Backend {
  snapshot(): Promise<Snapshot>;
  /** Hands on every new snapshot, and the problem when the engine went away. */
  watch(onSnapshot: (s: Snapshot) => void, onLost: (p: Problem) => void): Promise<Stop>;
  command(command: Command): Promise<void>;
  settings(): Promise<SettingView[]>;
  /** Makes a builder's image of nixpkgs and chooses it: done when it is there. One at a time. */
  buildImage(builder: BuilderId, onProgress: (p: ImageProgress) => void): Promise<void>;
  /** Ends what {@link buildImage} is at: its promise rejects with `cancelled`. */
  cancelImage(): Promise<void>;
  /** The last `lines` lines of a builder's console. */
  log(builder: BuilderId, lines: number): Promise<string[]>;
  /** Hands on the lines that come after those that {@link log} gave. */
  followLog(builder: BuilderId, onLines: (lines: string[]) => void): Promise<Stop>;
  installation(): Promise<Installation>;
  setupPlan(builder: BuilderId, options: SetupOptions): Promise<SetupPlan>;
  /** Asks for the administrator's password in the system's own dialog. */
  setupApply(plan: Plan): Promise<Report>;
  setupUndo(): Promise<Report>;
  setupStatus(): Promise<Report>;
  /** What would be done with nix-darwin's own builder; {@link setupApply} does it. */
  servicePlan(action: ServiceAction): Promise<SetupPlan>;
  /** Opens a shell in a builder, in the user's terminal. */
  openTerminal(builder: BuilderId): Promise<void>;
  terminals(): Promise<Terminal[]>;
  /** The first run has been gone through, or skipped. */
  firstRunDone(): Promise<void>;
  copy(text: string): Promise<void>;
  /** The page to open at first, as a route of `model/route.ts`. */
  page(): Promise<string>;
}

/** A problem of whatever a promise was rejected with. */
export function problemOf(error: unknown): Problem {
  if (isProblem(error)) return error;
  const message = error instanceof Error ? error.message : String(error);
  return { code: "internal", message, remedy: "try again; if it happens again, report it as a bug" };
}

function isProblem(error: unknown): error is Problem {
  if (typeof error !== "object" || error === null) return false;
  const e = error as Record<string, unknown>;
  return typeof e["code"] === "string" && typeof e["message"] === "string" && typeof e["remedy"] === "string";
}
