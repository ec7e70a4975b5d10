// These tests call a running Posthaste: POSTHASTE_URL and POSTHASTE_API_KEY name it. `make interop` starts one.

import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { readFile, writeFile } from "node:fs/promises";
import { createServer, type IncomingHttpHeaders } from "node:http";
import type { AddressInfo } from "node:net";
import { test, type TestContext } from "node:test";
import { setTimeout as pause } from "node:timers/promises";

import { Client, PosthasteError, verify, VerificationError, type Delivery, type NewSubscription, type Profile } from "@posthaste/client";

const baseUrl = required("POSTHASTE_URL");
const client = new Client({ baseUrl, apiKey: required("POSTHASTE_API_KEY"), actor: "Jo Lindqvist" });
const limit = 60_000; // milliseconds

function required(name: string): string {
  const value = process.env[name];
  assert.ok(value, `${name} is not set`);
  return value;
}

interface Hook {
  headers: IncomingHttpHeaders;
  body: Buffer;
}

/** A receiver answers every webhook with its status and remembers it until it is asked. */
async function receiver(t: TestContext, status = 204): Promise<{ url: string; next(): Promise<Hook> }> {
  const came: Hook[] = [];
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    came.push({ headers: request.headers, body: Buffer.concat(chunks) });
    response.writeHead(status).end();
  });
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/hook`,
    next: () => eventually(async () => came.shift()),
  };
}

/** Asks until there is something. */
async function eventually<T>(ask: () => Promise<T | undefined>): Promise<T> {
  for (const end = Date.now() + limit; Date.now() < end; await pause(20)) {
    const found = await ask();
    if (found !== undefined) return found;
  }
  throw new Error("it did not happen");
}

async function all<T>(items: AsyncIterable<T>): Promise<T[]> {
  const found: T[] = [];
  for await (const item of items) found.push(item);
  return found;
}

async function refusal(call: Promise<unknown>): Promise<PosthasteError> {
  const error = await call.then(() => undefined, (reason: unknown) => reason);
  assert.ok(error instanceof PosthasteError, String(error));
  return error;
}

function scene() {
  const tenant = "typescript-" + randomUUID();
  return {
    tenant,
    subscribe: (url: string, fields: Partial<NewSubscription> = {}) =>
      client.subscriptions.create({ tenant, url, event_types: ["order.*"], retry_schedule: ["1h"], ...fields }),
    publish: () => client.publish({ tenant, type: "order.paid", data: { total: "19,90 €" } }),
  };
}

/** Waits for the event's delivery to have the status. */
function delivery(event_id: string, status: Delivery["status"]): Promise<Delivery> {
  return eventually(async () => (await all(client.deliveries.list({ event_id, status })))[0]);
}

test("an event arrives, and is delivered", async (t) => {
  const { tenant, subscribe, publish } = scene();
  const hooks = await receiver(t);
  const subscription = await subscribe(hooks.url);
  const published = await publish();
  assert.deepEqual([published.tenant, published.type, published.duplicate], [tenant, "order.paid", false]);
  const hook = await hooks.next();
  const message = await verify(hook.headers, hook.body, subscription.secret ?? "");
  assert.equal(message.id, published.id);
  assert.equal(JSON.parse(hook.body.toString()).data.total, "19,90 €");
  const { id } = await delivery(published.id, "delivered");
  const attempts = await all(client.deliveries.attempts(id));
  assert.deepEqual(attempts.map((each) => [each.number, each.response?.status]), [[1, 204]]);
});

for (const profile of ["standard", "standard-ed25519", "github", "stripe", "aspnet", "servicestack"] as Profile[]) {
  test(`${profile} is verified before and during a rotation`, async (t) => {
    const { subscribe, publish } = scene();
    const hooks = await receiver(t);
    const subscription = await subscribe(hooks.url, { signature: profile });
    const old = subscription.secret ?? subscription.public_key ?? "";
    await publish();
    const before = await hooks.next();
    await verify(before.headers, before.body, old, { profile });
    const rotated = await client.subscriptions.rotateSecret(subscription.id, { grace: "1h" });
    const secrets = [rotated.secret ?? rotated.public_key ?? "", old];
    await publish();
    const during = await hooks.next();
    await verify(during.headers, during.body, secrets, { profile });
    await assert.rejects(verify(during.headers, during.body + " ", secrets, { profile }), VerificationError);
  });
}

test("a key is one event", async () => {
  const publish = (data: number) => client.publish({ tenant, type: "order.paid", data, idempotency_key: "order-42" });
  const { tenant } = scene();
  const [first, second] = [await publish(1), await publish(1)];
  assert.deepEqual([second.id, second.duplicate], [first.id, true]);
  const error = await refusal(publish(2));
  assert.deepEqual([error.status, error.code, error.field], [409, "conflict", "idempotency_key"]);
  assert.ok(error.requestId);
});

test("a batch has a result for each event", async () => {
  const { tenant } = scene();
  const [good, bad] = await client.publishBatch([
    { tenant, type: "order.paid", data: null },
    { tenant, type: "order paid", data: 1 },
  ]);
  assert.match(good?.id ?? "", /^evt_/);
  assert.deepEqual([bad?.error?.status, bad?.error?.code, bad?.error?.field], [400, "invalid", "type"]);
});

test("a subscription is changed, paused, resumed and deleted", async (t) => {
  const { subscribe, publish } = scene();
  const hooks = await receiver(t);
  const { id } = await subscribe(hooks.url, { name: "Shop" });
  const changed = await client.subscriptions.update(id, { name: "Stock", headers: { "X-Shop": "1" } });
  assert.deepEqual([changed.name, changed.headers], ["Stock", { "X-Shop": "1" }]);
  assert.deepEqual((await client.subscriptions.update(id, { headers: null })).headers, {});
  const paused = await client.subscriptions.pause(id, { reason: "repair" });
  assert.deepEqual([paused.status, paused.paused_reason], ["paused", "repair"]);
  await delivery((await publish()).id, "held");
  assert.equal((await client.subscriptions.resume(id, { rate: 100 })).status, "active");
  await hooks.next();
  assert.equal((await client.subscriptions.get(id)).id, id);
  await client.subscriptions.delete(id);
  const error = await refusal(client.subscriptions.get(id));
  assert.deepEqual([error.status, error.code], [404, "not_found"]);
});

test("a delivery is redelivered and cancelled", async (t) => {
  const { subscribe, publish } = scene();
  const hooks = await receiver(t, 503);
  await subscribe(hooks.url);
  const event = (await publish()).id;
  const first = await hooks.next();
  const { id } = await delivery(event, "pending");
  await eventually(async () => (await client.deliveries.get(id)).attempts || undefined);
  assert.equal((await client.deliveries.redeliver(id, { reason: "it is back" })).id, id);
  const again = await hooks.next();
  assert.deepEqual([again.headers["webhook-id"], again.body], [first.headers["webhook-id"], first.body]);
  await client.deliveries.cancel(id, { reason: "withdrawn" });
  assert.equal((await delivery(event, "cancelled")).reason, "withdrawn (by Jo Lindqvist)");
  const error = await refusal(client.deliveries.cancel(id));
  assert.deepEqual([error.status, error.code], [409, "conflict"]);
});

test("a list has all pages", async (t) => {
  const { tenant, subscribe } = scene();
  const hooks = await receiver(t);
  const made: string[] = [];
  for (let i = 0; i < 5; i++) made.unshift((await subscribe(hooks.url)).id);
  const found = await all(client.subscriptions.list({ tenant, limit: 2 }));
  assert.deepEqual(found.map((each) => each.id), made);
});

test("a wrong key is refused", async () => {
  const stranger = new Client({ baseUrl, apiKey: "a-key-that-nobody-has" });
  const error = await refusal(stranger.publish({ type: "order.paid", data: 1 }));
  assert.deepEqual([error.status, error.code, error.unavailable], [401, "unauthorized", false]);
});

test("the examples of the readme work", async (t) => {
  const readme = await readFile(new URL("../../README.md", import.meta.url), "utf8");
  const [publishing, receiving] = [...readme.matchAll(/^```js\n(.*?)^```$/gms)].map((match) => match[1] ?? "");
  const { subscribe, publish } = scene();
  const hooks = await receiver(t);
  process.env["WEBHOOK_SECRET"] = (await subscribe(hooks.url)).secret;

  const published = await run("publish", publishing + "export { published };");
  assert.match(published.published.id, /^evt_/);
  const { receive } = await run("receive", receiving + "export { receive };");
  await publish();
  const { headers, body } = await hooks.next();
  const request = (body: string) => new Request("https://shop.example/", { method: "POST", headers: headers as Record<string, string>, body });
  assert.equal((await receive(request(body.toString()))).status, 204);
  assert.equal((await receive(request("forged"))).status, 401);
});

/** Runs a module that stands where it finds the package. */
async function run(name: string, code: string | undefined): Promise<any> {
  const file = new URL(`./${name}.mjs`, import.meta.url);
  await writeFile(file, code ?? "");
  return import(file.href);
}
