import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import type { TestContext } from "node:test";

import { Client, type Options } from "../src/index.js";
import { clock } from "../src/clock.js";

export const key = "key-that-nobody-may-see";

/** A request as the server saw it. */
export interface Seen {
  method: string;
  url: string;
  headers: IncomingMessage["headers"];
  body: string;
}

export type Answer = (response: ServerResponse) => void;

/** Answers with a document; undefined answers with an empty body. */
export function answer(status: number, document?: unknown, headers: Record<string, string> = {}): Answer {
  return (response) => {
    response.writeHead(status, headers).end(document === undefined ? undefined : JSON.stringify(document));
  };
}

export function problem(status: number, code: string, headers: Record<string, string> = {}): Answer {
  return answer(status, { type: "about:blank", title: "T", status, code, detail: "D" }, headers);
}

/** Answers with these bytes and closes the connection. */
export function raw(text: string): Answer {
  return (response) => response.socket?.end(text);
}

export const hangUp: Answer = (response) => response.socket?.destroy();

/** A server that gives its answers in turn, and the last one for ever. It ends with the test. */
export async function serve(t: TestContext, ...answers: [Answer, ...Answer[]]): Promise<{ url: string; seen: Seen[] }> {
  const seen: Seen[] = [];
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const body = Buffer.concat(chunks).toString();
    seen.push({ method: request.method ?? "", url: request.url ?? "", headers: request.headers, body });
    const say = answers[0];
    if (answers.length > 1) answers.shift();
    say(response);
  });
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, seen };
}

const realClock = { ...clock };

/** A client that does not pause, and the seconds for which it should have. */
export function clientFor(t: TestContext, url: string, options: Partial<Options> = {}): { client: Client; waits: number[] } {
  const waits: number[] = [];
  Object.assign(clock, { random: () => 0.5, sleep: async (seconds: number) => void waits.push(seconds) });
  t.after(() => Object.assign(clock, realClock));
  return { client: new Client({ baseUrl: url, apiKey: key, ...options }), waits };
}

/** Returns what the promise is refused with. */
export async function failure(promise: Promise<unknown>): Promise<any> {
  return promise.then(
    () => {
      throw new Error("it has not failed");
    },
    (error: unknown) => error,
  );
}
