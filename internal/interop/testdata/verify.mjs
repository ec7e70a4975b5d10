// Asks the official library whether the webhook on standard input is good, and
// ends with 1 if it is not.

import { readFileSync } from "node:fs";
import { Webhook } from "standardwebhooks";

const { secret, headers, body } = JSON.parse(readFileSync(0, "utf8"));
try {
  new Webhook(secret).verify(Buffer.from(body, "base64"), headers);
} catch (refusal) {
  console.error(refusal.message);
  process.exit(1);
}
