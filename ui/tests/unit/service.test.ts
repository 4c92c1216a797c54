import { expect, test } from "vitest";
import { linuxBuilder } from "../../src/fake/samples.ts";
import { serviceActions, serviceHead } from "../../src/model/service.ts";
import type { ServiceState } from "../../src/protocol.ts";

test("a service is told by what is known of it", () => {
  expect(serviceHead(linuxBuilder())).toEqual({
    word: "Running",
    tone: "good",
    detail: "port 31022 · 7 GiB on disk · ephemeral · builds not known",
  });
  const bare = linuxBuilder({ state: "stopped", port: null, disk_used: null, ephemeral: null });
  expect(serviceHead(bare)).toEqual({ word: "Stopped", tone: "idle", detail: "" });
});

test("only what can be controlled has buttons, by its state", () => {
  const of = (state: ServiceState): readonly string[] => serviceActions(linuxBuilder({ state }));
  expect(of("running")).toEqual(["wipe", "stop"]);
  expect(of("failing")).toEqual(["wipe", "stop"]);
  expect(of("stopped")).toEqual(["wipe", "start"]);
  expect(of("disabled")).toEqual(["wipe", "start"]);
  expect(of("unknown")).toEqual([]);
  expect(serviceActions(linuxBuilder({ controllable: false }))).toEqual([]);
});
