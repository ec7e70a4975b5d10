package store

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"gorm.io/gorm"

	"github.com/posthaste/posthaste/internal/keyring"
)

// keysPage is how many rows are read at a time when all of them are gone through.
const keysPage = 1000

// CheckKeys opens every sealed value, so that a master key which does not fit is found at the start and not by the
// deliveries that would need it. Its error names the first row that does not open, and the key it wants.
func (s *Store) CheckKeys(ctx context.Context) error {
	return translate("check the master key", s.eachSealed(ctx, keysPage, func(table *sealedTable, rows []sealedRow) error {
		for i := range rows {
			for _, column := range table.columns {
				if _, err := s.openSealed(table, &rows[i], column); err != nil {
					return err
				}
			}
		}
		return nil
	}))
}

// KeysInUse returns the ids of the keys that the sealed values name, sorted. It opens none of them.
func (s *Store) KeysInUse(ctx context.Context) ([]string, error) {
	used := map[string]bool{}
	err := s.eachSealed(ctx, keysPage, func(table *sealedTable, rows []sealedRow) error {
		for i := range rows {
			for _, column := range table.columns {
				if id, ok := keyring.KeyID(column.blob(&rows[i])); ok {
					used[id] = true
				}
			}
		}
		return nil
	})
	return slices.Sorted(maps.Keys(used)), translate("list the keys in use", err)
}

// eachSealed goes through all rows of all sealed tables, so many at a time, with nothing but their ids and sealed columns
// read.
func (s *Store) eachSealed(ctx context.Context, size int, do func(*sealedTable, []sealedRow) error) error {
	for i := range sealedTables {
		var rows []sealedRow
		table := &sealedTables[i]
		err := table.rows(s.read.WithContext(ctx)).
			FindInBatches(&rows, size, func(*gorm.DB, int) error { return do(table, rows) }).Error
		if err != nil {
			return err
		}
	}
	return nil
}

// openSealed returns the value that is sealed in the column, nil for NULL.
func (s *Store) openSealed(table *sealedTable, row *sealedRow, column sealedColumn) ([]byte, error) {
	sealed := column.blob(row)
	if sealed == nil {
		return nil, nil
	}
	plain, err := s.keys.Open(sealed, column.associated(row.ID))
	if err != nil {
		return nil, fmt.Errorf("%s of %s: %w", column.name, table.label(row.ID), err)
	}
	return plain, nil
}
