package bench

import (
	"context"
	"fmt"
	"net"
	"path/filepath"
	"time"

	"github.com/jackc/pgx/v5"
)

// Postgres is a database server.
type Postgres struct {
	Version string
	PID     int // of its first process, the parent of all others; 0: it is not on this machine
	url     string
}

const askWithin = 10 * time.Second

// Work is the work that Postgres has done so far.
type Work struct {
	// Written is the number of bytes in its log. The kernel's count is of no use: on file systems with large folios it counts
	// a small write as a whole folio.
	Written int64
	// Counts has the numbers of statements, or of commits where Postgres does not count statements, by the names
	// posthaste_statements, temporal_statements, posthaste_commits and temporal_commits.
	Counts map[string]int64
}

// Work asks Postgres for the work that it has done.
func (p Postgres) Work() (work Work, err error) {
	ctx, cancel := context.WithTimeout(context.Background(), askWithin)
	defer cancel()
	connection, err := pgx.Connect(ctx, p.url)
	if err != nil {
		return Work{}, err
	}
	defer func() { _ = connection.Close(ctx) }() // nothing was written
	if err := connection.QueryRow(ctx, "SELECT (pg_current_wal_lsn() - '0/0')::bigint").Scan(&work.Written); err != nil {
		return Work{}, err
	}
	if work.Counts, err = counts(ctx, connection, "statements", statements); err != nil {
		work.Counts, err = counts(ctx, connection, "commits", commits)
	}
	return work, err
}

// The counts of Postgres, of the database that is connected to and of the two databases of an embedded Temporal.
const (
	statements = `SELECT datname = current_database(), sum(calls)::bigint
		FROM pg_stat_statements JOIN pg_database ON pg_database.oid = dbid
		WHERE datname IN (current_database(), 'temporal', 'temporal_visibility') GROUP BY 1`
	commits = `SELECT datname = current_database(), sum(xact_commit)::bigint
		FROM pg_stat_database
		WHERE datname IN (current_database(), 'temporal', 'temporal_visibility') GROUP BY 1`
)

// counts runs one of the queries above.
func counts(ctx context.Context, connection *pgx.Conn, what, query string) (map[string]int64, error) {
	rows, err := connection.Query(ctx, query)
	if err != nil {
		return nil, err
	}
	all, own, n := map[string]int64{}, false, int64(0)
	_, err = pgx.ForEachRow(rows, []any{&own, &n}, func() error {
		all[map[bool]string{true: "posthaste_", false: "temporal_"}[own]+what] = n
		return nil
	})
	return all, err
}

// FindPostgres asks a database server for its version and looks for its processes on this machine. No error repeats the
// URL's password.
func FindPostgres(ctx context.Context, url string) (Postgres, error) {
	ctx, cancel := context.WithTimeout(ctx, askWithin)
	defer cancel()
	connection, err := pgx.Connect(ctx, url)
	if err != nil {
		return Postgres{}, err // pgx leaves the password out
	}
	defer func() { _ = connection.Close(ctx) }() // nothing was written
	found := Postgres{url: url}
	var backend int
	err = connection.QueryRow(ctx, "SELECT current_setting('server_version'), pg_backend_pid()").Scan(&found.Version, &backend)
	if err != nil {
		return Postgres{}, fmt.Errorf("ask Postgres for its version: %w", err)
	}
	if isHere(connection.Config().Host) {
		found.PID = postmaster(backend)
	}
	return found, nil
}

// isHere reports whether a host of a database URL is this machine: a socket's folder or a loopback address.
func isHere(host string) bool {
	ip := net.ParseIP(host)
	return filepath.IsAbs(host) || host == "localhost" || ip != nil && ip.IsLoopback()
}

// postmaster returns the parent of the process that serves a connection; 0 if that process is not here, but behind a tunnel or
// in a container.
func postmaster(backend int) int {
	name, err := readProc(backend, "comm")
	if err != nil || name != "postgres\n" {
		return 0
	}
	fields, err := stat(backend)
	if err != nil {
		return 0
	}
	const parent = 4
	return int(fields.number(parent))
}
