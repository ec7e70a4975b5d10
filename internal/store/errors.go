package store

import (
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"strings"

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
	if isAway(err) {
		return fmt.Errorf("store: %s: %w (%w)", op, models.Errorf(models.CodeUnavailable, "the database does not answer; try again"), err)
	}
	return fmt.Errorf("store: %s: %w", op, err)
}

// isAway recognises a database that cannot work at the moment: no connection, shutting down, out of room.
func isAway(err error) bool {
	if e, ok := errors.AsType[*pgconn.PgError](err); ok {
		class := e.Code[:min(len(e.Code), 2)]
		return class == "08" || class == "53" || class == "57" // connection, resources, operator (Postgres, appendix A)
	}
	if e, ok := errors.AsType[*sqlite.Error](err); ok {
		const primary = 0xff
		return slices.Contains([]int{
			sqlite3.SQLITE_FULL, sqlite3.SQLITE_BUSY, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY,
		}, e.Code()&primary)
	}
	_, connecting := errors.AsType[*pgconn.ConnectError](err)
	_, network := errors.AsType[net.Error](err)
	return connecting || network || errors.Is(err, driver.ErrBadConn) || errors.Is(err, io.ErrUnexpectedEOF)
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
