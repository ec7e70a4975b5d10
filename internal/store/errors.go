package store

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"syscall"

	"github.com/jackc/pgx/v5/pgconn"
	"gorm.io/gorm"
	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	"github.com/posthaste/posthaste/models"
)

// translate is the one way by which errors leave the package. A *models.Error passes as it is; what the database
// refused because of the caller's values becomes one; the rest is wrapped with what was being done.
func translate(op string, err error) error {
	if err == nil {
		return nil
	}
	if _, ok := errors.AsType[*models.Error](err); ok {
		return err
	}
	switch {
	case isDuplicate(err):
		return models.Errorf(models.CodeConflict, "%s: the id is taken", op)
	case isBadText(err):
		return models.Errorf(models.CodeInvalid, "%s: a text is not UTF-8 or holds a zero byte", op)
	}
	if away := whyAway(err); away != "" {
		return fmt.Errorf("store: %s: %w (%w)", op, models.Errorf(models.CodeUnavailable, "%s; try again", away), err)
	}
	return fmt.Errorf("store: %s: %w", op, err)
}

// What is said of a database that cannot work at the moment.
const (
	awaySilent   = "the database does not answer"
	awayFull     = "the database is out of disk space"
	awayReadOnly = "the database is read-only"
	awayBusy     = "the database is busy"
)

// isAway recognises a database that cannot work at the moment, whatever the reason.
func isAway(err error) bool { return whyAway(err) != "" }

// stateOf is what an error says about the database's state.
func stateOf(err error) models.Health {
	switch whyAway(err) {
	case awayFull:
		return models.HealthFull
	case awayReadOnly:
		return models.HealthReadOnly
	}
	return models.HealthAway
}

// whyAway says in words what keeps a database from working at the moment. It is empty for an error that has another cause.
func whyAway(err error) string {
	if err == nil {
		return ""
	}
	if e, ok := errors.AsType[*pgconn.ConnectError](err); ok {
		if refused, ok := errors.AsType[*pgconn.PgError](e); ok && whyPostgres(refused.Code) != "" {
			return whyPostgres(refused.Code)
		}
		return awaySilent // as when the password was changed, too
	}
	if e, ok := errors.AsType[*pgconn.PgError](err); ok {
		return whyPostgres(e.Code)
	}
	if e, ok := errors.AsType[*sqlite.Error](err); ok {
		const primary = 0xff
		return sqliteReasons[e.Code()&primary]
	}
	if errors.Is(err, syscall.ENOSPC) {
		return awayFull
	}
	if isConnectionLost(err) {
		return awaySilent
	}
	return ""
}

// whyPostgres knows the codes and classes of PostgreSQL's appendix A that pass by themselves, or by what an operator does.
func whyPostgres(code string) string {
	for _, prefix := range []int{len(code), 2} {
		if why := postgresReasons[code[:min(len(code), prefix)]]; why != "" {
			return why
		}
	}
	return ""
}

var postgresReasons = map[string]string{
	"08":    awaySilent, // connection exceptions
	"25006": awayReadOnly,
	"40001": awayBusy, // serialization_failure
	"40P01": awayBusy, // deadlock_detected
	"53":    "the database is short of resources",
	"53100": awayFull,
	"53200": "the database is out of memory",
	"53300": "the database has no connection to spare",
	"55P03": awayBusy, // lock_not_available
	"57":    awaySilent,
	"57P01": "the database is shutting down",
	"57P02": "the database is shutting down", // by a crash
	"57P03": "the database is starting or shutting down",
	"58":    "the database has trouble with its disk", // system_error, io_error
}

var sqliteReasons = map[int]string{
	sqlite3.SQLITE_FULL:     awayFull,
	sqlite3.SQLITE_READONLY: awayReadOnly,
	sqlite3.SQLITE_BUSY:     awayBusy,
	sqlite3.SQLITE_LOCKED:   awayBusy,
	sqlite3.SQLITE_PROTOCOL: awayBusy, // of locking
	sqlite3.SQLITE_IOERR:    "the database has trouble with its disk",
	sqlite3.SQLITE_CANTOPEN: "the database file cannot be opened",
	sqlite3.SQLITE_NOMEM:    "the database is out of memory",
}

// isConnectionLost recognises a connection that ended, or that was not there: by the network, by the server, or because the
// store is being closed. Some of these errors have no other name than their text.
func isConnectionLost(err error) bool {
	if errors.Is(err, context.Canceled) {
		return false // by the caller, whatever the driver makes of it
	}
	_, network := errors.AsType[net.Error](err)
	for _, lost := range []error{driver.ErrBadConn, sql.ErrConnDone, sql.ErrTxDone, io.EOF, io.ErrUnexpectedEOF, net.ErrClosed, errLate} {
		network = network || errors.Is(err, lost)
	}
	return network || pgconn.SafeToRetry(err) || strings.Contains(err.Error(), "conn closed") ||
		strings.Contains(err.Error(), "sql: database is closed")
}

// isRefusal recognises the database's word that it has not done what it was told to. After any other error it may have.
func isRefusal(err error) bool {
	_, postgres := errors.AsType[*pgconn.PgError](err)
	_, lite := errors.AsType[*sqlite.Error](err)
	_, ours := errors.AsType[*models.Error](err)
	return postgres || lite || ours
}

func isDuplicate(err error) bool {
	if e, ok := errors.AsType[*pgconn.PgError](err); ok {
		return e.Code == "23505" // unique_violation
	}
	if e, ok := errors.AsType[*sqlite.Error](err); ok {
		return e.Code() == sqlite3.SQLITE_CONSTRAINT_UNIQUE || e.Code() == sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY
	}
	return false
}

// isBadText recognises Postgres' refusal of a text that no retry will make better.
func isBadText(err error) bool {
	e, ok := errors.AsType[*pgconn.PgError](err)
	return ok && (e.Code == "22021" || e.Code == "22P05")
}

// notFound turns GORM's word for "no row" into ours.
func notFound(err error, what, id string) error {
	if errors.Is(err, gorm.ErrRecordNotFound) {
		return models.NotFound(what, id)
	}
	return err
}

// cleanText makes a text from outside storable: Postgres takes neither broken UTF-8 nor zero bytes, and an attempt
// must never fail to be recorded for what somebody's server said.
func cleanText(s string) string {
	return strings.ReplaceAll(strings.ToValidUTF8(s, "\uFFFD"), "\x00", "\uFFFD")
}
