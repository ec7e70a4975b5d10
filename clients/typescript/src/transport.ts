import { clock } from "./clock.js";
import { PosthasteError } from "./errors.js";

/** The settings of a client. */
export interface Options {
  /** The server, such as https://posthaste.example.com, with a path if the server is below one. */
  baseUrl: string;

  /** The API key; without one none is sent, which `posthaste dev` accepts. */
  apiKey?: string;

  /** The seconds for one try, its answer included. Default: 30. */
  timeout?: number;

  /** How often a call is tried again after no answer, 429, 500, 502, 503 or 504. Default: 3. */
  retries?: number;

  /** The name under which the server's audit records what this client does. Default: the name of the API key. */
  actor?: string;

  /** The function that makes the requests. Default: the runtime's fetch. */
  fetch?: typeof fetch;
}

/** The settings of one call. */
export interface CallOptions {
  /** Ends the call, with its pauses; the call then throws the signal's reason. */
  signal?: AbortSignal;
}

/** One call of the API. */
export interface Call extends CallOptions {
  method: "GET" | "POST" | "PATCH" | "DELETE";
  path: string;
  query?: object | undefined;
  body?: unknown;

  /** The call must not arrive twice: it is retried only if the server cannot have acted on it. */
  once?: boolean;
}

// An answer is read up to these numbers of bytes. A page of attempts holds every body that was sent.
const maxAnswer = 4 << 20;
const maxLookup = 64 << 20;
const maxProblem = 16 << 10;

const firstWait = 0.5; // seconds; doubled for every further try
const longWait = 10; // where doubling ends
const maxRetryAfter = 60; // beyond it the call fails: a program that sleeps for an hour looks like one that hangs

const passing = new Set([0, 429, 500, 502, 503, 504]);

// Node's errors of a connection that was never made.
const unconnected = new Set(["ECONNREFUSED", "ENOTFOUND", "EAI_AGAIN", "UND_ERR_CONNECT_TIMEOUT"]);

const statusOfCode: Record<string, number> = {
  invalid: 400,
  unauthorized: 401,
  forbidden: 403,
  cross_origin: 403,
  not_found: 404,
  method_not_allowed: 405,
  conflict: 409,
  too_large: 413,
  unsupported_media_type: 415,
  misdirected_request: 421,
  busy: 429,
  internal: 500,
  unavailable: 503,
};

/** Transport makes the calls: it retries them, bounds what it reads, and turns refusals into errors. */
export class Transport {
  readonly #base: string;
  readonly #key: string;
  readonly #timeout: number;
  readonly #retries: number;
  readonly #actor: string;
  readonly #fetch: typeof fetch;

