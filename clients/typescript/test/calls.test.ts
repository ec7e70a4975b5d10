import assert from "node:assert/strict";
import { test } from "node:test";

import { Client, PosthasteError, type Event } from "../src/index.js";
import { answer, clientFor, failure, key, serve } from "./fake.js";

const thing = answer(200, { id: "x_1", secret: "whsec_1", data: [{ id: "x_1" }] });

async function all<T>(items: AsyncIterable<T>): Promise<T[]> {
  const found: T[] = [];
  for await (const item of items) found.push(item);
  return found;
}

// Every call with what it sends.
const calls: Record<string, [(client: Client) => Promise<unknown>, string, string, unknown?]> = {
  publish: [
    (c) => c.publish({ type: "a", data: "é<&", tenant: "acme", metadata: { k: "v" }, idempotency_key: "k" }),
    "POST",
    "/v1/events",
    { type: "a", data: "é<&", tenant: "acme", metadata: { k: "v" }, idempotency_key: "k" },
  ],
  "publish nothing": [
    (c) => c.publish({ type: "a", data: undefined, idempotency_key: "k" }),
    "POST",
    "/v1/events",
    { type: "a", data: null, idempotency_key: "k" },
  ],
  create: [
    (c) => c.subscriptions.create({ url: "https://x.example", event_types: ["*"], timeout: "10s" }),
    "POST",
    "/v1/subscriptions",
    { url: "https://x.example", event_types: ["*"], timeout: "10s" },
  ],
  get: [(c) => c.subscriptions.get("sub_1"), "GET", "/v1/subscriptions/sub_1"],
  list: [
    (c) => all(c.subscriptions.list({ tenant: "acme", status: "active", limit: 7 })),
    "GET",
    "/v1/subscriptions?tenant=acme&status=active&limit=7",
  ],
  "list all": [(c) => all(c.subscriptions.list()), "GET", "/v1/subscriptions"],
  update: [
    (c) => c.subscriptions.update("sub_1", { name: "", headers: null }),
    "PATCH",
    "/v1/subscriptions/sub_1",
    { name: "", headers: null },
  ],
  delete: [(c) => c.subscriptions.delete("sub_1"), "DELETE", "/v1/subscriptions/sub_1"],
  pause: [(c) => c.subscriptions.pause("sub_1", { reason: "why" }), "POST", "/v1/subscriptions/sub_1/pause", { reason: "why" }],
  "pause without a reason": [(c) => c.subscriptions.pause("sub_1"), "POST", "/v1/subscriptions/sub_1/pause", {}],
  resume: [(c) => c.subscriptions.resume("sub_1", { rate: 7 }), "POST", "/v1/subscriptions/sub_1/resume", { rate: 7 }],
  rotate: [
    (c) => c.subscriptions.rotateSecret("sub_1", { grace: "1h", sign_with: "new" }),
    "POST",
    "/v1/subscriptions/sub_1/rotate-secret",
    { grace: "1h", sign_with: "new" },
  ],
  deliveries: [
    (c) => all(c.deliveries.list({ event_type: "order.paid", status: "pending", since: "2026-11-22T12:00:00+01:00" })),
    "GET",
    "/v1/deliveries?event_type=order.paid&status=pending&since=2026-11-22T12%3A00%3A00%2B01%3A00",
  ],
  delivery: [(c) => c.deliveries.get("dlv_1"), "GET", "/v1/deliveries/dlv_1"],
  attempts: [(c) => all(c.deliveries.attempts("dlv_1")), "GET", "/v1/deliveries/dlv_1/attempts"],
  redeliver: [
    (c) => c.deliveries.redeliver("dlv_1", { reason: "why" }),
    "POST",
    "/v1/deliveries/dlv_1/redeliver",
    { reason: "why" },
  ],
  cancel: [(c) => c.deliveries.cancel("dlv_1"), "POST", "/v1/deliveries/dlv_1/cancel", {}],
};

for (const [name, [call, method, url, body]] of Object.entries(calls)) {
  test(`${name} sends ${method} ${url}`, async (t) => {
    const server = await serve(t, thing);
    await call(clientFor(t, server.url + "/base/", { actor: "Jo Lindqvist é" }).client);
    const [request, ...more] = server.seen;
    assert.ok(request);
    assert.equal(more.length, 0);
    assert.deepEqual([request.method, request.url], [method, "/base" + url]);
    assert.equal(request.headers.authorization, "Bearer " + key);
    assert.equal(Buffer.from(String(request.headers["posthaste-actor"]), "latin1").toString(), "Jo Lindqvist é");
    assert.deepEqual(request.body === "" ? undefined : JSON.parse(request.body), body);
    assert.equal(request.headers["content-type"], body === undefined ? undefined : "application/json");
  });
}

test("sends no key if there is none", async (t) => {
  const server = await serve(t, thing);
  await new Client({ baseUrl: server.url }).deliveries.get("dlv_1");
  assert.equal(server.seen[0]?.headers.authorization, undefined);
});

