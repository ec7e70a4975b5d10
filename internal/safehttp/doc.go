// Package safehttp makes the HTTP requests of deliveries, to addresses that strangers chose, without letting them hurt
// us: the resolved address is judged when it is dialled, redirects are not followed, no proxy, cookie or compression
// comes into play, and time, header and body of the answer are bounded.
//
// What the receiver does wrong is a value, an Exchange with an error class; only our own failures are errors. The
// activities use it through an interface of theirs; only cmd and tests build one.
package safehttp