  constructor(options: Options) {
    this.#base = checkBase(options.baseUrl);
    this.#key = options.apiKey ?? "";
    this.#timeout = options.timeout ?? 30;
    this.#retries = options.retries ?? 3;
    this.#actor = options.actor ?? "";
    this.#fetch = options.fetch ?? ((input, init) => fetch(input, init));
    if (!/^[!-~]*$/.test(this.#key)) {
      throw new TypeError("the API key has a space, a line break or another character that no key has");
    }
    if (!(this.#timeout > 0)) throw new TypeError("the timeout must be a positive number of seconds");
    if (!(this.#retries >= 0)) throw new TypeError("retries must not be negative");
    if (bytes(this.#actor).length > 200 || /[\p{C}\p{Zl}\p{Zp}]/u.test(this.#actor)) {
      throw new TypeError("the actor is longer than 200 bytes or has a character that cannot be printed");
    }
  }

  /** Makes a call and returns the JSON of its answer; undefined if there is none. */
  async call(call: Call): Promise<unknown> {
    const body = call.body === undefined ? undefined : JSON.stringify(call.body);
    for (let attempt = 1; ; attempt++) {
      try {
        return await this.#attempt(call, body);
      } catch (error) {
        call.signal?.throwIfAborted();
        if (!(error instanceof PosthasteError) || attempt > this.#retries || !mayTryAgain(error, call.once)) throw error;
        await clock.sleep(Math.max(backoff(attempt), error.retryAfter), call.signal);
      }
    }
  }

  /** Makes a call whose answer is an object with an id. */
  async resource(call: Call): Promise<object> {
    const answer = fieldsOf(await this.call(call));
    if (!answer["id"]) throw unreadable("it has no id");
    return answer;
  }

  /** Walks through all pages of a list. It fetches a page when the caller gets there. */
  async *pages(call: Call): AsyncGenerator<unknown, void, void> {
    for (let cursor: unknown; ; ) {
      const query = cursor === undefined ? call.query : { ...call.query, cursor };
      const answer = fieldsOf(await this.call({ ...call, query }));
      if (!Array.isArray(answer["data"])) throw unreadable("it is no list");
      yield* answer["data"];
      if (!answer["next_cursor"]) return;
      cursor = answer["next_cursor"];
    }
  }

  /** Makes an error of a problem document. An item of a batch has no other status than the document's. */
  errorOf(document: unknown, status = 0, more: { requestId?: string; retryAfter?: number } = {}): PosthasteError {
    const problem = fieldsOf(document);
    const code = this.#redact(problem["code"]);
    status ||= typeof problem["status"] === "number" ? problem["status"] : (statusOfCode[code] ?? 0);
    const undone = status === 429 && code === "busy"; // after unavailable it may have acted
    const detail = this.#redact(problem["detail"]) || this.#redact(problem["title"]);
    return new PosthasteError({ detail, status, code, field: this.#redact(problem["field"]), undone, ...more });
  }

  async #attempt(call: Call, body: string | undefined): Promise<unknown> {
    const timeout = AbortSignal.timeout(this.#timeout * 1000);
    const init: RequestInit = {
      method: call.method,
      headers: this.#headers(body),
      redirect: "manual", // a redirect would make a GET of a POST, and take the API key to another server
      signal: call.signal ? AbortSignal.any([call.signal, timeout]) : timeout,
      ...(body !== undefined && { body }),
    };
    try {
      const response = await this.#fetch(this.#url(call), init);
      if (!response.ok) throw await this.#refusal(response);
      return decode(await read(response, call.method === "GET" ? maxLookup : maxAnswer));
    } catch (error) {
      throw error instanceof PosthasteError ? error : this.#noAnswer(error);
    }
  }

  #url(call: Call): string {
    const query = Object.entries(call.query ?? {}).filter(([, value]) => value !== undefined && value !== "");
    const text = new URLSearchParams(query.map(([name, value]) => [name, String(value)])).toString();
    return `${this.#base}/${call.path}` + (text && `?${text}`);
  }

  #headers(body: string | undefined): Record<string, string> {
    const headers: Record<string, string> = { accept: "application/json, application/problem+json" };
    if (body !== undefined) headers["content-type"] = "application/json";
    if (this.#key) headers["authorization"] = `Bearer ${this.#key}`;
    if (this.#actor) headers["posthaste-actor"] = String.fromCharCode(...bytes(this.#actor)); // fetch takes bytes as such
    return headers;
  }

  async #refusal(response: Response): Promise<PosthasteError> {
    if (response.type === "opaqueredirect") {
      // Browsers do not tell the status. It is one of 3xx.
      return new PosthasteError({ status: 302, detail: "redirects are not followed" });
    }
    // A failure to read only makes the explanation poorer.
    const document = await read(response, maxProblem).then(decode).catch(() => undefined);
    const error = { requestId: this.#requestId(response.headers), retryAfter: secondsOf(response.headers.get("retry-after")) };
    return this.errorOf(document ?? { title: response.statusText }, response.status, error);
  }

  #noAnswer(error: unknown): PosthasteError {
    const cause = fieldsOf(fieldsOf(error)["cause"]);
    const text = [error instanceof Error ? error.message : String(error), cause["message"] || cause["code"]];
    const detail = this.#redact(text.filter(Boolean).join(": "));
    return new PosthasteError({ detail, undone: unconnected.has(String(cause["code"])) });
  }

  /** Returns the id that the server gave the request; "" for a text that does not belong into a message. */
  #requestId(headers: Headers): string {
    const id = headers.get("x-request-id") ?? "";
    return /^[!-~]{1,128}$/.test(id) ? this.#redact(id) : "";
  }

  /** Removes the API key from text that comes from elsewhere: a server or proxy may repeat the request. */
  #redact(text: unknown): string {
    if (typeof text !== "string") return "";
    return this.#key ? text.replaceAll(this.#key, "[redacted]") : text;
  }
}

/** Returns the fields of an object; none for any other value. */
export function fieldsOf(value: unknown): Record<string, unknown> {
  return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : {};
}

/** Makes the error of a success that cannot be read. Often the base URL names something else than Posthaste. */
export function unreadable(why: string): PosthasteError {
  return new PosthasteError({ status: 200, detail: `unreadable answer: ${why}` });
}

/** Checks the base URL. No error repeats it, because it may have a password. */
function checkBase(text: string): string {
  let url: URL;
  try {
    url = new URL(text);
  } catch {
    throw new TypeError("the base URL cannot be read");
  }
  if (url.protocol !== "http:" && url.protocol !== "https:") throw new TypeError("the base URL must be http:// or https://");
  if (url.username || url.password || /[?#]/.test(text)) {
    throw new TypeError("the base URL must not have a user, query or fragment");
  }
  return url.href.replace(/\/+$/, "");
}

function mayTryAgain(error: PosthasteError, once = false): boolean {
  return passing.has(error.status) && (error.undone || !once) && error.retryAfter <= maxRetryAfter;
}

/** Returns 0.5 s, 1 s, 2 s … up to 10 s, of which the second half is random: publishers that fail together must not retry together. */
function backoff(attempt: number): number {
  const wait = Math.min(firstWait * 2 ** (attempt - 1), longWait);
  return (wait / 2) * (1 + clock.random());
}

/** Reads Retry-After: seconds or an HTTP date. Any other text, or a date in the past, counts as absent. */
function secondsOf(text: string | null): number {
  if (text === null) return 0;
  if (/^[0-9]{1,9}$/.test(text)) return Number(text);
  const at = /^[A-Za-z]+, .* GMT$/.test(text) ? Date.parse(text) : NaN;
  return Math.max(0, (at - Date.now()) / 1000) || 0;
}

/** Reads the body of an answer; no more than limit bytes. */
async function read(response: Response, limit: number): Promise<string> {
  const decoder = new TextDecoder();
  const reader = response.body?.getReader();
  let text = "";
  for (let size = 0; reader; ) {
    const { done, value } = await reader.read();
    if (done) break;
    size += value.byteLength;
    if (size > limit) {
      await reader.cancel();
      throw unreadable(`it is longer than ${limit} bytes`);
    }
    text += decoder.decode(value, { stream: true });
  }
  return text + decoder.decode();
}

function decode(text: string): unknown {
  if (text === "") return undefined;
  try {
    return JSON.parse(text);
  } catch {
    throw unreadable("it is not JSON");
  }
}

function bytes(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}
