/** The most lines that are kept; the oldest go first. */
export const MOST_LINES = 100_000;

/** A line of a console as text: without colours, cursor movements and what a carriage return overwrote. */
export function plain(line: string): string {
  // eslint-disable-next-line no-control-regex
  const bare = line.replace(/\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)?|[@-Z\\-_])/g, "");
  const seen = bare.replace(/\r+$/, "");
  const last = seen.slice(seen.lastIndexOf("\r") + 1);
  return last.replaceAll("\t", "    ").replace(/[\x00-\x08\x0b-\x1f\x7f]/g, "");
}

/** The numbers of the lines from `start` on that hold the text, whatever the case. */
export function matches(lines: readonly string[], text: string, start = 0): number[] {
  const needle = text.toLowerCase();
  if (needle === "") return [];
  const found: number[] = [];
  for (let i = start; i < lines.length; i++) if (lines[i]?.toLowerCase().includes(needle)) found.push(i);
  return found;
}

/** A part of a line, and whether it is what was searched for. */
export interface Part {
  text: string;
  hit: boolean;
}

/** A line cut where the text is found. */
export function highlight(line: string, text: string): Part[] {
  const [hay, needle] = [line.toLowerCase(), text.toLowerCase()];
  // lower case may be longer than upper case ("İ"), then places don't agree
  if (needle === "" || hay.length !== line.length) return [{ text: line, hit: false }];
  const parts: Part[] = [];
  let at = 0;
  for (let hit = hay.indexOf(needle); hit !== -1; hit = hay.indexOf(needle, at)) {
    if (hit > at) parts.push({ text: line.slice(at, hit), hit: false });
    parts.push({ text: line.slice(hit, hit + needle.length), hit: true });
    at = hit + needle.length;
  }
  if (at < line.length) parts.push({ text: line.slice(at), hit: false });
  return parts;
}

/** The lines to draw: those in view, with some around them. */
export interface Range {
  first: number;
  /** One after the last. */
  end: number;
}

/** Which of `total` lines are drawn at a scroll position, all in pixels but the lines. */
export function visible(total: number, top: number, height: number, line: number, around = 20): Range {
  const first = Math.max(0, Math.min(total, Math.floor(top / line)) - around);
  return { first, end: Math.min(total, Math.ceil((top + height) / line) + around) };
}

/** Whether the end of the log is in view, within one line. */
export function atEnd(top: number, height: number, full: number, line: number): boolean {
  return top + height >= full - line;
}

/** The next match after the one at hand, or the one before it, around the end. */
export function step(at: number, by: 1 | -1, total: number): number {
  return total === 0 ? -1 : (at + by + total) % total;
}
