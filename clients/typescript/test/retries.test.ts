import assert from "node:assert/strict";
import { createServer, type AddressInfo } from "node:net";
import { test } from "node:test";
import { inspect } from "node:util";

import { Client, PosthasteError, type Options } from "../src/index.js";
import { clock } from "../src/clock.js";
import { answer, clientFor, failure, hangUp, key, problem, raw, serve, type Answer } from "./fake.js";

const accepted = answer(202, { id: "evt_1", duplicate: false });
const event = { type: "order.paid", data: { id: 42 } };
const hook = { url: "https://x.example", event_types: ["*"] };

const passing: Record<string, Answer> = {
  "a dropped connection": hangUp,
  "no HTTP": raw("hello\r\n\r\n"),
  "an answer that is cut": raw('HTTP/1.1 202 Accepted\r\nContent-Length: 99\r\n\r\n{"id":"evt_1"}'),
  "chunks that are cut": raw('HTTP/1.1 202 Accepted\r\nTransfer-Encoding: chunked\r\n\r\ne\r\n{"id":"evt_1"}\r\n'),
  ...Object.fromEntries([429, 500, 502, 503, 504].map((status) => [`status ${status}`, answer(status)])),
};

const keyOf = (body: string): string => JSON.parse(body).idempotency_key;

for (const [name, fault] of Object.entries(passing)) {
  test(`tries again after ${name}, with the same key`, async (t) => {
    const server = await serve(t, fault, fault, accepted);
    const { client, waits } = clientFor(t, server.url);
    assert.equal((await client.publish(event)).id, "evt_1");
    const keys = server.seen.map((request) => keyOf(request.body));
    assert.equal(keys.length, 3);
    assert.equal(new Set(keys).size, 1);
    assert.ok(keys[0]!.length >= 32);
    assert.deepEqual(waits, [0.375, 0.75]);
  });

  test(`gives up after ${name}`, async (t) => {
    const server = await serve(t, fault);
    const error = await failure(clientFor(t, server.url).client.publish(event));
    assert.ok(error instanceof PosthasteError);
    assert.ok(error.unavailable);
    assert.equal(server.seen.length, 4);
  });
}

test("keeps a key of the caller", async (t) => {
  const server = await serve(t, hangUp, accepted);
  await clientFor(t, server.url).client.publish({ ...event, idempotency_key: "order-42-paid" });
  assert.deepEqual(server.seen.map((request) => keyOf(request.body)), ["order-42-paid", "order-42-paid"]);
});

test("has another key for another call", async (t) => {
  const server = await serve(t, accepted);
  const { client } = clientFor(t, server.url);
  await client.publish(event);
  await client.publish(event);
  assert.notEqual(keyOf(server.seen[0]!.body), keyOf(server.seen[1]!.body));
});

for (const status of [302, 307, 400, 401, 403, 404, 409, 413, 422, 501]) {
  test(`does not try again after status ${status}`, async (t) => {
    const server = await serve(t, answer(status, undefined, { location: "http://127.0.0.1:1/", "retry-after": "1" }));
    const error = await failure(clientFor(t, server.url).client.publish(event));
    assert.equal(error.status, status);
    assert.equal(server.seen.length, 1);
  });
}

for (const [name, first, requests] of [
  ["busy", problem(429, "busy"), 2],
  ["unavailable", problem(503, "unavailable"), 1],
  ["a proxy's 503", answer(503), 1],
  ["a failure of the server", problem(500, "internal"), 1],
  ["no answer", hangUp, 1],
] as const) {
  test(`after ${name}, sends ${requests} of what must not happen twice`, async (t) => {
    const server = await serve(t, first, answer(201, { id: "sub_1" }));
    const created = clientFor(t, server.url).client.subscriptions.create(hook);
    if (requests === 1) assert.equal((await failure(created)).undone, false);
    else assert.equal((await created).id, "sub_1");
    assert.equal(server.seen.length, requests);
  });
}

test("knows that nothing has happened without a connection", async (t) => {
  const unused = createServer().listen(0, "127.0.0.1");
  await new Promise((done) => unused.once("listening", done));
  const { port } = unused.address() as AddressInfo;
  await new Promise((done) => unused.close(done));
  const { client, waits } = clientFor(t, `http://127.0.0.1:${port}`);
  const error = await failure(client.subscriptions.create(hook));
  assert.equal(waits.length, 3);
  assert.ok(error.undone);
  assert.match(error.message, /ECONNREFUSED/);
});

test("does not retry where retries are off", async (t) => {
  const server = await serve(t, hangUp);
  await failure(clientFor(t, server.url, { retries: 0 }).client.publish(event));
  assert.equal(server.seen.length, 1);
});

test("doubles its pauses up to ten seconds", async (t) => {
  const server = await serve(t, hangUp);
  const { client, waits } = clientFor(t, server.url, { retries: 7 });
  await failure(client.publish(event));
  assert.deepEqual(waits, [0.375, 0.75, 1.5, 3, 6, 7.5, 7.5]);
});

