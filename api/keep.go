package api

import (
	"context"
	"errors"
	"fmt"

	"github.com/posthaste/posthaste/models"
	"github.com/posthaste/posthaste/webhook/receivers"
)

// errKept tells that the source has a credential by now: another handshake was first.
var errKept = errors.New("the source has a secret already")

// keep stores the secret that the provider brought, before it is answered: afterwards it signs with that one. Only a source
// that was made without a credential takes one, and only the first; an operator who empties its credentials has it take
// another. The audit tells of it.
func (s *server) keep(ctx context.Context, source *models.Source, result receivers.Result) error {
	secret := result.Keep()
	if secret == "" {
		return nil
	}
	_, err := s.Store.UpdateSource(ctx, source.ID, func(now *models.Source) error {
		if !awaitsSecret(now) {
			return errKept
		}
		now.Credentials = append(now.Credentials, models.SourceCredential{Secret: secret})
		return nil
	}, models.AuditEntry{Action: models.AuditKeepSecret, Why: models.Why{By: source.Provider, Reason: "the provider's handshake"}})
	switch {
	case errors.Is(err, errKept):
		return refused{fmt.Errorf("%w: %w", receivers.ErrNoMatch, err)}
	case err != nil:
		return fmt.Errorf("keep the secret of a source: %w", err)
	}
	return nil
}

// awaitsSecret tells that no credential is there which a secret from the provider would stand beside.
func awaitsSecret(source *models.Source) bool {
	for _, credential := range source.Credentials {
		if credential.Scheme == "" {
			return false
		}
	}
	return true
}
