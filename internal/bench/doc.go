// Package bench measures a deployment of Posthaste from outside: it publishes through the API like any publisher, counts
// at a receiver of its own what arrives, and says how fast, at what cost, and whether anything was lost or came twice.
//
//	bench ──publish──▶ server under test ──deliver──▶ Receiver
//	  └─────────── control: reset, counts, arrivals ─────┘
//
// Each part is a process of its own, so that the generator's and the receiver's CPU time does not count as the server's.
// All of them read one clock: bench and receiver must be on one machine.
//
// A measurement has two phases. It sends; then it waits until every event has reached every subscriber, or until nothing
// has come for a while, and compares. Only events answered with 202 count. The times of a delivery count from the
// moment its event was handed to the API, or should have been in a load with a fixed rate, so that a server which keeps
// its publishers waiting does not look fast by it.
//
// cmd imports it. It imports client, as any publisher does. The folder lab has a program that measures Temporal alone, to
// compare.
package bench