for (const [header, least, most] of [
  ["7", 7, 7],
  ["60", 60, 60],
  [new Date(Date.now() + 30_000).toUTCString(), 1, 30],
  ["", 0.375, 0.375],
  ["soon", 0.375, 0.375],
  ["-1", 0.375, 0.375],
  ["1.5", 0.375, 0.375],
  ["Mon, 01 Jan 1990 00:00:00 GMT", 0.375, 0.375],
  ["9".repeat(40), 0.375, 0.375],
] as const) {
  test(`waits for Retry-After: ${header}`, async (t) => {
    const server = await serve(t, answer(503, undefined, { "retry-after": header }), accepted);
    const { client, waits } = clientFor(t, server.url);
    await client.publish(event);
    assert.equal(waits.length, 1);
    assert.ok(least <= waits[0]! && waits[0]! <= most, String(waits));
  });
}

test("fails at once if the server asks for more than a minute", async (t) => {
  const server = await serve(t, problem(503, "unavailable", { "retry-after": "61" }));
  const error = await failure(clientFor(t, server.url).client.publish(event));
  assert.equal(error.retryAfter, 61);
  assert.equal(server.seen.length, 1);
});

test("gives up an answer that never ends", async (t) => {
  const server = await serve(t, (response) => {
    response.writeHead(202);
    const drip = setInterval(() => response.write(" "), 10);
    response.on("close", () => clearInterval(drip));
  });
  const error = await failure(clientFor(t, server.url, { timeout: 0.3, retries: 0 }).client.publish(event));
  assert.match(error.message, /no answer: .*timeout/);
});

test("does not read a long answer", async (t) => {
  const server = await serve(t, answer(202, "x".repeat(4 << 20)));
  const error = await failure(clientFor(t, server.url).client.publish(event));
  assert.match(error.message, /longer than/);
  assert.equal(server.seen.length, 1);
});

test("does not read a long problem", async (t) => {
  const server = await serve(t, answer(409, { code: "conflict", detail: "x".repeat(16 << 10) }));
  const error = await failure(clientFor(t, server.url).client.publish(event));
  assert.deepEqual([error.status, error.code, error.detail], [409, "", "Conflict"]);
});

test("gives no key to where a redirect leads", async (t) => {
  const thief = await serve(t, accepted);
  for (const status of [301, 302, 303, 307, 308]) {
    const server = await serve(t, answer(status, undefined, { location: thief.url + "/v1/events" }));
    const { client } = clientFor(t, server.url);
    await failure(client.publish(event));
    await failure(client.deliveries.get("dlv_1"));
    assert.equal(server.seen.length, 2);
  }
  assert.equal(thief.seen.length, 0);
});

test("is stopped by a signal, in a request and in a pause", async (t) => {
  const silent = await serve(t, () => {});
  const stop = new AbortController();
  const reason = new Error("stopped by the caller");
  const call = new Client({ baseUrl: silent.url }).publish(event, { signal: stop.signal });
  stop.abort(reason);
  assert.equal(await failure(call), reason);

  const pause = new AbortController();
  const waiting = clock.sleep(3600, pause.signal);
  pause.abort(reason);
  assert.equal(await failure(waiting), reason);
  assert.equal(await failure(clock.sleep(3600, pause.signal)), reason);
});

for (const options of [
  { baseUrl: "" },
  { baseUrl: "posthaste.example" },
  { baseUrl: "ftp://posthaste.example" },
  { baseUrl: "https://user:hunter2@posthaste.example" },
  { baseUrl: "https://posthaste.example?hunter2" },
  { baseUrl: "https://posthaste.example/#hunter2" },
  { apiKey: "hunter2\n" },
  { timeout: 0 },
  { timeout: NaN },
  { retries: -1 },
  { actor: "a\nb" },
  { actor: "é".repeat(101) },
] as Partial<Options>[]) {
  test(`refuses ${JSON.stringify(options)} and does not repeat it`, () => {
    assert.throws(
      () => new Client({ baseUrl: "https://posthaste.example", ...options }),
      (error) => error instanceof TypeError && !error.message.includes("hunter2"),
    );
  });
}

test("shows its key to nobody", async (t) => {
  const repeats = answer(400, { code: key, detail: key, field: key, title: key }, { "x-request-id": key });
  for (const reply of [repeats, raw(`HTTP ${key}\r\n\r\n`)]) {
    const server = await serve(t, reply);
    const { client } = clientFor(t, server.url, { retries: 0 });
    assert.ok(!inspect(await failure(client.publish(event)), { depth: 9, showHidden: true }).includes(key));
    assert.ok(!inspect(client, { depth: 9, showHidden: true }).includes(key));
    assert.ok(!JSON.stringify(client).includes(key));
  }
});
