// A receiver of webhooks that are signed by Standard Webhooks.
//
//   WEBHOOK_SECRET=whsec_... node receiver.mjs 8000

import { createHmac, timingSafeEqual } from "node:crypto";
import { createServer } from "node:http";

const tolerance = 300; // seconds, in both directions
const maxBody = 1 << 20;

function fail(why) {
  console.error(why);
  process.exit(1);
}

function readKey(secret) {
  if (!secret) fail("WEBHOOK_SECRET is not set; posthaste subscriptions secret sub_... prints the secret");
  const text = secret.replace(/^whsec_/, "");
  const key = Buffer.from(text, "base64");
  const unpadded = (base64) => base64.replace(/=+$/, ""); // Buffer.from ignores characters that are not base64
  if (key.length < 24 || unpadded(key.toString("base64")) !== unpadded(text)) {
    fail("WEBHOOK_SECRET is not whsec_ and base64 of at least 24 bytes");
  }
  return key;
}

const key = readKey((process.env.WEBHOOK_SECRET ?? "").trim());

function equal(a, b) {
  return a.length === b.length && timingSafeEqual(a, b);
}

// Returns the reason for a refusal; null for a genuine webhook.
function refusal(headers, body) {
  const id = headers["webhook-id"] ?? "";
  const at = headers["webhook-timestamp"] ?? "";
  if (!id || id.includes(".") || !/^\d{1,12}$/.test(at)) {
    return "webhook-id or webhook-timestamp is missing or malformed";
  }
  const late = Math.round(Date.now() / 1000 - Number(at));
  if (Math.abs(late) > tolerance) {
    return `stale: webhook-timestamp is ${late} s behind this clock; at most ${tolerance} s either way are allowed`;
  }
  const mac = createHmac("sha256", key).update(`${id}.${at}.`).update(body);
  const want = Buffer.from("v1," + mac.digest("base64"));
  const signatures = (headers["webhook-signature"] ?? "").split(" "); // one for each live secret
  if (!signatures.slice(0, 32).some((got) => equal(Buffer.from(got), want))) {
    return "no signature fits: WEBHOOK_SECRET is not this subscription's, or the body was changed on the way";
  }
  return null;
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
    return;
  }
  const why = request.method === "POST" ? refusal(request.headers, body) : `it is a ${request.method}, not a POST`;
  if (why) {
    console.error("refused:", why); // for our log only: the sender gets 401
    response.writeHead(401).end();
  } else {
    // The same id can come again: store it together with what it causes,
    // and answer before the work is done if that takes long.
    console.log(request.headers["webhook-id"], body.toString());
    response.writeHead(204).end();
  }
});

server.on("error", (error) => fail(error.message));
server.listen(Number(process.argv[2] ?? 8000), "127.0.0.1", () => {
  console.log(`listening on http://127.0.0.1:${server.address().port}`);
});
