// Package operator holds the commands with which people and scripts operate a server: they publish, list, cancel, redeliver,
// recover, and replay histories. Each command calls the server's API through package client, as any other program would, and
// prints the answer as a table, or as the API's own JSON.
//
// cmd/posthaste embeds Commands in its command line. The package is apart from it because it needs no Temporal server: it
// builds and is tested in seconds.
package operator
