package api

import (
	"fmt"
	"net/http"
	"slices"

	"github.com/gin-gonic/gin"

	"github.com/posthaste/posthaste/client"
	"github.com/posthaste/posthaste/models"
)

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
	}
	filter.Since, filter.Until = q.span()
	filter.Page = q.page(models.AuditPrefix)
	return filter, q.err
}

// subject reads the id of anything that an action can have been done to.
func (q *query) subject() string {
	prefixes := []string{
		models.EventPrefix, models.SubscriptionPrefix, models.DeliveryPrefix, models.RecoveryPrefix, models.SourcePrefix,
	}
	return q.get("subject", func(value string) error {
		isID := func(prefix string) bool { return models.ValidID(prefix, value) }
		if slices.ContainsFunc(prefixes, isID) {
			return nil
		}
		return models.Invalid("subject", "is not the id of an event, a subscription, a delivery, a recovery or a source")
	})
}

func (q *query) by() string {
	return q.get("by", func(value string) error { return validateActor("by", value) })
}

// showAuditEntry is one line of the audit.
func showAuditEntry(e *models.AuditEntry) client.AuditEntry {
	return client.AuditEntry{
		ID: e.ID, At: stamp(e.At), Tenant: e.Tenant, Action: string(e.Action), Subject: e.Subject, By: e.By, Reason: e.Reason,
	}
}
