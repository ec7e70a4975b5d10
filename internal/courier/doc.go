// Package courier makes the message of an attempt and sends it. It is the only package that knows what goes over the wire
// to a subscriber: the body, the headers, their signature, and which of them are kept out of the record. Activities decide
// when an attempt is made, and record it; they do not know how it goes.
//
// HTTP is the first kind of courier. A courier for another kind of destination is a further file here, with a Carry method
// of its own.
package courier
