import { expect, test } from "vitest";
import { type Group, groups, shown, typed } from "../../src/model/settings.ts";
import { fromToml, tomlString } from "../../src/model/toml.ts";
import { FakeSettings } from "../../src/fake/settings.ts";
import type { SettingView } from "../../src/protocol.ts";

const all = (): Group[] => groups(new FakeSettings().views(), [{ value: '"ghostty"', label: "Ghostty" }]);
const field = (group: Group["id"], name: string) => {
  const found = all()
    .find((g) => g.id === group)
    ?.fields.find((f) => f.name === name);
  if (!found) throw new Error(`no ${name} in ${group}`);
  return found;
};

test("settings are grouped as they belong together, none is lost", () => {
  expect(all().map((g) => [g.id, g.fields.length])).toEqual([
    ["general", 8],
    ["aarch64", 8],
    ["x86_64", 8],
  ]);
});

test("every setting has the control of its type", () => {
  expect(field("aarch64", "cores").control).toMatchObject({
    kind: "number",
    unit: "cores",
    min: 1,
    max: 256,
  });
  expect(field("aarch64", "enabled").control.kind).toBe("switch");
  expect(field("aarch64", "image").control.kind).toBe("text");
  expect(field("aarch64", "accel").control.kind).toBe("choice");
  expect(field("general", "terminal").control).toMatchObject({
    choices: [{ value: "" }, { value: '"ghostty"', label: "Ghostty" }],
  });
});

test("a setting that this page does not know is shown by its type", () => {
  const view = (key: string, value: string): SettingView => ({
    key,
    value,
    default: value,
    set: false,
    effect: "something new",
    applies: "now",
  });
  const [group] = groups([
    view("sleep.policy", '"prevent"'),
    view("idle_stop", "600"),
    view("updates", "false"),
  ]);
  expect(group?.fields.map((f) => [f.label, f.control.kind])).toEqual([
    ["Sleep policy", "text"],
    ["Idle stop", "number"],
    ["Updates", "switch"],
  ]);
});

test("a value that is none of the choices is one all the same", () => {
  const view = new FakeSettings().views().find((v) => v.key === "builders.aarch64.accel");
  const [group] = groups([{ ...view!, value: '"whpx"' }]);
  expect(group?.fields[0]?.control).toMatchObject({
    choices: expect.arrayContaining([{ value: '"whpx"', label: "whpx" }]),
  });
});

test("what is typed becomes TOML; what was emptied, the default", () => {
  const [cores, image] = [field("aarch64", "cores"), field("aarch64", "image")];
  expect(typed(cores.control, " 6 ")).toBe("6");
  expect(typed(cores.control, "many")).toBe("many");
  expect(typed(image.control, '/a "b"')).toBe('"/a \\"b\\""');
  expect(typed(image.control, "  ")).toBeNull();
});

test("values are told with their units", () => {
  expect(shown(field("aarch64", "memory"), "4096")).toBe("4096 MiB");
  expect(shown(field("aarch64", "ephemeral"), "false")).toBe("off");
  expect(shown(field("aarch64", "accel"), '"auto"')).toBe("Automatic");
  expect(shown(field("aarch64", "image"), null)).toBe("none");
});

test("TOML strings come back as they were", () => {
  for (const text of ["", "plain", 'with "quotes"', "C:\\x\\n", "tab\there", "line\nline", "\u0001", "ü 🧊"])
    expect(fromToml(tomlString(text))).toBe(text);
  expect(fromToml("'lit\\eral'")).toBe("lit\\eral");
  expect(fromToml("1_000")).toBe(1000);
  expect(fromToml("true")).toBe(true);
  expect(fromToml("[1, 2]")).toBe("[1, 2]");
  expect(fromToml('"\\u00fc\\U0001F9CA"')).toBe("ü🧊");
});
