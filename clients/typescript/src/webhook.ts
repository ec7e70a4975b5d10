// Verifies webhooks, as docs/wire-format.md of the repository describes them.

/** VerificationError says why a webhook is refused: for your log. The sender gets 401. */
export class VerificationError extends Error {
  override readonly name = "VerificationError";
}

/** The name of a signature: a subscription's `signature`. */
export type Profile = keyof typeof rules;

/** The headers of a webhook, with names in any letter case: those of fetch, of Node's http, or pairs. */
export type WebhookHeaders =
  | Iterable<readonly [string, string]>
  | { readonly [name: string]: string | readonly string[] | undefined };

/** The settings of {@link verify}. */
export interface VerifyOptions {
  /** The seconds that the signed time may differ from now, in both directions; above 0. Default: 300. */
  tolerance?: number;

  /** The signature of the subscription. Default: standard. */
  profile?: Profile;

  /** Unix seconds, for tests. Default: the clock. */
  now?: number;
}

/** Message is a webhook whose signature was right. */
export interface Message {
  /**
   * The id names the event, and may come again: handle it once. Only the two standard profiles sign it; with another
   * profile it is the header's value, "" without one, and somebody who repeats a request may have changed it.
   */
  id: string;

  /** Unix seconds of this attempt; 0 if the profile does not sign the time. */
  timestamp: number;

  /** The bytes that were signed. */
  body: Uint8Array;
}

/** Bytes in memory of this program alone, as WebCrypto wants them. */
type Bytes = Uint8Array<ArrayBuffer>;

/** Check tells whether an entry of the signature header is a signature of the text. */
type Check = (text: Bytes) => Promise<(entry: string) => Promise<boolean>>;

/** Rule is the way in which a profile signs. */
interface Rule {
  header: string;
  between: string; // separates signatures; "": there is one only
  time: string; // before the time, if that is in the same header
  signed: string; // the text that is signed before the body
  check(secret: string): Check;
}

// These bounds limit the work that the headers of a stranger can cause. They leave room for every live secret.
const maxEntries = 32;
const maxEntry = 128;
const maxId = 256;

const rules = {
  standard: rule("webhook-signature", " ", "{id}.{time}.", hmac("v1,", base64, sharedKey)),
  "standard-ed25519": rule("webhook-signature", " ", "{id}.{time}.", ed25519),
  github: rule("x-hub-signature-256", "", "", hmac("sha256=", hex, verbatimKey)),
  stripe: rule("stripe-signature", ",", "{time}.", hmac("v1=", hex, verbatimKey), "t="),
  aspnet: rule("ms-signature", "", "", hmac("sha256=", (digest) => hex(digest).toUpperCase(), verbatimKey)),
  servicestack: rule("x-hub-signature", "", "", hmac("sha1=", hex, verbatimKey)),
};

/**
 * Returns the message if one of the secrets has signed it, and throws {@link VerificationError} otherwise.
 *
 * body is as received: a body that was parsed and written again does not fit its signature. Give one secret or, while
 * it is replaced, the new and the old one; for standard-ed25519, give public keys (whpk_…). A secret that cannot be
 * used, another profile, or a tolerance that is not positive is a TypeError, which never repeats a secret.
 */
export async function verify(
  headers: WebhookHeaders,
  body: Uint8Array | ArrayBuffer | string,
  secrets: string | readonly string[],
  options: VerifyOptions = {},
): Promise<Message> {
  const { tolerance = 300, profile = "standard", now = Date.now() / 1000 } = options;
  if (!Object.hasOwn(rules, profile)) throw new TypeError(`${JSON.stringify(profile)} is no profile`);
  if (!(tolerance > 0)) throw new TypeError("the tolerance must be positive");
  const rule: Rule = rules[profile];
  const checks = checksOf(rule, secrets);
  const found = namesOf(headers);
  const entries = entriesOf(rule, found);
  const id = idOf(rule, found);
  const time = timeOf(rule, found, entries);
  if (time !== "") checkFresh(now - Number(time), tolerance);
  const received = bytesOf(body);
  // One pass, and a function: a replacement text would have a meaning of its own where the id holds $ or {time}.
  const head = rule.signed.replace(/\{(id|time)\}/g, (_, name) => (name === "id" ? id : time));
  const text = concat(bytesOf(head), received);
  if (!(await fits(checks, text, entries))) {
    throw new VerificationError("no signature fits: another secret, or the body was changed on the way");
  }
  return { id, timestamp: Number(time), body: received };
}

async function fits(checks: Check[], text: Bytes, entries: string[]): Promise<boolean> {
  for (const check of checks) {
    const isSignature = await check(text);
    for (const entry of entries) {
      if (entry.length <= maxEntry && (await isSignature(entry))) return true;
    }
  }
  return false;
}

function rule(header: string, between: string, signed: string, check: Rule["check"], time = ""): Rule {
  return { header, between, signed, check, time };
}

function checksOf(rule: Rule, secrets: string | readonly string[]): Check[] {
  const texts = typeof secrets === "string" ? [secrets] : secrets;
  if (texts.length === 0) throw new TypeError("there is no secret");
  return texts.map((text) => rule.check(text));
}

