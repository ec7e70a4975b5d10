package store

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"syscall"
	"testing"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/stretchr/testify/require"

	"github.com/posthaste/posthaste/models"
)

// TestAwayIsNeverInternal has what a database that is away was seen to say.
func TestAwayIsNeverInternal(t *testing.T) {
	t.Parallel()
	postgres := func(code string) error { return &pgconn.PgError{Code: code, Severity: "FATAL"} }
	for want, errs := range map[string][]error{
		"the database does not answer": {
			errors.New("failed to deallocate cached statement(s): conn closed"), errors.New("conn closed"),
			&net.OpError{Op: "read", Err: os.NewSyscallError("read", syscall.ECONNRESET)},
			&net.OpError{Op: "write", Err: os.NewSyscallError("write", syscall.EPIPE)},
			syscall.ECONNREFUSED, io.EOF, io.ErrUnexpectedEOF, net.ErrClosed, os.ErrDeadlineExceeded, driver.ErrBadConn, sql.ErrConnDone,
			sql.ErrTxDone, errors.New("sql: database is closed"), errLate, postgres("08006"), postgres("57014"),
		},
		"the database is shutting down":             {postgres("57P01"), postgres("57P02")},
		"the database is starting or shutting down": {postgres("57P03")},
		"the database has no connection to spare":   {postgres("53300")},
		"the database is out of memory":             {postgres("53200")},
		"the database is out of disk space":         {postgres("53100"), &os.PathError{Op: "write", Err: syscall.ENOSPC}},
		"the database is read-only":                 {postgres("25006")},
		"the database is busy":                      {postgres("40001"), postgres("40P01"), postgres("55P03")},
		"the database has trouble with its disk":    {postgres("58030")},
		"the database is short of resources":        {postgres("53400")},
	} {
		for _, cause := range errs {
			err := translate("publish", fmt.Errorf("insert: %w", cause))
			require.Equal(t, models.CodeUnavailable, models.ErrorCode(err), "%v", cause)
			require.ErrorContains(t, err, want+"; try again")
			require.ErrorIs(t, err, cause, "the log has to say it")
		}
	}
	for _, cause := range []error{errors.New("a bug"), postgres("42P01"), postgres("XX001"), context.Canceled} {
		require.NotEqual(t, models.CodeUnavailable, models.ErrorCode(translate("publish", cause)), "%v", cause)
	}
}
