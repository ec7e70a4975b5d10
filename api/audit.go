package api

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/gin-gonic/gin"

	"github.com/posthaste/posthaste/client"
	"github.com/posthaste/posthaste/models"
)

// AuditStore keeps the audit; see [Store].
type AuditStore interface {
	AddAudit(ctx context.Context, entry models.AuditEntry) error
	Audit(ctx context.Context, filter models.AuditFilter) ([]*models.AuditEntry, error)
}

// newEntry is the audit's line for a call that takes no reason.
func newEntry(c *gin.Context, action models.AuditAction) (models.AuditEntry, error) {
	why, err := newWhy(c, "")
	return models.AuditEntry{Action: action, Why: why}, err
}

// listAudit handles GET /v1/audit.
func (s *server) listAudit(c *gin.Context) error {
	filter, err := auditFilter(readQuery(c))
	if err != nil {
		return err
	}
	found, err := s.Store.Audit(c.Request.Context(), filter)
	if err != nil {
		return fmt.Errorf("list audit: %w", err)
	}
	id := func(e *models.AuditEntry) string { return e.ID }
	return reply(c, http.StatusOK, newPage(found, filter.Page, id, showAuditEntry))
}

func auditFilter(q *query) (models.AuditFilter, error) {
	filter := models.AuditFilter{
		Tenant:  q.tenant(),
		Action:  choice(q, "action", models.AuditActions()...),
		Subject: q.subject(),
		By:      q.by(),
		Key:     q.key(),
	}
	filter.Since, filter.Until = q.span()
	filter.Page = q.page(models.AuditPrefix)
	return filter, q.err
}

// subject reads the id of anything that an action can have been done to.
func (q *query) subject() string {
	prefixes := []string{
		models.EventPrefix, models.SubscriptionPrefix, models.DeliveryPrefix, models.RecoveryPrefix, models.SourcePrefix,
		models.APIKeyPrefix,
	}
	return q.get("subject", func(value string) error {
		isID := func(prefix string) bool { return models.ValidID(prefix, value) }
		if slices.ContainsFunc(prefixes, isID) {
			return nil
		}
		return models.Invalid("subject", "is not the id of an event, a subscription, a delivery, a recovery, a source or a key")
	})
}

// key reads the id of an API key, or the word for the key of the configuration.
func (q *query) key() string {
	return q.get("key", func(value string) error {
		if value == models.RootKey || models.ValidID(models.APIKeyPrefix, value) {
			return nil
		}
		return models.Invalid("key", "is neither an id that starts with %s nor %s", models.APIKeyPrefix, models.RootKey)
	})
}

func (q *query) by() string {
	return q.get("by", func(value string) error { return validateActor("by", value) })
}

// showAuditEntry shows one line of the audit.
func showAuditEntry(e *models.AuditEntry) client.AuditEntry {
	return client.AuditEntry{
		ID: e.ID, At: stamp(e.At), Tenant: e.Tenant, Action: string(e.Action), Subject: e.Subject, By: e.By, Key: e.Key,
		Reason: e.Reason,
	}
}

const (
	actorHeader  = "Posthaste-Actor"
	defaultActor = "api"
)

// actor returns the name of the person or program that acts, as the caller says, or the name of the caller's key.
func actor(c *gin.Context) (string, error) {
	given := c.Request.Header.Values(actorHeader)
	if len(given) > 1 {
		return "", models.Invalid(actorHeader, "is given twice")
	}
	name := strings.TrimSpace(strings.Join(given, ""))
	if name == "" {
		return cmp.Or(who(c).name, defaultActor), nil
	}
	return name, validateActor(actorHeader, name)
}

// validateActor refuses names with characters that would not show in a list.
func validateActor(field, name string) error {
	unprintable := func(r rune) bool { return !unicode.IsPrint(r) }
	switch {
	case len(name) > models.MaxActor:
		return models.Invalid(field, "is %d bytes long; at most %d are allowed", len(name), models.MaxActor)
	case !utf8.ValidString(name) || strings.ContainsFunc(name, unprintable):
		return models.Invalid(field, "holds a character that is not allowed; it must be printable UTF-8")
	}
	return nil
}

// newWhy joins the actor, and the key that says for certain who it is, to the reason of the input.
func newWhy(c *gin.Context, reason string) (models.Why, error) {
	by, err := actor(c)
	if err != nil {
		return models.Why{}, err
	}
	why := models.Why{By: by, Key: who(c).key, Reason: reason}
	return why, why.Validate()
}

// readWhy reads the body of a call that takes a reason and nothing else, and may be left out.
func readWhy(c *gin.Context) (models.Why, error) {
	var in client.ActionRequest
	if err := readOptionalJSON(c, &in); err != nil {
		return models.Why{}, err
	}
	return newWhy(c, in.Reason)
}

// rateInput may be left out altogether.
type rateInput struct {
	Rate   optional[int] `json:"rate"`
	Reason string        `json:"reason"`
}

// readRate reads the body of a call that takes a rate, too. The rate is otherwise, if none is given.
func readRate(c *gin.Context, otherwise int) (int, models.Why, error) {
	var in rateInput
	if err := readOptionalJSON(c, &in); err != nil {
		return 0, models.Why{}, err
	}
	rate, err := chosenRate(in.Rate, otherwise)
	if err != nil {
		return 0, models.Why{}, err
	}
	why, err := newWhy(c, in.Reason)
	return rate, why, err
}

func chosenRate(given optional[int], otherwise int) (int, error) {
	if !given.given || given.null {
		return otherwise, nil
	}
	return given.value, models.ValidateRate(given.value)
}
