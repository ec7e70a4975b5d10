import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { test } from "node:test";

import { verify, VerificationError, type Profile, type VerifyOptions } from "../src/index.js";
import { failure } from "./fake.js";

/** A webhook with the verdict of the Go package webhook, which made the file. */
interface Vector {
  name: string;
  profile: Profile;
  secrets: string[];
  headers: [string, string][];
  body: string;
  now: number;
  verdict: "accepted" | "refused" | "bad secret";
  id?: string;
  timestamp?: number;
}

const file = new URL("../../../testdata/webhooks.json", import.meta.url);
const vectors: Vector[] = JSON.parse(await readFile(file, "utf8"));

test("there are vectors of all profiles", () => {
  const profiles = new Set(vectors.map((vector) => vector.profile));
  assert.deepEqual([...profiles], ["standard", "standard-ed25519", "github", "stripe", "aspnet", "servicestack"]);
});

for (const vector of vectors) {
  test(`${vector.profile}: ${vector.name} is ${vector.verdict}`, async () => {
    const body = Buffer.from(vector.body, "base64");
    const verified = verify(vector.headers, body, vector.secrets, { profile: vector.profile, now: vector.now });
    if (vector.verdict === "accepted") {
      const message = await verified;
      assert.deepEqual([message.id, message.timestamp], [vector.id ?? "", vector.timestamp ?? 0]);
      assert.deepEqual(Buffer.from(message.body), body);
    } else {
      const error = await failure(verified);
      assert.equal(error.constructor, vector.verdict === "refused" ? VerificationError : TypeError);
    }
  });
}

const secret = "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";
const now = 1732233600;
const body = '{"type":"order.paid","timestamp":"2024-11-22T00:00:00.000Z","data":{"id":42}}';
const headers = {
  "Webhook-Id": "evt_01jd2m7x3v9k5h8q4w6r0t1ynb",
  "webhook-timestamp": String(now),
  "webhook-signature": "v1,5tqAGAwesGuOU8IjE9iavmnHn723QJ5nIqDY7fjlivM=",
};

test("takes headers and bodies of several types", async () => {
  const node = { ...headers, host: undefined, "set-cookie": ["a", "b"] };
  for (const each of [headers, node, new Headers(headers), Object.entries(headers), new Map(Object.entries(headers))]) {
    const bytes = new TextEncoder().encode(body);
    for (const received of [body, bytes, bytes.buffer, Buffer.from(body)]) {
      assert.equal((await verify(each, received, secret, { now })).id, headers["Webhook-Id"]);
    }
  }
});

test("takes the clock for now", async () => {
  assert.match((await failure(verify(headers, body, secret))).message, /stale/);
  assert.equal((await verify(headers, body, secret, { tolerance: Date.now() })).timestamp, now);
});

for (const [given, options] of [
  [secret, { profile: "none" }],
  [secret, { profile: "toString" }],
  [secret, { tolerance: 0 }],
  [secret, { tolerance: NaN }],
  ["hunter2", {}],
  [[secret, "hunter2"], {}],
  ["hunter2", { profile: "github" }],
  ["whpk_hunter2", { profile: "standard-ed25519" }],
] as [string | string[], VerifyOptions][]) {
  test(`refuses the arguments ${JSON.stringify([given, options])} and repeats no secret`, async () => {
    const error = await failure(verify(headers, body, given, { now, ...options }));
    assert.ok(error instanceof TypeError);
    assert.ok(!error.message.includes("hunter2"));
  });
}

for (const [name, value] of [
  ["Webhook-Id", "é"],
  ["Webhook-Id", "x".repeat(257)],
  ["webhook-timestamp", "١٧٣٢٢٣٣٦٠٠"],
  ["webhook-timestamp", `${now}\n`],
  ["webhook-signature", "\ud800"],
  ["webhook-signature", "v1,".repeat(1000)],
  ["webhook-signature", "x ".repeat(40) + headers["webhook-signature"]],
] as const) {
  test(`refuses the header ${name}: ${value.slice(0, 20)}`, async () => {
    assert.ok((await failure(verify({ ...headers, [name]: value }, body, secret, { now }))) instanceof VerificationError);
  });
}
