package store

import (
	"context"
	"errors"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"gorm.io/gorm"
	"gorm.io/gorm/schema"
)

// parameters is a table of rows that a statement takes as its parameters. Postgres gets an array for each column, so that the
// statement is the same one for any number of rows; SQLite gets VALUES.
type parameters struct {
	columns string // their names, as a list
	rows    string // the query for the rows
	args    []any
}

// parametersOf makes the table that has a column for each field of R that may be inserted, named and encoded as GORM does.
// There must be a row. Before are the parameters that the statement has before these.
func parametersOf[R any](tx *gorm.DB, rows []*R, before ...any) (parameters, error) {
	parsed := &gorm.Statement{DB: tx}
	if err := parsed.Parse(new(R)); err != nil {
		return parameters{}, err
	}
	var fields []*schema.Field
	var names []string
	for _, field := range parsed.Schema.Fields {
		if field.Creatable {
			fields, names = append(fields, field), append(names, field.DBName)
		}
	}
	p := parameters{columns: strings.Join(names, ", ")}
	if isPostgres(tx) {
		p.rows, p.args = arrays(tx, fields, rows, before)
	} else {
		p.rows, p.args = tuples(tx, fields, rows, before)
	}
	return p, nil
}

// except is the list of the columns without some of them.
func (p parameters) except(left ...string) string {
	names := strings.Split(p.columns, ", ")
	return strings.Join(slices.DeleteFunc(names, func(name string) bool { return slices.Contains(left, name) }), ", ")
}

// arrays limits the rows to those that are there: an unknown limit is what makes Postgres expect one row. It then plans to look
// each row up in an index, also while the other table is empty, and a plan that it keeps stays a good one when that has
// grown. Having each execution planned anew would cost every other statement half as much again.
func arrays[R any](tx *gorm.DB, fields []*schema.Field, rows []*R, before []any) (query string, args []any) {
	args = slices.Clone(before)
	next := func() string { return "$" + strconv.Itoa(len(args)+1) }
	list := make([]string, len(fields))
	for i, field := range fields {
		list[i] = next() + "::" + tx.DataTypeOf(field) + "[]"
		column := make([]any, len(rows))
		for j, row := range rows {
			column[j] = valueOf(tx.Statement.Context, field, row)
		}
		args = append(args, column)
	}
	return "SELECT * FROM unnest(" + strings.Join(list, ", ") + ") LIMIT " + next(), append(args, len(rows))
}

func tuples[R any](tx *gorm.DB, fields []*schema.Field, rows []*R, before []any) (query string, args []any) {
	args = append(make([]any, 0, len(before)+len(rows)*len(fields)), before...)
	for _, row := range rows {
		for _, field := range fields {
			args = append(args, valueOf(tx.Statement.Context, field, row))
		}
	}
	tuple := "(?" + strings.Repeat(", ?", len(fields)-1) + ")"
	return "VALUES " + tuple + strings.Repeat(", "+tuple, len(rows)-1), args
}

func valueOf[R any](ctx context.Context, field *schema.Field, row *R) any {
	value, _ := field.ValueOf(ctx, reflect.ValueOf(row))
	return value
}

// exec executes a statement that contains the rows. It bypasses GORM, which would make a list of parameters of each array, but
// not GORM's log.
func (p parameters) exec(tx *gorm.DB, statement string) (err error) {
	var affected int64
	defer p.log(tx, time.Now(), statement, &affected, &err)
	result, err := tx.Statement.ConnPool.ExecContext(tx.Statement.Context, statement, p.args...)
	if err == nil {
		affected, err = result.RowsAffected()
	}
	return err
}

// query is exec for a statement that returns ids.
func (p parameters) query(tx *gorm.DB, statement string) (ids map[string]bool, err error) {
	var affected int64
	defer p.log(tx, time.Now(), statement, &affected, &err)
	rows, err := tx.Statement.ConnPool.QueryContext(tx.Statement.Context, statement, p.args...)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for ids = map[string]bool{}; rows.Next(); affected++ {
		var id string
		if err := rows.Scan(&id); err != nil {
			return nil, err
		}
		ids[id] = true
	}
	return ids, rows.Err()
}

func (p parameters) log(tx *gorm.DB, began time.Time, statement string, affected *int64, err *error) {
	tx.Logger.Trace(tx.Statement.Context, began, func() (string, int64) { return statement, *affected }, *err)
}

func isPostgres(tx *gorm.DB) bool { return tx.Name() == "postgres" }
