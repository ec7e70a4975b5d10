// Package interop holds no code, only tests: it verifies what Posthaste sends
// with code that others wrote, such as the official Standard Webhooks libraries
// for Go and JavaScript, GitHub's and Stripe's, as servers of several languages
// hand requests over; with the receivers in docs/receivers, each run by its own
// interpreter; it has a linter judge the description of the API; and it asks the vendors' libraries whether a webhook is
// theirs, of which package webhook/receivers has to say the same.
//
// It is a module of its own, so that none of that code is a dependency of
// Posthaste. Run it with "make interop"; nobody imports it.
package interop
