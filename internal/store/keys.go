package store

import (
	"context"
	"fmt"

	"gorm.io/gorm"

	"github.com/posthaste/posthaste/models"
)

// keysPage is how many subscriptions are read at a time when all of them are gone through.
const keysPage = 1000

// CheckKeys opens every sealed value, so that a master key which does not fit is found at the start and not by the
// deliveries that would need it. Its error names the first subscription that does not open, and the key it wants.
func (s *Store) CheckKeys(ctx context.Context) error {
	var rows []subscriptionRow
	found := s.read.WithContext(ctx).Select("id", "secrets", "headers").
		FindInBatches(&rows, keysPage, func(*gorm.DB, int) error {
			for i := range rows {
				if err := s.checkKeys(&rows[i]); err != nil {
					return err
				}
			}
			return nil
		})
	return translate("check the master key", found.Error)
}

func (s *Store) checkKeys(row *subscriptionRow) error {
	var secrets []models.Secret
	var headers map[string]string
	err := s.unseal(row.Secrets, secretsOf(row.ID), &secrets)
	if err == nil {
		err = s.unseal(row.Headers, headersOf(row.ID), &headers)
	}
	if err != nil {
		return fmt.Errorf("the master key does not open subscription %s: %w", row.ID, err)
	}
	return nil
}
