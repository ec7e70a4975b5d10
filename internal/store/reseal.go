package store

import (
	"context"
	"slices"

	"gorm.io/gorm"
)

// resealPage is how many rows are sealed anew in one transaction. On SQLite all other writers wait for it.
const resealPage = 100

// Reseal seals every value anew that is not under the first key, and returns how many subscriptions and sources that
// changed. It calls progress, unless it is nil, with that number so far after each transaction.
//
// Before it changes anything it makes sure that all values open. Servers may run meanwhile if they have both keys: each
// row is locked while it is sealed anew, so that no change to a subscription is lost. It may be stopped at any time and
// be called again: finished transactions stay, and the number is right with an error, too. A value that a server seals
// under an old key meanwhile stays as it is: see KeysInUse.
func (s *Store) Reseal(ctx context.Context, progress func(done int)) (resealed int, err error) {
	if err := s.CheckKeys(ctx); err != nil {
		return 0, err
	}
	err = s.eachSealed(ctx, resealPage, func(table *sealedTable, rows []sealedRow) error {
		ids := s.staleIDs(table, rows)
		if len(ids) == 0 {
			return nil
		}
		done, err := s.resealRows(ctx, table, ids)
		if err != nil {
			return err
		}
		resealed += done
		if progress != nil {
			progress(resealed)
		}
		return nil
	})
	return resealed, translate("seal anew", err)
}

// staleIDs are the rows with a value that is not under the first key.
func (s *Store) staleIDs(table *sealedTable, rows []sealedRow) (ids []string) {
	for i := range rows {
		if slices.ContainsFunc(table.columns, func(c sealedColumn) bool { return s.isStale(&rows[i], c) }) {
			ids = append(ids, rows[i].ID)
		}
	}
	return ids
}

func (s *Store) isStale(row *sealedRow, column sealedColumn) bool {
	sealed := column.blob(row)
	return sealed != nil && !s.keys.SealedUnderFirst(sealed)
}

// resealRows reads the rows again, locked: they may have changed, or gone, since they were found to be stale. It takes
// them by tenant, as the commit locks the tenants in this order.
func (s *Store) resealRows(ctx context.Context, table *sealedTable, ids []string) (resealed int, err error) {
	err = s.transact(ctx, func(tx *gorm.DB) error {
		var rows []sealedRow
		if err := table.rows(tx.Clauses(forUpdate)).Where("id IN ?", ids).Order("tenant, id").Find(&rows).Error; err != nil {
			return err
		}
		for i := range rows {
			changed, err := s.resealRow(tx, table, &rows[i])
			if err != nil {
				return err
			}
			if changed {
				resealed++
			}
		}
		return nil
	})
	return resealed, err
}

// resealRow touches the stale columns of the row and no others.
func (s *Store) resealRow(tx *gorm.DB, table *sealedTable, row *sealedRow) (changed bool, err error) {
	anew := map[string]any{}
	for _, column := range table.columns {
		if !s.isStale(row, column) {
			continue
		}
		plain, err := s.openSealed(table, row, column)
		if err != nil {
			return false, err
		}
		if anew[column.name], err = s.keys.Seal(plain, column.associated(row.ID)); err != nil {
			return false, err
		}
	}
	if len(anew) == 0 {
		return false, nil
	}
	return true, tx.Table(table.name).Where("id = ?", row.ID).Updates(anew).Error
}
