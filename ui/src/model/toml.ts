/** A setting's value, read from TOML's form. Anything but a string, a number or a truth stays as it is written. */
export type Value = string | number | boolean;

/** The value of a setting as `SettingView` carries it. */
export function fromToml(text: string): Value {
  if (text === "true" || text === "false") return text === "true";
  if (/^[+-]?\d[\d_]*$/.test(text)) return Number(text.replaceAll("_", ""));
  const quoted = /^"(.*)"$/s.exec(text);
  if (quoted) return unescape(quoted[1] ?? "");
  const literal = /^'(.*)'$/s.exec(text);
  return literal ? (literal[1] ?? "") : text;
}

/** A text as a TOML string. */
export function tomlString(text: string): string {
  const escaped = [...text].map((c) => ESCAPES.get(c) ?? (c < " " || c === "\x7f" ? code(c) : c));
  return `"${escaped.join("")}"`;
}

const ESCAPES = new Map([
  ['"', '\\"'],
  ["\\", "\\\\"],
  ["\n", "\\n"],
  ["\r", "\\r"],
  ["\t", "\\t"],
]);

function code(c: string): string {
  return `\\u${c.charCodeAt(0).toString(16).padStart(4, "0")}`;
}

function unescape(text: string): string {
  const plain: Record<string, string> = { n: "\n", r: "\r", t: "\t", b: "\b", f: "\f" };
  return text.replace(/\\(?:u([\dA-Fa-f]{4})|U([\dA-Fa-f]{8})|(.))/gs, (_, u4, u8, c: string) =>
    u4 || u8 ? String.fromCodePoint(parseInt(u4 ?? u8, 16)) : (plain[c] ?? c),
  );
}
