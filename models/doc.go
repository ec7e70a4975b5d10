// Package models holds the nouns of Posthaste: events, subscriptions, deliveries, attempts and sources, their statuses, the
// rules that make them valid, and the pure arithmetic that belongs to them (matching, retry schedule, body bytes).
//
// It knows neither HTTP routing, nor the database, nor Temporal. Every other package may import it; it imports none of
// ours. Values are plain data: not safe for concurrent writes, free to be copied when nobody writes.
package models
