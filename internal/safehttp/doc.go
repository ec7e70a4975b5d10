// Package safehttp makes the HTTP requests of deliveries, to addresses that strangers chose, without letting them hurt
// us. It imports models; the activities use it through an interface of theirs, and only cmd and tests build one.
//
//	host ──▶ literal, own name or look-up ──▶ each address judged ──▶ race of dials ──▶ the dialled address judged again
//	           odd spelling: refused            allow list first        8 at most          nothing to rebind in between
//
// A Guard judges addresses: what IANA does not list as public, what belongs to this machine, and what hides such an
// IPv4 address in an IPv6 one is refused unless the allow list names it, or names the host. Check applies the same
// rules to a URL that is about to be saved.
//
// A Client sends. Redirects are not followed, cookies, compression and the environment's proxy do not come into play,
// and each stage, the header and the kept part of the answer are bounded. What the receiver does wrong is a value, an
// Exchange with an error class, and so is what its token endpoint does wrong; only our own failures are errors.
//
// A request goes out once. When no byte of it was written, because the connection was refused, broke off or had died
// while it was kept, it gets one more try at once, and so it does when the receiver says over HTTP/2 that it has not begun
// to process it. The bytes are counted on the connection itself, and the transport's own repetition is switched off: it
// would send a request again that may have arrived. An answer that came before the connection broke is the answer, also
// where the receiver has not read the request to its end.
package safehttp
