import type { BuilderId, SettingView } from "../protocol.ts";
import { BUILDERS } from "./phase.ts";
import { fromToml, tomlString } from "./toml.ts";

/** A choice of a setting that allows few values. */
export interface Choice {
  /** In TOML's form. */
  value: string;
  label: string;
}

/** How a setting is changed. */
export type Control =
  | { kind: "switch" }
  | { kind: "number"; unit: string; min: number; max: number; step: number }
  | { kind: "text"; placeholder: string; wide: boolean }
  | { kind: "choice"; choices: Choice[] };

/** A setting as the page shows it. */
export interface Field {
  view: SettingView;
  /** Its name without the group. */
  name: string;
  label: string;
  control: Control;
}

/** The settings of one builder, or those of the app. */
export interface Group {
  id: BuilderId | "general";
  title: string;
  fields: Field[];
}

interface Known {
  label: string;
  control?: Control;
}

const number = (unit: string, min: number, max: number, step = 1): Control => ({
  kind: "number",
  unit,
  min,
  max,
  step,
});

const choice = (...values: [string, string][]): Control => ({
  kind: "choice",
  choices: values.map(([value, label]) => ({ value: tomlString(value), label })),
});

/** What is known of settings by their names in their group. The bounds are those of `settings/fields.rs`. */
const KNOWN: Readonly<Record<string, Known>> = {
  enabled: { label: "Enabled" },
  image: { label: "Image", control: { kind: "text", placeholder: "/path/to/a/folder", wide: true } },
  cores: { label: "Cores", control: number("cores", 1, 256) },
  memory: { label: "Memory", control: number("MiB", 256, 1 << 22, 512) },
  disk: { label: "Disk size", control: number("GiB", 1, 1 << 14) },
  ephemeral: { label: "Ephemeral" },
  port: { label: "Port", control: number("", 1, 65535) },
  accel: {
    label: "Acceleration",
    control: choice(
      ["auto", "Automatic"],
      ["hvf", "Hypervisor.framework (hvf)"],
      ["kvm", "KVM (kvm)"],
      ["tcg", "Emulation (tcg)"],
    ),
  },
  open_at_login: { label: "Open at login" },
  stop_on_battery: { label: "Stop on battery" },
  terminal: { label: "Terminal" },
  nixpkgs: { label: "Nixpkgs", control: { kind: "text", placeholder: "github:NixOS/nixpkgs", wide: true } },
  keychain: { label: "Keys in the keychain" },
  "notify.build_failed": { label: "Notify of failed builds" },
  "notify.builder_failed": { label: "Notify of failed builders" },
  "notify.disk_nearly_full": { label: "Notify of nearly full disks" },
  start: {
    label: "Start",
    control: choice(["on-demand", "When Nix needs it"], ["manual", "By hand"], ["at-login", "At login"]),
  },
};

/** The settings in groups: the app's own first, then each builder's, as the engine orders them. */
export function groups(views: readonly SettingView[], terminals: readonly Choice[] = []): Group[] {
  const fields = views.map((view) => ({ group: groupOf(view.key), field: fieldOf(view, terminals) }));
  const all: Group[] = [
    { id: "general", title: "General", fields: [] },
    ...BUILDERS.map((id) => ({ id, title: `${id}-linux`, fields: [] as Field[] })),
  ];
  for (const group of all) group.fields = fields.filter((f) => f.group === group.id).map((f) => f.field);
  return all.filter((group) => group.fields.length > 0);
}

function groupOf(key: string): Group["id"] {
  return BUILDERS.find((id) => key.startsWith(`builders.${id}.`)) ?? "general";
}

function fieldOf(view: SettingView, terminals: readonly Choice[]): Field {
  const name = view.key.replace(/^builders\.[^.]+\./, "");
  const known = KNOWN[name];
  return { view, name, label: known?.label ?? title(name), control: control(view, name, known, terminals) };
}

function control(view: SettingView, name: string, known: Known | undefined, terminals: readonly Choice[]) {
  if (name === "terminal" && terminals.length > 0) return terminalChoice(view, terminals);
  if (known?.control) return withValue(known.control, view.value);
  const value = fromToml(view.value ?? view.default ?? '""');
  if (typeof value === "boolean") return { kind: "switch" as const };
  if (typeof value === "number") return number("", 0, Number.MAX_SAFE_INTEGER);
  return { kind: "text" as const, placeholder: "", wide: false };
}

/** The terminals that are installed; none chosen is the first that is found. */
function terminalChoice(view: SettingView, terminals: readonly Choice[]): Control {
  const none = view.default === null ? [{ value: "", label: "The first that is found" }] : [];
  return withValue({ kind: "choice", choices: [...none, ...terminals] }, view.value);
}

/** A value that is none of the choices (from a newer engine) is one all the same, so that it is seen. */
function withValue(control: Control, value: string | null): Control {
  if (control.kind !== "choice" || value === null) return control;
  if (control.choices.some((c) => c.value === value)) return control;
  return { ...control, choices: [...control.choices, { value, label: String(fromToml(value)) }] };
}

function title(name: string): string {
  const words = name.replaceAll(/[_.-]/g, " ");
  return words.charAt(0).toUpperCase() + words.slice(1);
}

/** What is typed as a TOML value; `null`: the default, for what was emptied. What is no number goes to the engine
 * as it is, which says what is wrong with it. */
export function typed(control: Control, text: string): string | null {
  const trimmed = text.trim();
  if (trimmed === "") return null;
  return control.kind === "number" ? trimmed : tomlString(trimmed);
}

/** A value for a person: the default in "Default: 4 GiB". */
export function shown(field: Field, value: string | null): string {
  if (value === null) return "none";
  const plain = fromToml(value);
  if (field.control.kind === "choice")
    return field.control.choices.find((c) => c.value === value)?.label ?? String(plain);
  if (typeof plain === "boolean") return plain ? "on" : "off";
  const unit = field.control.kind === "number" ? field.control.unit : "";
  return unit === "" ? String(plain) : `${plain} ${unit}`;
}

/** When a change takes effect, as a short note; empty for at once. */
export function appliesText(view: SettingView): string {
  return view.applies === "next_start" ? "next start" : "";
}
