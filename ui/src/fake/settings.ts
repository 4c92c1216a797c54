import { BUILDERS } from "../model/phase.ts";
import { fromToml } from "../model/toml.ts";
import type { Applies, Problem, SettingView } from "../protocol.ts";

interface Row {
  name: string;
  effect: string;
  applies: Applies;
  fallback: string | null;
  /** What is wrong with a value; `undefined`: nothing. */
  check: (value: unknown) => string | undefined;
}

const truth = (v: unknown) => (typeof v === "boolean" ? undefined : "must be true or false");
const text = (v: unknown) => (typeof v === "string" && v !== "" ? undefined : "must be a name");
const folder = (v: unknown) => (String(v).startsWith("/") ? undefined : "must be an absolute path");
const number = (min: number, max: number) => (v: unknown) =>
  typeof v === "number" && v >= min && v <= max ? undefined : `must be a whole number from ${min} to ${max}`;

/** `settings/fields.rs`, `BUILDER` and `GENERAL`. */
const BUILDER: Row[] = [
  row("enabled", "whether the builder is there at all", "now", "true", truth),
  row(
    "image",
    "the folder of the image that the builder boots",
    "next_start",
    '"/var/lib/igloo/image"',
    folder,
  ),
  row("cores", "virtual processors", "next_start", "4", number(1, 256)),
  row("memory", "memory in MiB (4096 is 4 GiB)", "next_start", "8192", number(256, 1 << 22)),
  row("disk", "size of the disk in GiB; it grows and never shrinks", "next_start", "40", number(1, 1 << 14)),
  row(
    "ephemeral",
    "whether a start writes to a throwaway disk and leaves the persistent one alone",
    "next_start",
    "false",
    truth,
  ),
  row("port", "the loopback port that Nix connects to", "now", "31022", number(1, 65535)),
  row("accel", "how the guest's processor is run: auto, hvf, kvm or tcg", "next_start", '"auto"', text),
];

const GENERAL: Row[] = [
  row("open_at_login", "whether Igloo opens when you log in", "now", "false", truth),
  row(
    "stop_on_battery",
    "whether builders are stopped, once their builds end, when this machine goes on battery",
    "now",
    "false",
    truth,
  ),
  row(
    "terminal",
    "the terminal that a builder is opened in; the first that is found unless named",
    "now",
    null,
    text,
  ),
  row(
    "nixpkgs",
    "the nixpkgs that images are built of: a flake, a folder, or a channel in <>",
    "now",
    '"github:NixOS/nixpkgs/nixos-25.11"',
    text,
  ),
  row(
    "keychain",
    "whether the key that logs in to a builder is kept in the keychain, where there is one",
    "next_start",
    "true",
    truth,
  ),
  row("notify.build_failed", "whether a build that fails in a builder is notified", "now", "true", truth),
  row(
    "notify.builder_failed",
    "whether a builder that fails is notified, with its cause",
    "now",
    "true",
    truth,
  ),
  row(
    "notify.disk_nearly_full",
    "whether a builder's disk that is nearly full is notified",
    "now",
    "true",
    truth,
  ),
];

function row(
  name: string,
  effect: string,
  applies: Applies,
  fallback: string | null,
  check: Row["check"],
): Row {
  return { name, effect, applies, fallback, check };
}

/** A settings file that checks as the engine does. */
export class FakeSettings {
  #image: boolean;
  #set = new Map<string, string>();
  #rows = new Map<string, Row>([
    ...BUILDERS.flatMap((id) => BUILDER.map((r): [string, Row] => [`builders.${id}.${r.name}`, r])),
    ...GENERAL.map((r): [string, Row] => [r.name, r]),
  ]);

  /** `image`: whether the builders have one from the beginning. */
  constructor(image = true) {
    this.#image = image;
  }

  /** A setting's value, in TOML's form. */
  value(key: string): string | null {
    const known = this.#rows.get(key);
    return this.#set.get(key) ?? (known ? this.#fallback(key, known) : null);
  }

  #fallback(key: string, r: Row): string | null {
    return r.name === "image" && !this.#image ? null : fallback(key, r);
  }

  views(): SettingView[] {
    return [...this.#rows].map(([key, r]) => ({
      key,
      value: this.value(key),
      default: this.#fallback(key, r),
      set: this.#set.has(key),
      effect: r.effect,
      applies: r.applies,
    }));
  }

  /** Takes a value, or throws the engine's problem with it. */
  set(key: string, value: string | null): void {
    const known = this.#rows.get(key);
    if (!known) throw bad(`there is no setting ${key}`, "`igloo settings` lists all");
    if (value === null) return void this.#set.delete(key);
    const wrong = known.check(fromToml(value));
    if (wrong)
      throw bad(`${key} ${wrong}, not ${value}`, `nothing was changed; ${known.name} is ${known.effect}`);
    this.#set.set(key, value);
  }
}

function fallback(key: string, r: Row): string | null {
  if (key === "builders.x86_64.enabled") return "false";
  return key === "builders.x86_64.port" ? "31023" : r.fallback;
}

function bad(message: string, remedy: string): Problem {
  return { code: "bad_settings", message, remedy };
}
