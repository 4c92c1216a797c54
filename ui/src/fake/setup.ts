import type { SetupOptions, SetupPlan } from "../backend.ts";
import { filePath } from "../model/setup.ts";
import { problem } from "./samples.ts";
import type {
  BuilderId,
  Installation,
  InstallKind,
  ManagedFile,
  Operation,
  Plan,
  Report,
  ServiceAction,
  StepState,
} from "../protocol.ts";

export function installation(kind: InstallKind, more: Partial<Installation> = {}): Installation {
  const generated = kind === "nix_darwin" || kind === "nix_os";
  return {
    kind,
    settings: generated ? null : kind === "determinate" ? "nix_custom_conf" : "nix_conf",
    daemon: kind === "determinate" ? "systems.determinate.nix-daemon" : "org.nixos.nix-daemon",
    machines_free: !generated,
    machines_read: true,
    external_builders: false,
    obstacles: [],
    ...more,
  };
}

const alias = (id: BuilderId): string => (id === "aarch64" ? "linux-builder" : "linux-builder-x86_64");
const port = (id: BuilderId): number => (id === "aarch64" ? 31022 : 31023);

/** A plan as igloo-admin describes it. */
export function plan(id: BuilderId, options: SetupOptions): SetupPlan {
  const files: ManagedFile[] = ["builder_key", "builder_key_pub", { ssh_host: id }, "machines"];
  const ops: Operation[] = [
    "builder_key",
    { ssh_host: { builder: id, port: port(id), share_connection: options.share_connection } },
  ];
  const steps = [
    "Make the key pair /etc/nix/igloo_builder_ed25519 (and .pub) with which root's Nix logs in to the builders; kept if it is there, readable by root alone",
    `Let ssh know the builder as \`${alias(id)}\`: port ${port(id)} of this machine (in ${filePath({ ssh_host: id })})`,
    `Let Nix build ${id}-linux on \`${alias(id)}\`, up to 4 builds at a time (in /etc/nix/machines)`,
  ];
  const diffs = [keyDiff(), sshDiff(id, options.share_connection), machinesDiff(id)];
  const warnings: string[] = [];
  if (options.substitutes) {
    steps.push("Set `builders-use-substitutes`: the builder asks the binary caches itself");
    diffs.push(confDiff("builders-use-substitutes = true"));
    files.push("nix_conf");
  }
  if (options.trust_user) {
    steps.push("Set `extra-trusted-users`");
    diffs.push(options.substitutes ? "" : confDiff("extra-trusted-users = me"));
    warnings.push(
      "whoever is in `extra-trusted-users` can become root: Nix believes everything that they say",
    );
    if (!options.substitutes) files.push("nix_conf");
  }
  steps.push("Restart the Nix daemon; builds that run now are stopped");
  const made: Plan = { version: 1, ops, files: files.map((file) => ({ file, seen: "absent" })), warnings };
  return {
    plan: made,
    steps,
    diff: diffs.join(""),
    warnings,
    command: "sudo /Applications/Igloo.app/Contents/MacOS/igloo-admin apply eyJ2ZXJzaW9uIjoxfQ==",
    owner: null,
    snippet: null,
  };
}

export function nothing(): SetupPlan {
  return { plan: null, steps: [], diff: "", warnings: [], command: null, owner: null, snippet: null };
}

const LEAST: SetupOptions = {
  share_connection: false,
  substitutes: false,
  trust_user: false,
  beside_external: false,
};

/** What there is to do where Nix has another way to build for Linux. */
export function external(id: BuilderId, options: SetupOptions): SetupPlan {
  if (options.beside_external) return plan(id, options);
  const owner = problem(
    "not_managed",
    "Nix has a way to build for Linux here already (`external-builders`), as Determinate's native Linux builder is one; with Igloo's line, Igloo's builder would get the builds instead",
    "turn that one off; or, to have both, run `igloo setup --beside-external`, or put the lines in yourself",
  );
  return { ...snippet(id), owner };
}

export function snippet(id: BuilderId): SetupPlan {
  const text = `nix.distributedBuilds = true;
nix.buildMachines = [
  {
    hostName = "${alias(id)}";
    protocol = "ssh-ng";
    sshUser = "builder";
    sshKey = "/etc/nix/igloo_builder_ed25519";
    systems = [ "${id}-linux" ];
    maxJobs = 4;
    supportedFeatures = [ "benchmark" "big-parallel" ];
    publicHostKey = "c3NoLWVkMjU1MTkgQUFBQUMzTnphQzFsWkRJMU5URTVBQUFBSUpCV2N4Yi9CbGFxdDFhdU90RStG";
  }
];
`;
  const all = plan(id, LEAST);
  return { ...all, steps: all.steps.slice(0, 1), diff: keyDiff(), snippet: text };
}

export function report(outcome: Report["outcome"], state: StepState, id: BuilderId): Report {
  const what = [
    "/etc/nix/igloo_builder_ed25519",
    filePath({ ssh_host: id }),
    "/etc/nix/machines",
    "the Nix daemon",
  ];
  return { version: 1, outcome, steps: what.map((w) => ({ what: w, state })) };
}

const SERVICE_STEPS: Readonly<Record<ServiceAction, string>> = {
  stop: "Stop nix-darwin's Linux builder: its guest is powered off first, and builds that run there are lost",
  wipe: "Delete the disk of nix-darwin's Linux builder with all that was built on it; no undo brings it back",
  start: "Start nix-darwin's Linux builder",
};

/** What would be done with nix-darwin's builder. */
export function servicePlan(actions: ServiceAction[]): SetupPlan {
  const ops = actions.map((action) => ({ linux_builder_service: action }));
  const steps = actions.map((action) => SERVICE_STEPS[action]);
  return { ...nothing(), plan: { version: 1, ops, files: [] }, steps, command: "sudo -- igloo-admin" };
}

function keyDiff(): string {
  return `--- /dev/null
+++ /etc/nix/igloo_builder_ed25519.pub
@@ -0,0 +1 @@
+(a public key, made when the plan is applied)
`;
}

function sshDiff(id: BuilderId, shared: boolean): string {
  const lines = [
    "# Igloo: begin",
    `Host ${alias(id)}`,
    "  HostName 127.0.0.1",
    `  Port ${port(id)}`,
    "  User builder",
    "  IdentityFile /etc/nix/igloo_builder_ed25519",
    `  HostKeyAlias ${alias(id)}`,
    ...(shared ? ["  ControlMaster auto", "  ControlPersist 10"] : []),
    "# Igloo: end",
  ];
  return `--- /dev/null\n+++ ${filePath({ ssh_host: id })}\n@@ -0,0 +1,${lines.length} @@\n${lines.map((l) => `+${l}\n`).join("")}`;
}

function machinesDiff(id: BuilderId): string {
  return `--- /etc/nix/machines
+++ /etc/nix/machines
@@ -1,2 +1,4 @@
 # the big one in the office
 ssh-ng://build@office.example x86_64-linux - 16 2 kvm,big-parallel
+# Igloo: the next line
+ssh-ng://builder@${alias(id)} ${id}-linux /etc/nix/igloo_builder_ed25519 4 1 benchmark,big-parallel - c3NoLWVkMjU1MTkgQUFBQUMzTnphQzFsWkRJMU5URTVBQUFBSUpCV2N4Yi9C
`;
}

function confDiff(line: string): string {
  return `--- /etc/nix/nix.conf
+++ /etc/nix/nix.conf
@@ -1,3 +1,4 @@
 build-users-group = nixbld
-builders-use-substitutes = false
+${line}
 experimental-features = nix-command flakes
+# Igloo wrote the line above
`;
}
