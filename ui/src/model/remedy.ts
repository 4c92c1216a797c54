import type { Problem } from "../protocol.ts";

/** The button that does what a problem's remedy says. */
export type Remedy =
  | { label: string; kind: "start" }
  | { label: string; kind: "reset" }
  | { label: string; kind: "setup" }
  | { label: string; kind: "image" }
  /** `field` is a setting's name below `builders.<id>`. */
  | { label: string; kind: "settings"; field: string };

const START: Remedy = { label: "Start Again", kind: "start" };
const RESET: Remedy = { label: "Reset Disk…", kind: "reset" };
/** What a builder's problem is mended with. */
export function builderRemedy(problem: Problem): Remedy {
  switch (problem.code) {
    case "no_image":
      return { label: "Get the Image", kind: "image" };
    case "bad_manifest":
    case "bad_image":
      return { label: "Choose an Image…", kind: "settings", field: "image" };
    case "port_taken":
      return { label: "Change the Port…", kind: "settings", field: "port" };
    case "disabled":
    case "bad_settings":
      return { label: "Open Settings…", kind: "settings", field: "enabled" };
    case "disk_full":
      return { label: "Change the Size…", kind: "settings", field: "disk" };
    case "bad_disk":
    case "host_key_mismatch":
      return RESET;
    case "file_changed":
    case "not_managed":
      return { label: "Nix Settings…", kind: "setup" };
    default:
      return START;
  }
}

/** What a warning about a builder that works is mended with; `undefined`: nothing that a button could do. */
export function warningRemedy(problem: Problem): Remedy | undefined {
  const remedy = builderRemedy(problem);
  return remedy.kind === "start" ? undefined : remedy;
}

/** Whether the builder's console may say more about it. */
export function hasLog(problem: Problem): boolean {
  return /^(vm_|boot_|host_key|login_|daemon_|wrong_system|too_many|guest_|bad_disk)/.test(problem.code);
}
