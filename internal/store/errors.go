package store

import (
	"errors"
	"fmt"
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
	return fmt.Errorf("store: %s: %w", op, err)
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
