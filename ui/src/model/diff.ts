/** What a line of a diff is; `gap` stands between two hunks. */
export type LineKind = "same" | "added" | "removed" | "gap";

/** A line of a diff, with its numbers in the old and the new file. */
export interface DiffLine {
  kind: LineKind;
  text: string;
  old?: number;
  new?: number;
}

/** What happens to one file. */
export interface FileDiff {
  path: string;
  change: "made" | "changed" | "removed";
  added: number;
  removed: number;
  lines: DiffLine[];
}

/** Where in a hunk the reader is: the next numbers, and how many lines are left of each side. */
interface Hunk {
  old: number;
  new: number;
  oldLeft: number;
  newLeft: number;
}

/** The files of a unified diff, as `diff -u` and the crate `similar` write it. */
export function parseDiff(diff: string): FileDiff[] {
  const files: FileDiff[] = [];
  let from = "";
  let hunk: Hunk | undefined;
  for (const line of diff.split("\n")) {
    const file = files.at(-1);
    // counted, since a removed `-- x` looks like a header
    if (file && hunk && (hunk.oldLeft > 0 || hunk.newLeft > 0)) add(file, hunk, line);
    else if (line.startsWith("--- ")) from = pathOf(line);
    else if (line.startsWith("+++ ")) files.push(fileOf(from, pathOf(line)));
    else if (file && line.startsWith("@@")) {
      if (file.lines.length > 0) file.lines.push({ kind: "gap", text: "" });
      hunk = hunkOf(line);
    }
  }
  return files;
}

function pathOf(header: string): string {
  return header.slice(4).split("\t")[0] ?? "";
}

function fileOf(from: string, to: string): FileDiff {
  const change = from === "/dev/null" ? "made" : to === "/dev/null" ? "removed" : "changed";
  return { path: change === "removed" ? from : to, change, added: 0, removed: 0, lines: [] };
}

function hunkOf(line: string): Hunk | undefined {
  const match = /^@@ -(\d+)(?:,(\d+))? \+(\d+)(?:,(\d+))? @@/.exec(line);
  if (!match) return undefined;
  const [old, oldLeft, now, newLeft] = [match[1], match[2] ?? 1, match[3], match[4] ?? 1].map(Number);
  return { old: old ?? 0, new: now ?? 0, oldLeft: oldLeft ?? 0, newLeft: newLeft ?? 0 };
}

function add(file: FileDiff, hunk: Hunk, line: string): void {
  if (line.startsWith("\\")) return;
  const kind = line.startsWith("+") ? "added" : line.startsWith("-") ? "removed" : "same";
  const entry: DiffLine = { kind, text: line.slice(1) };
  if (kind !== "added") {
    entry.old = hunk.old++;
    hunk.oldLeft -= 1;
  }
  if (kind !== "removed") {
    entry.new = hunk.new++;
    hunk.newLeft -= 1;
  }
  if (kind === "added") file.added += 1;
  if (kind === "removed") file.removed += 1;
  file.lines.push(entry);
}
