export { Client, maxBatch } from "./client.js";
export type { BatchResult, Deliveries, Subscriptions } from "./client.js";
export { PosthasteError } from "./errors.js";
export type { CallOptions, Options } from "./transport.js";
export type * from "./types.js";
export { verify, VerificationError } from "./webhook.js";
export type { Message, Profile, VerifyOptions, WebhookHeaders } from "./webhook.js";