test("makes no call for a text that is no id", async (t) => {
  const server = await serve(t, thing);
  const { client } = clientFor(t, server.url);
  for (const id of ["", "..", "a/b", "a?b", "a b", "ä", "a\n"]) {
    assert.ok((await failure(client.subscriptions.delete(id))) instanceof TypeError);
  }
  assert.equal(server.seen.length, 0);
});

test("needs no answer of a deletion", async (t) => {
  const server = await serve(t, answer(204));
  assert.equal(await clientFor(t, server.url).client.subscriptions.delete("sub_1"), undefined);
});

for (const document of [undefined, null, [], {}, { id: "" }, "text"]) {
  test(`refuses the answer ${JSON.stringify(document)}`, async (t) => {
    const server = await serve(t, answer(200, document));
    const { client } = clientFor(t, server.url);
    for (const name of ["create", "get", "list", "rotate", "deliveries", "redeliver"]) {
      assert.match((await failure(calls[name]![0](client))).message, /unreadable/);
    }
  });
}

test("fetches a page when the walk gets there", async (t) => {
  const server = await serve(
    t,
    answer(200, { data: [{ id: "dlv_3" }, { id: "dlv_2" }], next_cursor: "a+b" }),
    answer(200, { data: [{ id: "dlv_1" }] }),
  );
  const walk = clientFor(t, server.url).client.deliveries.list({ status: "pending" });
  assert.equal(server.seen.length, 0);
  assert.equal((await walk.next()).value?.id, "dlv_3");
  assert.equal((await walk.next()).value?.id, "dlv_2");
  assert.equal(server.seen.length, 1);
  assert.deepEqual((await all(walk)).map((each) => each.id), ["dlv_1"]);
  assert.equal(server.seen[1]?.url, "/v1/deliveries?status=pending&cursor=a%2Bb");
});

test("gives a result for each event of a batch", async (t) => {
  const refused = { code: "invalid", detail: "type is bad", field: "type" };
  const results = [{ id: "evt_1", duplicate: true }, { id: "evt_2" }, { error: refused }];
  const server = await serve(t, answer(503), answer(202, { results }));
  const events: Event[] = [
    { type: "a", data: 1, idempotency_key: "k" },
    { type: "b", data: 2 },
    { type: "?", data: 3 },
  ];
  const [first, second, third] = await clientFor(t, server.url).client.publishBatch(events);
  assert.deepEqual(first, { id: "evt_1", duplicate: true });
  assert.deepEqual(second, { id: "evt_2", duplicate: false });
  assert.deepEqual([third?.error?.status, third?.error?.code, third?.error?.field], [400, "invalid", "type"]);
  assert.equal(server.seen[0]?.body, server.seen[1]?.body);
  const sent = JSON.parse(server.seen[0]!.body).events;
  assert.equal(sent[0].idempotency_key, "k");
  assert.ok(sent[1].idempotency_key);
  assert.equal(events[1]?.idempotency_key, undefined);
});

test("makes no call for a batch that is empty or too long", async (t) => {
  const { client } = clientFor(t, "http://127.0.0.1:1");
  assert.deepEqual(await client.publishBatch([]), []);
  assert.match((await failure(client.publishBatch(Array(1001).fill({ type: "a", data: 1 })))).message, /1001/);
});

for (const results of [undefined, [], [{}], [1], [{ id: "a" }, { id: "b" }]]) {
  test(`refuses the results ${JSON.stringify(results)} for one event`, async (t) => {
    const server = await serve(t, answer(202, { results }));
    assert.match((await failure(clientFor(t, server.url).client.publishBatch([{ type: "a", data: 1 }]))).message, /unreadable/);
  });
}

test("tells a problem", async (t) => {
  const document = { type: "about:blank", title: "Conflict", status: 409, code: "conflict", detail: "taken", field: "f" };
  const server = await serve(t, answer(409, document, { "x-request-id": "r-1" }));
  const error = await failure(clientFor(t, server.url).client.deliveries.get("dlv_1"));
  assert.ok(error instanceof PosthasteError);
  assert.deepEqual([error.status, error.code, error.detail, error.field], [409, "conflict", "taken", "f"]);
  assert.equal(error.message, "status 409 conflict: taken (field f) [request r-1]");
  assert.equal(error.unavailable, false);
});

for (const document of [undefined, null, [], "text", { code: 1, detail: {}, status: "x", field: [] }]) {
  test(`tells the status without a problem: ${JSON.stringify(document)}`, async (t) => {
    const server = await serve(t, answer(501, document, { "x-request-id": "x".repeat(129) }));
    const error = await failure(clientFor(t, server.url).client.deliveries.get("dlv_1"));
    assert.deepEqual([error.status, error.code, error.field, error.requestId], [501, "", "", ""]);
  });
}

test("tells a redirect that a browser hides", async (t) => {
  const hidden = { ok: false, status: 0, type: "opaqueredirect", headers: new Headers(), body: null } as Response;
  const { client } = clientFor(t, "http://127.0.0.1:1", { fetch: async () => hidden });
  assert.equal((await failure(client.deliveries.get("dlv_1"))).status, 302);
});
