import type { components, operations } from "./openapi.js";

type Schemas = components["schemas"];
type Needing<T, K extends keyof T> = T & { [P in K]-?: NonNullable<T[P]> };
type Filter<Op extends keyof operations> = Omit<NonNullable<operations[Op]["parameters"]["query"]>, "cursor">;

/** An event to publish. Without an idempotency_key the call makes one, which all its tries have. */
export type Event = Needing<Schemas["EventInput"], "type"> & { data: unknown };
export type Published = Schemas["Published"];

export type Subscription = Schemas["Subscription"];
export type SubscriptionFields = Schemas["SubscriptionFields"];
export type NewSubscription = Needing<SubscriptionFields, "url" | "event_types">;
/** `limit` is the size of a page: the walk does not end there. */
export type SubscriptionFilter = Filter<"listSubscriptions">;
export type Rotation = Schemas["RotationInput"];
export type Rotated = Schemas["Rotated"];
export type Action = Schemas["ActionRequest"];
export type Job = Schemas["JobRequest"];

export type Delivery = Schemas["Delivery"];
/** `limit` is the size of a page: the walk does not end there. */
export type DeliveryFilter = Filter<"listDeliveries">;
export type Attempt = Schemas["Attempt"];

/** Everything that the server's OpenAPI document names. */
export type { components, operations, paths } from "./openapi.js";
