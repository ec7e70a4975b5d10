package store

import (
	"encoding/json"
	"fmt"

	"gorm.io/gorm"

	"github.com/posthaste/posthaste/models"
)

// sealedRow holds the sealed values of a row, of whichever table.
type sealedRow struct {
	ID          string `gorm:"column:id;primaryKey"`
	Secrets     []byte `gorm:"column:secrets"`
	Headers     []byte `gorm:"column:headers"`
	Access      []byte `gorm:"column:access"`
	Credentials []byte `gorm:"column:credentials"`
}

// sealedTable is a table with sealed values.
type sealedTable struct {
	name    string
	label   func(id string) string // names a row in errors
	columns []sealedColumn
}

// sealedColumn is a column of sealed values.
type sealedColumn struct {
	name       string
	blob       func(*sealedRow) []byte
	associated func(id string) []byte
}

// sealedTables lists every table with sealed values. Whatever has to reach all of them goes through this list.
var sealedTables = []sealedTable{
	{"subscriptions", func(id string) string { return "subscription " + id }, []sealedColumn{
		{"secrets", func(r *sealedRow) []byte { return r.Secrets }, secretsOf},
		{"headers", func(r *sealedRow) []byte { return r.Headers }, headersOf},
		{"access", func(r *sealedRow) []byte { return r.Access }, accessOf},
	}},
	{"sources", func(id string) string { return "source " + models.ShortSourceID(id) }, []sealedColumn{
		{"credentials", func(r *sealedRow) []byte { return r.Credentials }, credentialsOf},
	}},
}

// rows selects the ids of the table's rows and their sealed values.
func (t *sealedTable) rows(q *gorm.DB) *gorm.DB {
	columns := []string{"id"}
	for _, column := range t.columns {
		columns = append(columns, column.name)
	}
	return q.Table(t.name).Select(columns)
}

// The associated data bind a sealed value to its row, and to its column.
func secretsOf(id string) []byte     { return []byte(id) }
func headersOf(id string) []byte     { return []byte(id + "/headers") }
func accessOf(id string) []byte      { return []byte(id + "/access") }
func credentialsOf(id string) []byte { return []byte(id + "/credentials") }

func (s *Store) seal(value any, associated []byte) ([]byte, error) {
	plain, err := json.Marshal(value)
	if err != nil {
		return nil, fmt.Errorf("encode for sealing: %w", err)
	}
	return s.keys.Seal(plain, associated)
}

// unseal fills value from what seal made. NULL leaves it as it is.
func (s *Store) unseal(sealed []byte, associated []byte, value any) error {
	if sealed == nil {
		return nil
	}
	plain, err := s.keys.Open(sealed, associated)
	if err != nil {
		return err
	}
	return json.Unmarshal(plain, value)
}
