// A receiver of webhooks that are signed by Standard Webhooks.
//
//   WEBHOOK_SECRET=whsec_... node receiver.mjs 8000

import { createHmac, timingSafeEqual } from "node:crypto";
import { createServer } from "node:http";

const key = Buffer.from((process.env.WEBHOOK_SECRET ?? "").replace(/^whsec_/, ""), "base64");
if (key.length < 24) throw new Error("WEBHOOK_SECRET must be whsec_ and base64");
const tolerance = 300; // seconds, in both directions
const maxBody = 1 << 20;

function equal(a, b) {
  return a.length === b.length && timingSafeEqual(a, b);
}

function verified(headers, body) {
  const id = headers["webhook-id"] ?? "";
  const at = headers["webhook-timestamp"] ?? "";
  if (!id || id.includes(".") || !/^\d{1,12}$/.test(at)) return false;
  if (Math.abs(Date.now() / 1000 - Number(at)) > tolerance) return false;
  const mac = createHmac("sha256", key).update(`${id}.${at}.`).update(body);
  const want = Buffer.from("v1," + mac.digest("base64"));
  const signatures = (headers["webhook-signature"] ?? "").split(" "); // one for each live secret
  return signatures.slice(0, 32).some((got) => equal(Buffer.from(got), want));
}

async function readBody(request) {
  const chunks = [];
  let size = 0;
  for await (const chunk of request) {
    size += chunk.length;
    if (size > maxBody) return null;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks); // the bytes as they came: verify before parsing
}

const server = createServer(async (request, response) => {
  const body = await readBody(request).catch(() => null);
  if (body === null) {
    response.writeHead(413, { connection: "close" }).end();
  } else if (request.method !== "POST" || !verified(request.headers, body)) {
    response.writeHead(401).end();
  } else {
    // The same id can come again: store it together with what it causes,
    // and answer before the work is done if that takes long.
    console.log(request.headers["webhook-id"], body.toString());
    response.writeHead(204).end();
  }
});

server.listen(Number(process.argv[2] ?? 8000), "127.0.0.1", () => {
  console.log(`listening on http://127.0.0.1:${server.address().port}`);
});
