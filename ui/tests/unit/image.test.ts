import { expect, test } from "vitest";
import { imageSteps } from "../../src/fake/samples.ts";
import { imageDetail, imageShare, imageTitle } from "../../src/model/image.ts";
import type { ImageStep } from "../../src/protocol.ts";

const none = { done: 0, expected: 0 };
const nix = { step: "nix", built: none, fetched: none, downloaded: none, unpacked: none, now: null } as const;

test("an image's progress has what is known and no more", () => {
  const said = [undefined, ...imageSteps()].map((s) => `${imageTitle(s)}: ${imageDetail(s)}`);
  expect(said).toEqual([
    "Getting the image: Asking Nix",
    "Getting the image: Asking Nix what it consists of",
    "Getting the image: 112 of 386 MiB · 96 of 412 fetched · 0 of 3 built · linux-6.12.57",
    "Getting the image: 340 of 386 MiB · 371 of 412 fetched · 0 of 3 built · systemd-258.2",
    "Making the store image: The last step",
  ]);
});

test("the bar shows bytes, else paths, else builds, and never more than all", () => {
  const share = (more: Partial<ImageStep>) => imageShare({ ...nix, ...more } as ImageStep);
  expect(imageShare(undefined)).toBeUndefined();
  expect(imageShare({ step: "store" })).toBeUndefined();
  expect(share({})).toBeUndefined();
  const [half, quarter] = [
    { done: 2, expected: 4 },
    { done: 1, expected: 4 },
  ];
  expect(share({ built: half })).toBe(0.5);
  expect(share({ built: half, fetched: quarter })).toBe(0.25);
  expect(share({ fetched: quarter, downloaded: { done: 9, expected: 8 } })).toBe(1);
});
