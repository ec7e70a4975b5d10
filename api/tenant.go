package api

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"github.com/gin-gonic/gin"
	lru "github.com/hashicorp/golang-lru/v2"
	"golang.org/x/time/rate"

	"github.com/posthaste/posthaste/client"
	"github.com/posthaste/posthaste/models"
)

// TenantStore keeps the settings of tenants; see [Store].
type TenantStore interface {
	// RememberedTenant returns the settings, which may be some seconds old.
	RememberedTenant(ctx context.Context, name string) (*models.Tenant, error)
	UpdateTenant(ctx context.Context, name string, change func(*models.Tenant) error, audit ...models.AuditEntry) error
	TenantStanding(ctx context.Context, name string) (*models.TenantStanding, error)
	// Tenants lists tenants by name, above after.
	Tenants(ctx context.Context, after string, limit int) ([]*models.TenantStanding, error)
}

// tenantInput is the JSON by which a caller sets the settings of a tenant.
type tenantInput struct {
	DeliveryMode     models.DeliveryMode `json:"delivery_mode"`
	MaxSubscriptions int                 `json:"max_subscriptions"`
	PublishRate      int                 `json:"publish_rate"`
	Retention        optional[duration]  `json:"retention"`
	PayloadRetention optional[duration]  `json:"payload_retention"`
}

// change gives fields that are absent their defaults, except the retentions, which stay as they are: a caller that does not know
// of them must not have data removed that others keep.
func (in *tenantInput) change(tenant *models.Tenant) error {
	tenant.DeliveryMode, tenant.MaxSubscriptions, tenant.PublishRate = in.DeliveryMode, in.MaxSubscriptions, in.PublishRate
	changeRetention(&tenant.Retention, in.Retention)
	changeRetention(&tenant.PayloadRetention, in.PayloadRetention)
	return tenant.Validate()
}

// changeRetention sets the retention to what was given; null is the installation's.
func changeRetention(keep **time.Duration, given optional[duration]) {
	switch {
	case given.null:
		*keep = nil
	case given.given:
		*keep = new(time.Duration(given.value))
	}
}

// putTenant handles PUT /v1/tenants/{tenant}.
func (s *server) putTenant(c *gin.Context) error {
	var in tenantInput
	if err := readJSON(c, &in); err != nil {
		return err
	}
	entry, err := newEntry(c, models.AuditUpdateTenant)
	if err != nil {
		return err
	}
	name := c.Param("tenant")
	if err := s.Store.UpdateTenant(c.Request.Context(), name, in.change, entry); err != nil {
		return fmt.Errorf("store tenant: %w", err)
	}
	return s.replyTenant(c, name)
}

// getTenant handles GET /v1/tenants/{tenant}. Each name that is possible is a tenant: it needs no settings to exist.
func (s *server) getTenant(c *gin.Context) error {
	name := c.Param("tenant")
	if err := models.ValidateTenant(name); err != nil {
		return err
	}
	return s.replyTenant(c, name)
}

func (s *server) replyTenant(c *gin.Context, name string) error {
	found, err := s.Store.TenantStanding(c.Request.Context(), name)
	if err != nil {
		return fmt.Errorf("get tenant: %w", err)
	}
	return reply(c, http.StatusOK, showTenant(found))
}

// listTenants handles GET /v1/tenants: by name, unlike other lists.
func (s *server) listTenants(c *gin.Context) error {
	q := readQuery(c)
	page := models.Page{After: string(q.token()), Limit: q.limit() + 1}
	if q.err != nil {
		return q.err
	}
	found, err := s.Store.Tenants(c.Request.Context(), page.After, page.Limit)
	if err != nil {
		return fmt.Errorf("list tenants: %w", err)
	}
	answer := newPage(found, page, func(t *models.TenantStanding) string { return t.Name }, showTenant)
	if n := len(answer.Data); answer.NextCursor != "" {
		answer.NextCursor = newToken([]byte(answer.Data[n-1].Name))
	}
	return reply(c, http.StatusOK, answer)
}

func showTenant(t *models.TenantStanding) client.Tenant {
	count := func(n int) client.Count { return client.Count{Count: n, More: n >= models.CountLimit} }
	return client.Tenant{
		Name: t.Name, UpdatedAt: stamp(t.UpdatedAt), TenantFields: client.TenantFields{
			DeliveryMode: string(t.DeliveryMode), MaxSubscriptions: t.MaxSubscriptions, PublishRate: t.PublishRate,
			Retention: (*client.Duration)(t.Retention), PayloadRetention: (*client.Duration)(t.PayloadRetention),
		},
		Subscriptions: count(t.Subscriptions), Events: count(t.Events), Outstanding: count(t.Outstanding),
		Links: client.Links{Self: "/v1/tenants/" + t.Name, Deliveries: "/v1/deliveries?tenant=" + t.Name},
	}
}

// paces limits how fast the tenants that have a publish rate may publish to this process. Safe for concurrent use.
type paces struct {
	known *lru.Cache[string, *rate.Limiter]
}

// pacedTenants is how many tenants have a pace at a time; the pace of a tenant that was not heard of for the longest time
// begins anew.
const pacedTenants = 10_000

func newPaces() *paces {
	known, _ := lru.New[string, *rate.Limiter](pacedTenants) // fails for a size below 1 only
	return &paces{known}
}

// take counts an event of the tenant, or fails with CodeBusy if there were too many. A second's events may come at once.
func (p *paces) take(tenant *models.Tenant) error {
	if tenant.PublishRate == 0 {
		return nil
	}
	limiter := p.of(tenant)
	if limiter.Burst() != tenant.PublishRate { // it was changed
		limiter.SetLimit(rate.Limit(tenant.PublishRate))
		limiter.SetBurst(tenant.PublishRate)
	}
	if !limiter.Allow() {
		return models.Errorf(models.CodeBusy, "the tenant publishes more than %d events a second; try again", tenant.PublishRate)
	}
	return nil
}

func (p *paces) of(tenant *models.Tenant) *rate.Limiter {
	if known, ok := p.known.Get(tenant.Name); ok {
		return known
	}
	fresh := rate.NewLimiter(rate.Limit(tenant.PublishRate), tenant.PublishRate)
	if known, ok, _ := p.known.PeekOrAdd(tenant.Name, fresh); ok { // by another request
		return known
	}
	return fresh
}

// mayPublish fails with CodeBusy if the event's tenant publishes too fast.
func (s *server) mayPublish(ctx context.Context, event *models.Event) error {
	tenant, err := s.Store.RememberedTenant(ctx, event.Tenant)
	if err != nil {
		return fmt.Errorf("get tenant: %w", err)
	}
	return s.paces.take(tenant)
}
