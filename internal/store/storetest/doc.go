// Package storetest holds the conformance suite of internal/store: what every database behind it must do. The tests of
// internal/store run it on SQLite and on a real Postgres; only tests may import it.
package storetest