/** Collects the values of each header under its name in lower case. */
function namesOf(headers: WebhookHeaders): Map<string, string[]> {
  const found = new Map<string, string[]>();
  const pairs = Symbol.iterator in headers ? headers : Object.entries(headers);
  for (const [name, value] of pairs as Iterable<readonly [string, string | readonly string[] | undefined]>) {
    const values = value === undefined ? [] : typeof value === "string" ? [value] : value;
    found.set(name.toLowerCase(), [...(found.get(name.toLowerCase()) ?? []), ...values]);
  }
  return found;
}

function entriesOf(rule: Rule, headers: Map<string, string[]>): string[] {
  const lines = headers.get(rule.header) ?? [];
  if (lines.join("") === "") throw new VerificationError(`the header ${rule.header} is missing`);
  const entries = lines.flatMap((line) => (rule.between ? line.split(rule.between, maxEntries) : [line]));
  return entries.slice(0, maxEntries);
}

function idOf(rule: Rule, headers: Map<string, string[]>): string {
  const values = headers.get("webhook-id") ?? [];
  if (values.length > 1) throw new VerificationError("webhook-id is there more than once");
  const id = values[0] ?? "";
  if (id === "" && rule.signed.includes("{id}")) throw new VerificationError("the header webhook-id is missing");
  // A full stop would leave open where the id ends.
  if (!/^[\0-\x7f]*$/.test(id) || id.includes(".") || id.length > maxId) {
    throw new VerificationError("webhook-id has a full stop, is too long, or is not ASCII");
  }
  return id;
}

/** Returns the signed time as it was sent; "" if the profile signs none. */
function timeOf(rule: Rule, headers: Map<string, string[]>, entries: string[]): string {
  if (!rule.signed.includes("{time}")) return "";
  const within = entries.filter((entry) => entry.startsWith(rule.time)).map((entry) => entry.slice(rule.time.length));
  const [time = "", ...more] = rule.time ? within : (headers.get("webhook-timestamp") ?? []);
  if (more.length > 0 || time.length > 12 || !/^(0|-?[1-9][0-9]*)$/.test(time)) {
    throw new VerificationError("the timestamp is missing, is there twice, or is not Unix seconds");
  }
  return time;
}

function checkFresh(behind: number, tolerance: number): void {
  if (!(Math.abs(behind) <= tolerance)) { // also where now is no number
    const late = Math.round(behind);
    throw new VerificationError(`stale: the timestamp is ${late} s behind this clock; ${tolerance} s are allowed`);
  }
}

function hmac(label: string, write: (digest: Bytes) => string, keyOf: (secret: string) => Bytes): Rule["check"] {
  return (secret) => {
    const bits = keyOf(secret);
    return async (text) => {
      const key = await crypto.subtle.importKey("raw", bits, { name: "HMAC", hash: "SHA-256" }, false, ["sign"]);
      const want = label + write(new Uint8Array(await crypto.subtle.sign("HMAC", key, text)));
      return async (entry) => equal(entry, want);
    };
  };
}

function ed25519(secret: string): Check {
  const bits = secret.startsWith("whpk_") ? fromBase64(secret.slice("whpk_".length)) : undefined;
  if (bits?.length !== 32) throw new TypeError("a key for the profile standard-ed25519 is whpk_ and 32 bytes in base64");
  return async (text) => {
    const key = await crypto.subtle.importKey("raw", bits, { name: "Ed25519" }, false, ["verify"]);
    return async (entry) => {
      const signature = entry.startsWith("v1a,") ? fromBase64(entry.slice("v1a,".length)) : undefined;
      return signature !== undefined && crypto.subtle.verify({ name: "Ed25519" }, key, signature, text);
    };
  };
}

/** Compares in a time that does not depend on how much of a guess is right. */
function equal(entry: string, want: string): boolean {
  let different = entry.length ^ want.length;
  for (let i = 0; i < want.length; i++) different |= entry.charCodeAt(i) ^ want.charCodeAt(i);
  return different === 0;
}

function sharedKey(secret: string): Bytes {
  const encoded = secret.replace(/^whsec_/, "");
  const bits = fromBase64(encoded) ?? fromBase64(encoded + "=".repeat((4 - (encoded.length % 4)) % 4));
  if (bits === undefined || bits.length < 24 || bits.length > 64) {
    throw new TypeError("a secret for the profile standard is whsec_ and 24 to 64 bytes in standard base64");
  }
  return bits;
}

function verbatimKey(secret: string): Bytes {
  if (!/^[!-~][ -~]{14,254}[!-~]$/.test(secret) || /^wh[sp]k_/.test(secret)) {
    throw new TypeError("a secret has 16 to 256 printable ASCII characters, and does not begin with whsk_ or whpk_");
  }
  return bytesOf(secret);
}

function bytesOf(body: Uint8Array | ArrayBuffer | string): Bytes {
  return typeof body === "string" ? new TextEncoder().encode(body) : new Uint8Array(body);
}

function concat(head: Bytes, body: Bytes): Bytes {
  const all = new Uint8Array(head.length + body.length);
  all.set(head);
  all.set(body, head.length);
  return all;
}

function hex(digest: Bytes): string {
  return Array.from(digest, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

function base64(digest: Bytes): string {
  return btoa(String.fromCharCode(...digest));
}

/** Decodes only the one plain spelling; undefined for any other text. */
function fromBase64(text: string): Bytes | undefined {
  try {
    const bits = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
    return base64(bits) === text ? bits : undefined;
  } catch {
    return undefined;
  }
}
