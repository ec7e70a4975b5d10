import type { PosthasteError } from "./errors.js";
import { fieldsOf, Transport, unreadable, type Call, type CallOptions, type Options } from "./transport.js";
import type * as api from "./types.js";

/** The most events of one {@link Client.publishBatch}. */
export const maxBatch = 1000;

/** The outcome for one event of a batch: its id, or the error for which it was refused. */
export type BatchResult = { id: string; duplicate: boolean; error?: never } | { id?: never; error: PosthasteError };

/**
 * Client calls one Posthaste server.
 *
 * Every method throws {@link PosthasteError} if the call fails, and TypeError, before anything is sent, for an argument
 * that cannot be sent. The fields of requests and answers have the names of the API.
 */
export class Client {
  readonly #transport: Transport;

  readonly subscriptions: Subscriptions;
  readonly deliveries: Deliveries;

  constructor(options: Options) {
    this.#transport = new Transport(options);
    this.subscriptions = new Subscriptions(this.#transport);
    this.deliveries = new Deliveries(this.#transport);
  }

  /**
   * Publishes an event. When it is done, the event is on the server's disk.
   *
   * All tries of a call have the same idempotency key, so the event is published once. To call again after an error,
   * give a key that names the occurrence, such as order-42-paid.
   */
  async publish(event: api.Event, options?: CallOptions): Promise<api.Published> {
    return resource(this.#transport, { method: "POST", path: "v1/events", body: withKey(event), ...options });
  }

  /**
   * Publishes up to 1,000 events, with a result for each, in the same order.
   *
   * A refused event does not affect the others, so look at every error. If the call itself fails, no result is known.
   * Without events there is no call.
   */
  async publishBatch(events: readonly api.Event[], options?: CallOptions): Promise<BatchResult[]> {
    if (events.length > maxBatch) throw new TypeError(`${events.length} events in a batch, the most is ${maxBatch}`);
    if (events.length === 0) return [];
    const body = { events: events.map(withKey) };
    const answer = fieldsOf(await this.#transport.call({ method: "POST", path: "v1/events/batch", body, ...options }));
    const results = answer["results"];
    if (!Array.isArray(results) || results.length !== events.length) {
      throw unreadable(`it has not ${events.length} results`);
    }
    return results.map((each) => this.#result(fieldsOf(each)));
  }

  #result(item: Record<string, unknown>): BatchResult {
    if (item["error"]) return { error: this.#transport.errorOf(item["error"]) };
    if (typeof item["id"] !== "string" || !item["id"]) throw unreadable("a result has neither id nor error");
    return { id: item["id"], duplicate: item["duplicate"] === true };
  }
}

/** The calls about subscriptions: `client.subscriptions`. */
export class Subscriptions {
  readonly #transport: Transport;

  constructor(transport: Transport) {
    this.#transport = transport;
  }

  /**
   * Creates a subscription. The answer has the secret with which its receiver verifies, or the public_key.
   *
   * The call is not retried once it may have arrived.
   */
  async create(fields: api.NewSubscription, options?: CallOptions): Promise<api.Subscription> {
    return resource(this.#transport, { method: "POST", path: "v1/subscriptions", body: fields, once: true, ...options });
  }

  /** Looks up a subscription. */
  async get(id: string, options?: CallOptions): Promise<api.Subscription> {
    return resource(this.#transport, { method: "GET", path: pathOf("subscriptions", id), ...options });
  }

  /** Walks through subscriptions, newest first. A page is fetched when the iterator gets there. */
  list(filter: api.SubscriptionFilter = {}, options?: CallOptions): AsyncIterableIterator<api.Subscription> {
    return pages(this.#transport, { method: "GET", path: "v1/subscriptions", query: filter, ...options });
  }

  /** Changes the given fields. null restores the default of headers, forward_headers, properties, auth, tls and retry_schedule. */
  async update(id: string, fields: api.SubscriptionFields, options?: CallOptions): Promise<api.Subscription> {
    return resource(this.#transport, { method: "PATCH", path: pathOf("subscriptions", id), body: fields, ...options });
  }

  /** Deletes a subscription. Status 404 can also mean that an earlier try of this call has deleted it. */
  async delete(id: string, options?: CallOptions): Promise<void> {
    await this.#transport.call({ method: "DELETE", path: pathOf("subscriptions", id), ...options });
  }

  /** Holds the present and future deliveries of a subscription until it is resumed. */
  async pause(id: string, action: api.Action = {}, options?: CallOptions): Promise<api.Subscription> {
    return resource(this.#transport, { method: "POST", path: pathOf("subscriptions", id, "pause"), body: action, ...options });
  }

  /** Releases the held deliveries, `rate` a second. */
  async resume(id: string, job: api.Job = {}, options?: CallOptions): Promise<api.Subscription> {
    return resource(this.#transport, { method: "POST", path: pathOf("subscriptions", id, "resume"), body: job, ...options });
  }

  /**
   * Replaces the secret. The earlier ones go on signing for the grace. Without a secret, the server makes one.
   *
   * The call is not retried once it may have arrived.
   */
  async rotateSecret(id: string, rotation: api.Rotation = {}, options?: CallOptions): Promise<api.Rotated> {
    const path = pathOf("subscriptions", id, "rotate-secret");
    const answer = fieldsOf(await this.#transport.call({ method: "POST", path, body: rotation, once: true, ...options }));
    if (!answer["secret"] && !answer["public_key"]) throw unreadable("it has neither secret nor public_key");
    return answer as api.Rotated;
  }
}

/** The calls about deliveries: `client.deliveries`. */
export class Deliveries {
  readonly #transport: Transport;

  constructor(transport: Transport) {
    this.#transport = transport;
  }

  /** Walks through deliveries, newest first. A page is fetched when the iterator gets there. */
  list(filter: api.DeliveryFilter = {}, options?: CallOptions): AsyncIterableIterator<api.Delivery> {
    return pages(this.#transport, { method: "GET", path: "v1/deliveries", query: filter, ...options });
  }

  /** Looks up a delivery. */
  async get(id: string, options?: CallOptions): Promise<api.Delivery> {
    return resource(this.#transport, { method: "GET", path: pathOf("deliveries", id), ...options });
  }

  /** Walks through all attempts of a delivery, by number. */
  attempts(id: string, options?: CallOptions): AsyncIterableIterator<api.Attempt> {
    return pages(this.#transport, { method: "GET", path: pathOf("deliveries", id, "attempts"), ...options });
  }

  /**
   * Makes a further attempt at once; the answer is the delivery as it was before.
   *
   * The call is not retried once it may have arrived.
   */
  async redeliver(id: string, action: api.Action = {}, options?: CallOptions): Promise<api.Delivery> {
    const path = pathOf("deliveries", id, "redeliver");
    return resource(this.#transport, { method: "POST", path, body: action, once: true, ...options });
  }

  /** Stops a delivery; the answer is the delivery as it was before: an attempt under way is finished first. */
  async cancel(id: string, action: api.Action = {}, options?: CallOptions): Promise<api.Delivery> {
    return resource(this.#transport, { method: "POST", path: pathOf("deliveries", id, "cancel"), body: action, ...options });
  }
}

// The server keeps to its description, from which the types are made; only the id is checked.
async function resource<T>(transport: Transport, call: Call): Promise<T> {
  return (await transport.resource(call)) as T;
}

function pages<T>(transport: Transport, call: Call): AsyncIterableIterator<T> {
  return transport.pages(call) as AsyncGenerator<T, void, void>;
}

function withKey(event: api.Event): api.Event {
  return { ...event, data: event.data ?? null, idempotency_key: event.idempotency_key || crypto.randomUUID() };
}

/** Joins a path. It refuses a text that cannot be an id: as a path, "" or ".." would make another call. */
function pathOf(resource: string, id: string, ...action: string[]): string {
  if (!/^[0-9A-Za-z_]+$/.test(id)) throw new TypeError(`${JSON.stringify(id)} is no id`);
  return ["v1", resource, id, ...action].join("/");
}
