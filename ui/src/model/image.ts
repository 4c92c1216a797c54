import type { ImageStep, Tally } from "../protocol.ts";
import { share } from "./format.ts";

/** What is done for an image; `undefined`: nothing was told yet. */
export function imageTitle(doing: ImageStep | undefined): string {
  if (doing?.step === "store") return "Making the store image";
  return "Getting the image";
}

/** How far it is, as far as that is known: `12 of 300 MiB · 3 of 40 fetched · linux-6.12`. */
export function imageDetail(doing: ImageStep | undefined): string {
  if (!doing) return "Asking Nix";
  if (doing.step === "store") return "The last step";
  const counted = (t: Tally, what: string) => t.expected > 0 && `${t.done} of ${t.expected} ${what}`;
  const { built, fetched, downloaded, now } = doing;
  const known = [
    downloaded.expected > 0 && share(downloaded.done, downloaded.expected),
    counted(fetched, "fetched"),
    counted(built, "built"),
    // last, since it may be long and is cut where there is no room
    now,
  ];
  return known.filter(Boolean).join(" · ") || "Asking Nix what it consists of";
}

/** How far it is, 0 to 1; `undefined`: nobody knows. */
export function imageShare(doing: ImageStep | undefined): number | undefined {
  if (doing?.step !== "nix") return undefined;
  const known = [doing.downloaded, doing.fetched, doing.built].find((t) => t.expected > 0);
  return known && Math.min(1, known.done / known.expected);
}
