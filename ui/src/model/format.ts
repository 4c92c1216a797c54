const KIB = 1024;

/** An amount in the unit that suits it: `512 MiB`, `2.1 GiB`, `40 GiB`. */
export function bytes(n: number): string {
  const units = ["B", "KiB", "MiB", "GiB", "TiB"];
  let value = n;
  let unit = 0;
  while (value >= KIB && unit < units.length - 1) {
    value /= KIB;
    unit += 1;
  }
  const whole = value >= 10 || Number.isInteger(value) || unit < 3;
  return `${whole ? Math.round(value) : value.toFixed(1)} ${units[unit]}`;
}

/** The same of MiB, as the engine counts memory. */
export function mebibytes(n: number): string {
  return bytes(n * KIB * KIB);
}

/** How much of how much, with the unit said once: `2.1 of 4 GiB`. */
export function share(used: number, total: number): string {
  const [ofUsed, ofTotal] = [bytes(used), bytes(total)];
  const unit = ofTotal.split(" ")[1] ?? "";
  return ofUsed.endsWith(` ${unit}`)
    ? `${ofUsed.slice(0, -unit.length - 1)} of ${ofTotal}`
    : `${ofUsed} of ${ofTotal}`;
}

/** 0 to 1 as `34%`. */
export function percent(fraction: number): string {
  return `${Math.round(Math.min(1, Math.max(0, fraction)) * 100)}%`;
}

/** A running time as a clock shows it: `0:07`, `1:32`, `2:05:09`. */
export function clock(seconds: number): string {
  const s = Math.max(0, Math.floor(seconds));
  const [hours, minutes, rest] = [Math.floor(s / 3600), Math.floor((s % 3600) / 60), s % 60];
  const two = (n: number): string => String(n).padStart(2, "0");
  return hours > 0 ? `${hours}:${two(minutes)}:${two(rest)}` : `${minutes}:${two(rest)}`;
}

/** A long time in words: `less than a minute`, `12 min`, `1 h 4 min`, `3 days`. */
export function span(ms: number): string {
  const minutes = Math.floor(ms / 60_000);
  if (minutes < 1) return "less than a minute";
  if (minutes < 60) return `${minutes} min`;
  const hours = Math.floor(minutes / 60);
  if (hours < 48) return minutes % 60 === 0 ? `${hours} h` : `${hours} h ${minutes % 60} min`;
  return `${Math.floor(hours / 24)} days`;
}

/** A short time: `0.4 s`, `12.3 s`. */
export function tenths(ms: number): string {
  return `${(ms / 1000).toFixed(1)} s`;
}

/** `1 build`, `2 builds`; `zero` where there is none. */
export function count(n: number, one: string, zero = `no ${one}s`): string {
  if (n === 0) return zero;
  return n === 1 ? `1 ${one}` : `${n.toLocaleString("en")} ${one}s`;
}

/** A piece of a sentence; code is what stood between backticks. */
export interface Piece {
  text: string;
  code: boolean;
}

/** A sentence of the engine's as it is written for a person: it begins in upper case, unless what it begins with is
 * a name (`builders.x86_64.cores`, `igloo-admin`). */
export function sentence(text: string): string {
  return /^[a-z]+(?=$|[\s,;:'’])/.test(text) ? text.charAt(0).toUpperCase() + text.slice(1) : text;
}

/** A sentence cut at its backticks. One without a partner is text. */
export function pieces(text: string): Piece[] {
  const parts = sentence(text).split("`");
  const paired = parts.length % 2 === 1 ? parts : [...parts.slice(0, -2), parts.slice(-2).join("`")];
  return paired.map((part, i) => ({ text: part, code: i % 2 === 1 })).filter((piece) => piece.text !== "");
}
