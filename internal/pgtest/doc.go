// Package pgtest gives tests a real PostgreSQL server, from PostgreSQL's own
// programs and with nothing to configure.
//
// The first call of [URL] in a test process creates a throw-away cluster in a
// temporary folder and starts it on a free loopback port; later calls share it.
// Every call makes a database of its own, so tests can run in parallel and never
// see each other's rows. Durability is switched off: a test's data only has to
// live as long as the test.
//
// The cluster ends with the test process, however that ends:
//
//   - Give the package a TestMain that is [Main], and the server is stopped and
//     its folder removed after the last test.
//   - Without one, or when the process is killed, the kernel stops the server
//     (parent-death signal on Linux), and the next process that starts a cluster
//     removes the folder that was left behind.
//
// The programs (initdb, postgres, createdb …) are looked for on PATH and under
// /usr/lib/postgresql/*/bin. Where they are missing the test is skipped, except
// with CI=true in the environment, where it fails: CI must not turn green by
// testing nothing.
//
// PostgreSQL refuses to run as root. A root test process therefore runs it as
// the user postgres, or as nobody where there is no such user.
//
// Only tests may import this package. It uses the standard library alone.
package pgtest
